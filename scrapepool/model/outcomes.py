"""How a target ended: one of five outcomes, each with everything that a record says about it."""

from __future__ import annotations

import builtins
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from ..charset import decode_text
from ..frozen import Compared, rarely_made
from ..named_tuple import NamedTuple
from .attempts import Attempt, Redirect
from .error_kind import ErrorKind
from .history import Step, Timings, TLSFacts
from .targets import Target

if TYPE_CHECKING:
    from ..validators import Known, Validators


class RateLimit(NamedTuple):
    """What a response says about one rate limit of its host.

    name: tells it from the host's other rate limits.
    left: requests until it is used up.
    reset: seconds until its window ends.
    window: seconds that a window lasts; None if the response does not say.
    """

    name: str
    left: float
    reset: float
    window: float | None = None


class Retryable(NamedTuple):
    """What a response says about a further request; the scheduler decides whether and when there is one.

    after: seconds that the server asked to wait (Retry-After, or the reset of a rate limit); None if it named none.
    again: whether the same request may succeed later; False if the host only wants a pause of that length.
    limits: the host's rate limits, if the response says how much of them is left.
    resolver: whether the name server has failed, and neither the host nor the page.
    """

    after: float | None = None
    again: bool = True
    limits: tuple[RateLimit, ...] = ()
    resolver: bool = False


class Saved(NamedTuple):
    """A body that is to become a file: its bytes, or the name of the temporary file that holds them."""

    data: bytes | None = None
    file: str | None = None


@dataclass(slots=True, kw_only=True, repr=False, eq=False)
class OutcomeBase(Compared):
    """The fields of every outcome. The class of an outcome says which kind of end it was.

    An outcome must not be changed after it was made. It is not frozen, because Python would take three times as long to
    make one.

    target: what was to be fetched.
    attempts: requests made, the first one included, redirects not counted.
    started: Unix time of the first attempt; None if there was none.
    elapsed: seconds of the last attempt, from the first byte sent to the last byte read.
    waited: seconds between attempts.
    status: HTTP status of the final response.
    final_url: URL of the final response, after redirects.
    redirects: URLs that redirected, in order.
    hops: the same, each with its status.
    detail: one line for people that says what went wrong or was unusual.
    content_type: the response's.
    charset: label of the body's charset; None if nothing names one.
    bytes: length of the body, decoded.
    wire_bytes: length of the body, as received.
    sha256: of the decoded body, in hexadecimal. None if the response has no body by its nature (HEAD, 304).
    reused: whether the last request used a connection that had been used before.
    complete: whether the body is known to be whole. None: it cannot be known.
    remote: the address that sent the response.
    timings: the duration of each step of the last request.
    tls: what is known of the last TLS connection, with ``output.fields=("+tls",)``; None for http.
    headers: the fields of the final response in order, with ``output.headers``.
    body: the decoded body, with ``output.body``.
    saved: internal; the body on its way into a file.
    path: the file of the body, below ``files.save_dir``.
    data: the values that were extracted from the page, by name.
    retry: internal; whether another attempt may succeed.
    history: the waits and attempts in order, with ``output.history``.
    validators: internal; what the response says about further requests for it.
    change: internal; what became of the page since earlier records.
    before: internal; what these say.
    """

    target: Target
    attempts: int = 0
    started: float | None = None
    elapsed: float = 0.0
    waited: float = 0.0
    status: int | None = None
    final_url: str | None = None
    redirects: tuple[str, ...] = ()
    hops: tuple[Redirect, ...] = ()
    detail: str | None = None
    content_type: str | None = None
    charset: str | None = None
    bytes: int = 0
    wire_bytes: int = 0
    sha256: str | None = None
    reused: bool = False
    complete: bool | None = None
    remote: str | None = None
    timings: Timings | None = None
    tls: TLSFacts | None = None
    headers: list[tuple[str, str]] | None = None
    body: builtins.bytes | None = None
    saved: Saved | None = None
    path: str | None = None
    data: Mapping[str, Any] | None = None
    retry: Retryable | None = None
    history: tuple[Step, ...] | None = None
    validators: Validators | None = None
    change: str | None = None
    before: Known | None = None

    @property
    def context(self) -> Any:
        """The context of the ``Request``; None for a URL."""
        return None if self.target.request is None else self.target.request.context

    @property
    def text(self) -> str | None:
        """The body as text; None if there is no body. Never raises.

        The charset comes from the byte order mark, else from the Content-Type, else from what the page itself says in
        its first 1,024 bytes; else it is UTF-8, or windows-1252 for what is not UTF-8. Bytes that cannot be decoded
        become U+FFFD.
        """
        return None if self.body is None else decode_text(self.body, self.charset)

    def json(self) -> Any:
        """Read the body as JSON. Raises ValueError if it is not JSON, and if there is no body."""
        if self.body is None:
            raise ValueError(f"{self.target.url} has no body here: bodies are kept with output={{'body': True}} alone")
        return json.loads(self.text or "")


class Fetched(OutcomeBase):
    """A whole response came, whatever its status: ``ok`` below 400, ``http_error`` from 400 on."""

    __slots__ = ()


class Serialized(Fetched):
    """A success whose record a worker process has serialized, so that the run only counts and writes it.

    record: the whole record. ttfb: as in ``timings``, whose other steps are not known. Of the other fields it has those
    that are read of each success; the rest are in the record alone.
    """

    __slots__ = ("record", "ttfb")

    def __init__(
        self,
        target: Target,
        record: builtins.bytes,
        status: int | None,
        elapsed: float,
        wire_bytes: int,
        ttfb: float | None,
    ) -> None:
        self.target = target
        self.record = record
        self.status = status
        self.elapsed = elapsed
        self.wire_bytes = wire_bytes
        self.ttfb = ttfb
        self.redirects = ()
        self.retry = self.body = self.data = self.change = None

    def __repr__(self) -> str:
        return f"<Serialized {self.target.url}>"

    @property
    def timings(self) -> Timings | None:  # type: ignore[override]
        """The steps of the last request, of which only ``ttfb`` is known."""
        return None if self.ttfb is None else Timings(None, None, None, self.ttfb, None)


@rarely_made
class Unchanged(OutcomeBase):
    """The page is the same as in an earlier response: the server sent 304.

    asked: whether the request named the validators of ``target.known``.
    fresh: whether no request was made, because that response is still fresh.
    """

    asked: bool = False
    fresh: bool = False


class ProxyFault(Enum):
    """How a proxy failed. A response about the host that it was to connect to is not its own failure."""

    DOWN = "down"
    """It cannot be connected to: it does not run, or accepts no further connection."""
    CLOSED = "closed"
    """It closed a new connection without a response."""
    BUSY = "busy"
    """It refuses further requests (429), or for as long as it says (429 or 503 with a wait)."""
    UNAVAILABLE = "unavailable"
    """It cannot connect to the host, or has no capacity for that (503 without a wait)."""
    GATEWAY = "gateway"
    """It did not reach the host (502, 504)."""
    CREDENTIALS = "credentials"
    """It requires credentials, or other ones (407)."""
    FORBIDDEN = "forbidden"
    """It does not connect to this host."""


@rarely_made
class Failed(OutcomeBase):
    """No whole response came, or none that is as expected (``unexpected``).

    error: why.
    unsent: whether there was no connection over which the request could be sent.
    proxy: how the proxy failed, if it was the proxy.
    """

    error: ErrorKind
    unsent: bool = False
    proxy: ProxyFault | None = None


@rarely_made
class Skipped(OutcomeBase):
    """Not requested: no URL, a duplicate, refused by robots.txt, or an address that is not allowed.

    error: which of these.
    """

    error: ErrorKind


@rarely_made
class Deferred(OutcomeBase):
    """The host asked for a longer wait than ``retry.max_park``.

    not_before: Unix time from which it may be requested again.
    """

    not_before: float


Outcome = Fetched | Unchanged | Failed | Skipped | Deferred


class Redirected(NamedTuple):
    """The attempt goes on at another host: a hop that the scheduler adds to that host's queue."""

    attempt: Attempt
    elapsed: float


Result = Fetched | Unchanged | Failed | Skipped | Redirected
