"""The outcome of an attempt, built from its exchange or from the error that ended it.

Decides what a record contains of a response, which responses are retried (urllib3's ``Retry`` is the policy), and which
of them require a pause (``rate_limit_headers`` says how long). Uses no connection.
"""

from __future__ import annotations

import time
from dataclasses import fields
from typing import Any

from urllib3.util.retry import Retry

from ...charset import charset_of, content_type_of
from ...model import Attempt, ErrorKind, Failed, Fetched, OutcomeBase, Retryable, Skipped, Trail, Unchanged
from ...schedule.health.retry import HOST_WIDE
from ...settings import Settings
from ...text import without_passwords
from ..classify import retryable
from ..errors import FetchError, ProxyError
from ..http1.body import Body
from ..http1.packed_name import unpacked_note
from ..http1.rate_limit_headers import waits_of
from ..http1.response import ResponseParser
from ..net.connection import Connection
from .exchange import Exchange

AGAIN = "fetched again over a new connection: the server had sent unsolicited data"
DISCARDED = (
    "the server had sent unsolicited data, so that this response may be another URL's; "
    "a {method} request is not repeated automatically"
)

HEAD_REFUSED = "the server refused HEAD; GET was sent instead"


_RESPONSE_FIELDS = tuple(field.name for field in fields(OutcomeBase) if field.name not in {"retry", "saved"})


class Reporter:
    """Builds outcomes. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self.keep_headers = settings.output.needs.headers or settings.files.needs_headers
        self._retry_statuses = settings.retry.statuses | HOST_WIDE
        self._retry_errors = settings.retry.errors
        self._method = settings.request.method.upper()
        self._head_fallback = settings.request.head_fallback
        self._policy = Retry(total=None, status_forcelist=settings.retry.statuses)

    def fetched(
        self,
        attempt: Attempt,
        exchange: Exchange,
        conn: Connection,
        method: str,
        started: float,
        began: float,
        url: str,
        trail: Trail,
        again: bool,
    ) -> Fetched | Unchanged:
        """Return the outcome of a whole response.

        method: the method of the last request. started: Unix time. began: monotonic time of the first byte sent.
        url: the last URL. trail: the redirects that led to it. again: an earlier response was discarded.
        """
        parser, body = exchange.parser, exchange.body
        assert body is not None  # noqa: S101 - a whole response has one
        status, values = parser.status, parser.values
        bodiless = status == 304 or method == "HEAD"
        field = values.get(b"content-type")
        content_type = None if field is None else content_type_of(field)
        notes = [*trail.notes, *parser.notes, *body.notes]
        if again:
            notes.append(AGAIN)
        coding = values.get(b"content-encoding")
        if coding is not None and (note := unpacked_note((attempt.target.url, url), coding, body.head)) is not None:
            notes.append(note)
        if self._head_fallback and method == "GET" and attempt.target.method(self._method) == "HEAD":
            notes.append(HEAD_REFUSED)
        # Assignments take half the time of so many keyword arguments.
        made = (Unchanged if status == 304 else Fetched)(target=attempt.target)
        made.attempts = attempt.number
        made.started = started
        made.elapsed = exchange.ended - began
        made.waited = attempt.waited
        made.status = status
        made.final_url = url
        made.redirects, made.hops = trail.redirects, trail.hops
        made.detail = "; ".join(notes) if notes else None
        made.content_type = content_type
        made.charset = charset_of(content_type, body.head)
        made.bytes, made.wire_bytes = body.size, body.wire
        made.sha256 = None if bodiless else body.sha256
        made.reused = exchange.reused
        made.complete = _is_whole(parser, body)
        made.remote = conn.remote
        made.timings = exchange.timings(conn)
        made.tls = exchange.tls
        made.headers = decoded(parser) if self.keep_headers else None
        made.body, made.saved = body.content, body.saved
        if status in self._retry_statuses or parser.has_rate_limits:
            made.retry = self.hint(method, parser)
        return made

    def failed(
        self,
        attempt: Attempt,
        fault: FetchError,
        *,
        method: str,
        started: float,
        elapsed: float,
        url: str | None = None,
        trail: Trail | None = None,
        exchange: Exchange | None = None,
        remote: str | None = None,
    ) -> Failed | Skipped:
        """Return the outcome of an attempt without a whole response; it describes the part that arrived.

        exchange: the last one that was begun. elapsed: seconds. The other arguments are as for ``fetched``; None stands
        for the URL and the trail of the attempt.
        """
        trail = trail or attempt.trail
        if url is None and attempt.hop is not None:
            url = attempt.hop.url
        if fault.kind is ErrorKind.FORBIDDEN_ADDRESS:
            return _refused(attempt, fault, started, url, trail)
        known: dict[str, Any] = {}
        responded = exchange is not None and exchange.parser.started
        detail = fault.detail if responded else attempt.located(fault.detail)
        if exchange is not None and exchange.parser.head_done:
            parser, body = exchange.parser, exchange.body
            content_type = parser.values.get(b"content-type")
            known = {
                "status": parser.status,
                "content_type": None if content_type is None else content_type_of(content_type),
                "bytes": body.size if body else 0,
                "wire_bytes": body.wire if body else 0,
                "reused": exchange.reused,
                "headers": decoded(parser) if self.keep_headers else None,
                "complete": False,
                "tls": exchange.tls,
            }
        return Failed(
            target=attempt.target,
            error=fault.kind,
            attempts=attempt.number,
            started=started,
            elapsed=elapsed,
            waited=attempt.waited,
            final_url=url,
            redirects=trail.redirects,
            hops=trail.hops,
            detail="; ".join((detail, *trail.notes)),
            remote=remote,
            retry=retryable(fault, method, self._retry_errors),
            unsent=exchange is None,
            proxy=fault.fault if isinstance(fault, ProxyError) else None,
            **known,
        )

    def unexpected(self, fetched: Fetched, why: str, method: str) -> Failed:
        """Return the outcome of a whole response that is not what was expected. Its body is not saved."""
        known = {name: getattr(fetched, name) for name in _RESPONSE_FIELDS}
        known["detail"] = why if fetched.detail is None else f"{why}; {fetched.detail}"
        fault = FetchError(ErrorKind.UNEXPECTED, why)
        return Failed(**known, error=ErrorKind.UNEXPECTED, retry=retryable(fault, method, self._retry_errors))

    def discarded(self, attempt: Attempt, method: str, started: float, elapsed: float) -> Failed | Skipped:
        """Return the outcome of a request that must not be repeated and whose response cannot be trusted."""
        fault = FetchError(ErrorKind.PROTOCOL, DISCARDED.format(method=method))
        return self.failed(attempt, fault, method=method, started=started, elapsed=elapsed)

    def hint(self, method: str, parser: ResponseParser) -> Retryable | None:
        """Return what a response says about a retry: whether, after which time, and the rate limits; else None."""
        again = self._policy.is_retry(method, parser.status)
        after, limits = waits_of(parser.headers, parser.status, time.time())
        return Retryable(after, again=again, limits=limits) if again or limits or after is not None else None


def decoded(parser: ResponseParser) -> list[tuple[str, str]]:
    """Return the header fields as text, decoded as latin-1. The password in a Location is hidden."""
    fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in parser.headers]
    if parser.values.get(b"location") is None:
        return fields
    return [(name, without_passwords(value) if name.lower() == "location" else value) for name, value in fields]


def _refused(attempt: Attempt, fault: FetchError, started: float, url: str | None, trail: Trail) -> Skipped:
    """Return the outcome of a target that was not requested, or whose redirect was not followed."""
    begun = bool(trail.redirects)
    return Skipped(
        target=attempt.target,
        error=fault.kind,
        attempts=attempt.number if begun else attempt.number - 1,
        started=started if begun else attempt.started,
        waited=attempt.waited,
        final_url=url if begun else None,
        redirects=trail.redirects,
        hops=trail.hops,
        detail="; ".join((attempt.located(fault.detail), *trail.notes)),
    )


def _is_whole(parser: ResponseParser, body: Body) -> bool | None:
    """Return whether a body is whole; None if that cannot be known."""
    if body.full:
        return False
    return None if parser.framing == "close" and not body.final else True
