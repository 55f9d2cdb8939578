"""``--http-fallback``: request bare names over http if https fails.

Decides which failures lead to http: those before a request could be sent, except those that http would share with
https. The target stays the same; it goes on as after a redirect, at another host, with the limits and robots.txt of
that host.
"""

from __future__ import annotations

from dataclasses import replace

from ..frozen import frozen
from ..model import Attempt, ErrorKind, Failed, Hop
from ..url import parse

FALLS_BACK = frozenset(
    {
        ErrorKind.CONNECT_REFUSED,
        ErrorKind.CONNECT_TIMEOUT,
        ErrorKind.UNREACHABLE,
        ErrorKind.TLS,
        ErrorKind.RESET,
        ErrorKind.PROTOCOL,
    }
)


def falls_back(failure: Failed | None) -> bool:
    """Whether a failure shows that a host cannot be reached over https."""
    return failure is not None and failure.unsent and failure.error in FALLS_BACK


@frozen
class HttpFallback:
    """Turns attempts at bare names over https into attempts over http. method: the method of the run."""

    method: str

    def over_http(self, attempt: Attempt, detail: str | None, spent: float = 0.0) -> Attempt | None:
        """Return the attempt at the http URL; None if the list names the scheme, or if the attempt was redirected.

        detail: why https failed. spent: seconds that https took.
        """
        target = attempt.target
        if not target.bare or attempt.hop is not None or target.host.scheme != "https":
            return None
        url = f"http{target.url.removeprefix('https')}"
        parsed = parse(url)
        note = f"requested over http, as https failed{detail and ': '}{detail or ''}"
        hop = Hop(url, parsed.host, parsed.path, target.method(self.method), (), spent, notes=(note,))
        return replace(attempt, hop=hop)
