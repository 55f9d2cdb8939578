"""The circuit breaker of a host: it decides when a host counts as down, and when it is given up.

A dead host with ten thousand URLs must not cost forty thousand connection attempts, and a host that restarts must not
lose its URLs. So ten pages that fail in a row open the circuit. While it is open, one request at a time probes the
host, after growing pauses. One response closes the circuit. A page counts once: a page that fails again proves nothing
more. A host that has responded in this run, if only with a 5xx, is probed for as long as this program waits for a
``Retry-After`` (``max_park``, 300 s: ten probes). A host that has never responded is probed for
``UNKNOWN_HOST_PROBING`` (four probes). What waits meanwhile holds no slot, and a failed probe costs its target no
attempt. When the probes fail too, the rest of the host fails at once. Pages count whatever the cause is, since a host
that is going down shows several causes; the first one names the circuit. Time is an argument.
"""

from __future__ import annotations

from enum import Enum, StrEnum

from ...model import ErrorKind, Failed, Fetched, Outcome, ProxyFault

FIRST_PROBE_DELAY = 1.0
"""Seconds from the opening of a circuit to the first probe. Most failures in a row are over by then."""

MAX_PROBE_DELAY = 60.0
"""Maximum number of seconds between two probes: a host that comes back is found within a minute."""

UNKNOWN_HOST_PROBING = 15.0
"""Seconds for which a host that never responded in this run is probed, after 1, 2, 4 and 8 s. A name that is not
found, a closed port and a wrong certificate are permanent nine times in ten."""

GIVEN_UP_FOR = 600.0
"""Seconds for which new targets of a host that was given up fail at once. After that, the host is tried again."""


class Cause(StrEnum):
    """The kind of a failure, as far as the host is concerned."""

    DNS = "dns"
    REFUSED = "refused"
    TLS = "tls"
    CONNECT = "connect timeout"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    RESET = "reset"
    SERVER = "5xx"
    THROTTLED = "throttled"


_CAUSE_OF_ERROR = {
    ErrorKind.DNS: Cause.DNS,
    ErrorKind.CONNECT_REFUSED: Cause.REFUSED,
    ErrorKind.TLS: Cause.TLS,
    ErrorKind.CONNECT_TIMEOUT: Cause.CONNECT,
    ErrorKind.UNREACHABLE: Cause.UNREACHABLE,
    ErrorKind.READ_TIMEOUT: Cause.TIMEOUT,
    ErrorKind.DEADLINE: Cause.TIMEOUT,
    ErrorKind.RESET: Cause.RESET,
}

_CAUSE_OF_PROXY_FAULT = {ProxyFault.UNAVAILABLE: Cause.UNREACHABLE, ProxyFault.GATEWAY: Cause.UNREACHABLE}
"""Faults that a proxy reports about a host to which it cannot connect."""

STRAIN_CAUSES = frozenset({Cause.REFUSED, Cause.CONNECT, Cause.TIMEOUT, Cause.RESET})
"""Causes that fewer requests in flight may cure."""

AMBIGUOUS_CAUSES = frozenset({Cause.TIMEOUT, Cause.RESET, Cause.SERVER})
"""Causes that may come from the page or from the host; see ``attribution``."""

STATUS_CAUSES = frozenset({Cause.SERVER, Cause.THROTTLED})
"""Causes that are responses."""

SHARED_CAUSES = frozenset({Cause.SERVER, Cause.RESET, Cause.TLS, Cause.REFUSED})
"""Causes that a gateway, a CDN or another shared service may produce for many hosts at once."""

MAX_EXAMPLES = 3
"""Number of failed URLs that are kept as examples."""


def cause_of(outcome: Outcome) -> Cause | None:
    """Return what an outcome says against its host; None for a response, and for what does not concern the host."""
    if isinstance(outcome, Failed):
        return (
            _CAUSE_OF_PROXY_FAULT.get(outcome.proxy)
            if outcome.proxy is not None
            else _CAUSE_OF_ERROR.get(outcome.error)
        )
    if isinstance(outcome, Fetched) and outcome.status is not None:
        if outcome.status == 429:
            return Cause.THROTTLED
        if outcome.status >= 500:
            return Cause.SERVER
    return None


class Verdict(Enum):
    """The consequence of a failure for its target.

    COUNTED: the attempt counts. PROBED: the attempt is refunded. GIVEN_UP: the target fails with its host.
    """

    COUNTED = 1
    PROBED = 2
    GIVEN_UP = 3


class CircuitBreaker:
    """The circuit of one host. All times are monotonic seconds.

    after: number of pages in a row that open it. failed_in_row: pages that failed with no response in between, probes
    included. cause, words: kind and description of the first of these failures. pages: URLs of the first of them.
    opened: when the circuit opened, None while it is closed. probe_at: no request starts earlier while it is open.
    has_status: whether one of the failures was a response with a status, which shows that the host is up.
    """

    __slots__ = ("_pause", "after", "cause", "failed_in_row", "has_status", "opened", "pages", "probe_at", "words")

    def __init__(self, after: int) -> None:
        self.after = after
        self.failed_in_row = 0
        self.cause: Cause | None = None
        self.words = ""
        self.pages: list[str] = []
        self.has_status = False
        self.opened: float | None = None
        self.probe_at = 0.0
        self._pause = FIRST_PROBE_DELAY

    def __repr__(self) -> str:
        state = "closed" if self.opened is None else f"open, probe at {self.probe_at:.3f}"
        return f"<CircuitBreaker {state}, {self.failed_in_row} in a row>"

    def note(self, cause: Cause, words: str, page: str) -> None:
        """Count one more page that failed."""
        if not self.failed_in_row or self.cause is Cause.THROTTLED:  # which says nothing of pages
            self.cause, self.words = cause, words
        if not self.failed_in_row:
            self.pages = []
        self.failed_in_row += 1
        self.has_status |= cause in STATUS_CAUSES
        if len(self.pages) < MAX_EXAMPLES and page not in self.pages:
            self.pages.append(page)

    def on_failure(self, started: float, now: float, *, probing: float) -> Verdict:
        """Decide what follows from the failure of a request that began at ``started``. If it counts, ``note`` it first.

        probing: seconds for which the host is probed before it is given up.
        """
        if self.opened is None:
            if self.failed_in_row >= self.after:
                self.opened = now
                self._pause = FIRST_PROBE_DELAY
                self.probe_at = now + self._pause
            return Verdict.COUNTED
        if started < self.probe_at:
            return Verdict.COUNTED  # it was on its way when the circuit opened
        if now >= self.opened + probing:
            return Verdict.GIVEN_UP
        self._pause = min(2 * self._pause, MAX_PROBE_DELAY)
        self.probe_at = max(now, min(now + self._pause, self.opened + probing))
        return Verdict.PROBED

    def probe_now(self) -> None:
        """Send the first probe at once, since it costs no page an attempt."""
        if self.opened is not None:
            self.probe_at = self.opened

    def reopen(self, now: float) -> None:
        """Open the circuit for a host that was down in an earlier run, so that it is probed first."""
        self.opened = self.probe_at = now

    @property
    def prefers_fresh(self) -> bool:
        """Whether the next request should be for another target than those that failed."""
        if self.cause is Cause.SERVER:
            return self.opened is not None
        return self.failed_in_row > 0 and self.cause is not Cause.THROTTLED

    def on_response(self) -> None:
        """Close the circuit: any response shows that the host is up."""
        self.failed_in_row = 0
        self.opened = None

    def why(self) -> str:
        """Return the detail for the records of a host that was given up."""
        return f"{self.failed_in_row} failures in a row ({', '.join(self.pages)}), the first: {self.words}"
