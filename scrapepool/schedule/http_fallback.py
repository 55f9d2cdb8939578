"""``--http-fallback``: bare names go on over http where they cannot be had over https.

Decides which failures lead there: those before a request could be sent, but for what http would share with https. The
target stays what it is; it goes on as after a redirect, at another host, with that host's limits and robots.txt.
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
    """Whether a failure tells that a host cannot be had over https."""
    return failure is not None and failure.unsent and failure.error in FALLS_BACK


@frozen
class HttpFallback:
    """What a bare name's attempt goes on with. method: the run's."""

    method: str

    def over_http(self, attempt: Attempt, detail: str | None, spent: float = 0.0) -> Attempt | None:
        """The attempt at the http URL; None where the scheme was written, and where it is no more at that URL.

        detail: why https failed. spent: seconds that this took.
        """
        target = attempt.target
        if not target.bare or attempt.hop is not None or target.host.scheme != "https":
            return None
        url = f"http{target.url.removeprefix('https')}"
        parsed = parse(url)
        note = f"requested over http, as https failed{detail and ': '}{detail or ''}"
        hop = Hop(url, parsed.host, parsed.path, target.method(self.method), (), spent, notes=(note,))
        return replace(attempt, hop=hop)
