"""The values that travel: what is to be fetched, and what became of it.

Decides the shape of a target, an attempt and an outcome, and nothing else. Knows no
sockets, threads, clocks or files. A failed URL is a value here, never an exception.
Times called ``started`` are Unix seconds of the wall clock; every other time is a
duration in seconds of a monotonic clock.
"""

from __future__ import annotations

import builtins
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple

from .charset import decode_text
from .frozen import Compared

if TYPE_CHECKING:
    from .validators import Known, Validators


class HostKey(NamedTuple):
    """What limits, delays and connections are counted by: an origin (RFC 6454 section 4).

    scheme: ``http`` or ``https``.
    host: lower case, IDNA-encoded; an IPv6 address stands without brackets.
    port: its number.
    """

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def netloc(self) -> str:
        """``host[:port]`` as it stands in a URL and in the Host header: no default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS.get(self.scheme) else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """``scheme://host[:port]``."""
        return f"{self.scheme}://{self.netloc}"


DEFAULT_PORTS = {"http": 80, "https": 443}


class ErrorKind(StrEnum):
    """The stable slugs of a record's ``error`` field."""

    DNS = "dns"
    CONNECT_REFUSED = "connect_refused"
    CONNECT_TIMEOUT = "connect_timeout"
    UNREACHABLE = "unreachable"
    READ_TIMEOUT = "read_timeout"
    DEADLINE = "deadline"
    TLS = "tls"
    RESET = "reset"
    TRUNCATED = "truncated"
    PARTIAL = "partial"
    PROTOCOL = "protocol"
    DECODE = "decode"
    TOO_LARGE = "too_large"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    INVALID_URL = "invalid_url"
    UNSUPPORTED_SCHEME = "unsupported_scheme"
    FORBIDDEN_ADDRESS = "forbidden_address"
    ROBOTS = "robots"
    ROBOTS_UNREACHABLE = "robots_unreachable"
    DUPLICATE = "duplicate"
    CIRCUIT_OPEN = "circuit_open"
    PROXY = "proxy"
    DISK = "disk"
    INTERRUPTED = "interrupted"
    INTERNAL = "internal"
    HTTP_4XX = "http_4xx"
    HTTP_5XX = "http_5xx"


class Apart(NamedTuple):
    """What tells a target from others whose records have the same URL.

    method: of its row, ``""`` where that is the run's. data: SHA-256 of its row's body in hexadecimal, ``""`` without
    one. occurrence: 1 for the first target of the lists whose record has this URL, method and body; a further one has
    another user or password, which records hide.
    """

    method: str = ""
    data: str = ""
    occurrence: int = 1


class RowRequest(NamedTuple):
    """What one row of a list asks for otherwise than the run.

    method: upper case. headers: over the run's. data: the body. timeout: seconds of a whole attempt.
    save_as: the name that the row wants for its body's file, as written. None is the run's in each case.
    context: of a program, which gets it back with the outcome.
    """

    method: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    data: builtins.bytes | None = None
    timeout: float | None = None
    save_as: str | None = None
    context: Any = None

    @property
    def plain(self) -> bool:
        """Whether the same is sent as for any other row."""
        return self.method is None and not self.headers and self.data is None

    def apart(self, method: str) -> Apart | None:
        """What tells the target from others of its URL, None where nothing does. method: the run's."""
        if self.data is None:
            return None if self.method in (None, method) else Apart(self.method or method)
        return Apart(self.method or method, hashlib.sha256(self.data).hexdigest())


@dataclass(slots=True, repr=False, eq=False)
class Target(Compared):
    """One URL of the list, parsed once. Not to be changed once it is made, as outcomes.

    url: as it was given, with its password hidden: it goes into every output.
    host: where it is requested.
    path: the request target (RFC 9112 section 3.2.1): path and query, ASCII, percent-encoded.
    line: 1-based line in its list, or place among the URLs of a program; None for an argument of the command line.
    userinfo: ``user:password`` out of the URL, still percent-encoded.
    input: the other columns of a row.
    request: what its row, or its ``Request``, has otherwise than the run.
    occurrence: internal; as in ``Apart``.
    source: the name of its list; None for what was an argument, or came from a program.
    bare: whether no scheme was given.
    known: internal; what earlier records say about it.
    """

    url: str
    host: HostKey
    path: str
    line: int | None = None
    userinfo: str | None = field(default=None, repr=False)
    input: Mapping[str, Any] | None = None
    request: RowRequest | None = None
    occurrence: int = 1
    source: str | None = None
    bare: bool = False
    known: Known | None = field(default=None, repr=False)

    def apart(self, method: str) -> Apart | None:
        """What tells it from others whose records have the same URL, None where nothing does. method: the run's."""
        own = None if self.request is None else self.request.apart(method)
        return own if self.occurrence == 1 else (own or Apart())._replace(occurrence=self.occurrence)

    def method(self, method: str) -> str:
        """What it is asked with. method: the run's."""
        return method if self.request is None else self.request.method or method


class Redirect(NamedTuple):
    """A redirect that was followed.

    url: what was requested, without a password.
    status: HTTP status of the response.
    """

    url: str
    status: int


class Trail(NamedTuple):
    """The redirects that one attempt has followed so far.

    redirects: the URLs that were requested, the target's own first. hops: the same with the statuses of the responses.
    notes: what was odd about them, one human line each.
    """

    redirects: tuple[str, ...] = ()
    hops: tuple[Redirect, ...] = ()
    notes: tuple[str, ...] = ()

    def followed(self, url: str, status: int, notes: tuple[str, ...]) -> Trail:
        """The trail with one more redirect."""
        return Trail((*self.redirects, url), (*self.hops, Redirect(url, status)), self.notes + notes)

    def hop(self, url: str, host: HostKey, path: str, method: str, spent: float, cookies: Any) -> Hop:
        """What the trail leads to on another host; the arguments are fields of the hop."""
        return Hop(url, host, path, method, self.redirects, spent, cookies, self.hops, self.notes)


NO_TRAIL = Trail()
"""Of an attempt that was not redirected."""


class Hop(NamedTuple):
    """Where redirects have led one attempt.

    url, host, path, method: what is to be asked for now.
    redirects, hops, notes: as in ``Trail``.
    spent: seconds of the attempt's ``--timeout`` that are used up.
    cookies: the jar of this attempt, None while no cookie was set.
    """

    url: str
    host: HostKey
    path: str
    method: str
    redirects: tuple[str, ...]
    spent: float
    cookies: Any = None
    hops: tuple[Redirect, ...] = ()
    notes: tuple[str, ...] = ()


class WaitReason(StrEnum):
    """What a target waits for before it is asked: the words of a record's ``history``."""

    TURN = "turn"
    """What was before it: limits on requests in flight, on its host or in all, and on requests a second."""
    DELAY = "delay"
    """The same on a host whose starts are kept apart, by ``--delay``, a Crawl-delay or its pace."""
    ROBOTS = "robots"
    """Its host's robots.txt."""
    RETRY_AFTER = "retry_after"
    """The wait that the server asked for."""
    PARKED = "parked"
    """Its host had said that it is asked too much (429, 503), and not for how long."""
    CIRCUIT = "circuit"
    """Its host was down, and only probed now and then."""
    WINDOW = "window"
    """The hours at which its host may be asked."""
    BACKOFF = "backoff"
    """The pause before a retry."""
    OUTAGE = "outage"
    """The network looked down."""


class Wait(NamedTuple):
    """A wait, in seconds, and its reason."""

    why: WaitReason
    seconds: float


class Timings(NamedTuple):
    """Where the time of one request went, in seconds; None where the step did not happen.

    dns: the name look-up.
    connect: TCP.
    tls: the handshake.
    ttfb: from the request to the first byte of the response.
    download: from there to its last byte.
    """

    dns: float | None
    connect: float | None
    tls: float | None
    ttfb: float | None
    download: float | None


class AttemptRecord(NamedTuple):
    """What one attempt came to. The fields are those of ``OutcomeBase``, but for these.

    number: 1 for the first; given twice where an attempt was not counted. url: the last that was asked.
    started: Unix time of its own start. retry_after: seconds that the server asked to wait.
    redirected_to: the URL on another host at which the attempt goes on; what follows tells of its end.
    """

    number: int
    url: str
    started: float | None
    elapsed: float
    status: int | None = None
    error: ErrorKind | None = None
    detail: str | None = None
    remote: str | None = None
    reused: bool = False
    timings: Timings | None = None
    retry_after: float | None = None
    redirected_to: str | None = None


Step = Wait | AttemptRecord
"""A step in the history of a target, which is told in the order in which it happened."""


class Earlier(NamedTuple):
    """When an earlier attempt at a target failed, as far as its host is concerned.

    host: that failed it. answers: pages of that host that were answered until then. at: when, in monotonic seconds.
    tries: whether the next attempt is to tell whether the host refuses requests for being too many. said: the status,
    or the error where there was none.
    """

    host: HostKey
    answers: int
    at: float
    tries: bool = False
    said: str = ""


@dataclass(slots=True, repr=False, eq=False)
class Attempt(Compared):
    """One try at a target. Not changed once it is made, as ``OutcomeBase``.

    number: 1 for the first; a redirect's hop keeps its attempt's number.
    refunds: attempts that were made and do not count, since they were not the target's fault.
    earlier: the failure before, where it was perhaps the target's own.
    waited: seconds parked before this attempt, over all attempts so far.
    started: Unix time of the first attempt's start; None before it.
    hop: where redirects led; None at the target itself. history: what was before; None where nobody asked for it.
    """

    target: Target
    number: int = 1
    waited: float = 0.0
    started: float | None = None
    hop: Hop | None = None
    history: tuple[Step, ...] | None = None
    refunds: int = 0
    earlier: Earlier | None = None

    @property
    def host(self) -> HostKey:
        """The host that is asked now."""
        return self.target.host if self.hop is None else self.hop.host

    @property
    def trail(self) -> Trail:
        """The redirects that led here."""
        hop = self.hop
        return NO_TRAIL if hop is None else Trail(hop.redirects, hop.hops, hop.notes)

    def ended(self, detail: str) -> dict[str, Any]:
        """What an outcome tells that ends the attempt without a request of its own to ``host``.

        A redirect keeps its story: where it led, and the detail names that host.
        """
        hop = self.hop
        told = {"target": self.target, "started": self.started, "waited": self.waited, "history": self.history}
        if hop is None:
            return {**told, "attempts": self.number - 1, "detail": detail}
        story = {"final_url": hop.url, "redirects": hop.redirects, "hops": hop.hops}
        return {**told, **story, "attempts": self.number, "detail": "; ".join((self.located(detail), *hop.notes))}

    def located(self, detail: str) -> str:
        """Tell with a failure to which host a redirect led, unless the detail names it."""
        if self.hop is None or not self.hop.redirects or self.hop.host.netloc in detail:
            return detail
        return f"redirected to {self.hop.host.netloc}: {detail}"


class RateLimit(NamedTuple):
    """What a response says of one rate limit of its host.

    name: tells it from the host's others. left: requests until it is used up. reset: seconds until its window ends.
    window: seconds that a window lasts, None where that is not said.
    """

    name: str
    left: float
    reset: float
    window: float | None = None


class Retryable(NamedTuple):
    """What a reply tells about asking again; whether and when that is done is the scheduler's to decide.

    after: seconds that the server asked to wait (Retry-After, or a rate limit's reset); None where it named none.
    again: whether asking for the same may help; False where only the host wants to be left alone for that long.
    limits: the host's rate limits, as far as the response tells what is left of them.
    resolver: whether the name server is to blame, and neither the host nor the page.
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
    """What every outcome tells. Subclasses say which kind of end it was.

    Not to be changed once it is made. It is not frozen, as Python would take three times as long over each.

    target: what was to be fetched.
    attempts: requests made, the first one included, redirects not counted.
    started: Unix time of the first attempt; None where there was none.
    elapsed: seconds of the last attempt, from the first byte sent to the last byte read.
    waited: seconds between attempts.
    status: HTTP status of the final response.
    final_url: URL of the final response, after redirects.
    redirects: URLs that redirected, in order.
    hops: the same, each with its status.
    detail: one line for people about what went wrong or was odd.
    content_type: the response's.
    charset: label of the body's charset; None where nothing names one.
    bytes: length of the body, decoded.
    wire_bytes: length of the body, as received.
    sha256: of the decoded body, in hexadecimal. None where the response has no body by its nature (HEAD, 304).
    reused: whether the last request went over a connection that had served before.
    complete: whether the body is known to be whole. None: it cannot be known.
    remote: the address that responded.
    timings: where the time of the last request went.
    headers: the final response's fields in order, where ``output.headers`` keeps them.
    body: the decoded body, where ``output.body`` keeps it.
    saved: internal; the body on its way into a file.
    path: the body's file, below ``files.save_dir``.
    data: what was taken out of the page, by name.
    retry: internal; whether another attempt may help.
    history: the waits and attempts in order, with ``output.history``.
    validators: internal; what the response says about asking for it again.
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
        """What the caller gave with the ``Request``; None for a URL."""
        return None if self.target.request is None else self.target.request.context

    @property
    def text(self) -> str | None:
        """The body as text; None where there is no body. Never raises.

        Its charset is that of its byte order mark, else of the Content-Type, else the one that the page itself names in
        its first 1,024 bytes; else UTF-8, or windows-1252 for what is not UTF-8. What cannot be decoded becomes U+FFFD.
        """
        return None if self.body is None else decode_text(self.body, self.charset)

    def json(self) -> Any:
        """The body, read as JSON. Raises ValueError where it is none, and where there is no body."""
        if self.body is None:
            raise ValueError(f"{self.target.url} has no body here: bodies are kept with output={{'body': True}} alone")
        return json.loads(self.text or "")


class Fetched(OutcomeBase):
    """A whole response came, whatever its status: ``ok`` below 400, ``http_error`` from 400 on."""

    __slots__ = ()


@dataclass(slots=True, kw_only=True, repr=False, eq=False)
class Unchanged(OutcomeBase):
    """The page is what an earlier response had: the server said 304.

    asked: whether the request named the validators of ``target.known``.
    fresh: whether no request was made, as that response is still fresh.
    """

    asked: bool = False
    fresh: bool = False


class ProxyFault(Enum):
    """How a proxy failed; what it says of the host that it was to connect to is not its own fault."""

    DOWN = "down"
    """No connection to it: it runs no more, or allows no further one."""
    CLOSED = "closed"
    """It closed a new connection without a response."""
    BUSY = "busy"
    """It refuses more (429), or for as long as it says (429 or 503 with a wait)."""
    UNAVAILABLE = "unavailable"
    """It cannot connect to the host, or has no room for that (503 without a wait)."""
    GATEWAY = "gateway"
    """It did not reach the host (502, 504)."""
    CREDENTIALS = "credentials"
    """It wants credentials, or others (407)."""
    FORBIDDEN = "forbidden"
    """It does not connect to this host."""


@dataclass(slots=True, kw_only=True, repr=False, eq=False)
class Failed(OutcomeBase):
    """No whole response came.

    error: why.
    unsent: whether there was no connection over which the request could be sent.
    proxy: how the proxy failed, where it was the proxy.
    """

    error: ErrorKind
    unsent: bool = False
    proxy: ProxyFault | None = None


@dataclass(slots=True, kw_only=True, repr=False, eq=False)
class Skipped(OutcomeBase):
    """Not requested: no URL, a duplicate, refused by robots.txt, or an address that is not allowed.

    error: which of these.
    """

    error: ErrorKind


@dataclass(slots=True, kw_only=True, repr=False, eq=False)
class Deferred(OutcomeBase):
    """The host asked for a longer wait than ``retry.max_park``.

    not_before: Unix time from which it may be requested again.
    """

    not_before: float


Outcome = Fetched | Unchanged | Failed | Skipped | Deferred


class Redirected(NamedTuple):
    """The attempt goes on at another host: a hop for the scheduler to queue there."""

    attempt: Attempt
    elapsed: float


Result = Fetched | Unchanged | Failed | Skipped | Redirected


class Span(NamedTuple):
    """Part of an open file: ``size`` bytes from ``begin`` on."""

    file: BinaryIO
    begin: int
    size: int


TruncationReason = Literal["length", "time", "disconnect", "unspecified"]
"""Why a message was not received to its end: the reasons of WARC/1.1 section 5.13."""


class Transcript(NamedTuple):
    """One request and its reply as they went over the wire, for an archive; made where a reply's head has come.

    url: that the request names, ASCII, without user and fragment. seed: the target's. via: of the redirect that led
    here, None for the first request of an attempt. hops: redirects so far. attempt: which one of the target's.
    started: Unix time. elapsed: seconds. remote: the address that answered, None where a proxy did.
    request: as sent; whole unless ``unsent``.
    reply: from the final status line to the end of the message, chunks and codings left on; a long one in a file.
    head: bytes of the reply's header block. cut: why the reply is not whole, None where it is.
    interim: answers before the final one, which are left out. not_modified: whether it is a 304 to a request that named
    validators of an earlier response.
    """

    url: str
    seed: str
    via: str | None
    hops: int
    attempt: int
    started: float
    elapsed: float
    remote: str | None
    request: bytes
    unsent: bool
    reply: bytes | Span
    head: int
    cut: TruncationReason | None
    interim: int
    not_modified: bool = False


def verdict(outcome: Outcome) -> str:
    """The record's word: ``ok``, ``http_error``, ``unchanged``, ``failed``, ``skipped``, ``deferred``."""
    match outcome:
        case Fetched():
            return "ok" if (outcome.status or 0) < 400 else "http_error"
        case Unchanged():
            return "unchanged"
        case Failed():
            return "failed"
        case Skipped():
            return "skipped"
        case Deferred():
            return "deferred"


def is_repeat(outcome: Outcome) -> bool:
    """Whether it is of a further place of its URL in the lists, which was not requested."""
    return isinstance(outcome, Skipped) and outcome.error is ErrorKind.DUPLICATE


def error_of(outcome: Outcome) -> ErrorKind | None:
    """The record's error; None for a success and a deferral."""
    if isinstance(outcome, Fetched):
        status = outcome.status or 0
        if status < 400:
            return None
        return ErrorKind.HTTP_5XX if status >= 500 else ErrorKind.HTTP_4XX
    return outcome.error if isinstance(outcome, Failed | Skipped) else None
