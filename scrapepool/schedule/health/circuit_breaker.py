"""When a host counts as down: it is then asked by one probe at a time, and given up where none succeeds.

A dead host with ten thousand URLs must not cost forty thousand connects, and one that restarts must not lose its URLs.
So ten pages that fail in a row open the circuit; probes follow at growing pauses; one answer closes it. A page counts
once: what fails again proves nothing more. A host that has answered in this run, if only with a 5xx, is probed for as
long as one that names a Retry-After is waited for (``max_park``, 300 s: ten probes); one that never has for
``UNKNOWN``: four probes. What waits meanwhile holds no place among those in flight, and a failed probe costs its target
no attempt. Then the rest of the host fails at once. Pages count whatever the cause, as a host that is going down shows
several; the first names the circuit. Time is an argument.
"""

from __future__ import annotations

from enum import Enum, StrEnum

from ...model import ErrorKind, Failed, Fetched, Outcome, ProxyFault

FIRST_PAUSE = 1.0
"""Seconds from the opening to the first probe: most failures in a row are over by then."""

LONGEST_PAUSE = 60.0
"""Seconds between two probes at most: a host that comes back is found within a minute."""

UNKNOWN = 15.0
"""Seconds for which a host is probed that never answered in this run: name not found, port closed, wrong certificate
are final nine times in ten. Probes after 1, 2, 4 and 8 s."""

GIVEN_UP_FOR = 600.0
"""Seconds in which new targets of a host that was given up fail at once; after that it is tried again."""


class Cause(StrEnum):
    """What kind of trouble a failure is for its host."""

    DNS = "dns"
    REFUSED = "refused"
    TLS = "tls"
    CONNECT = "connect timeout"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    RESET = "reset"
    SERVER = "5xx"
    THROTTLED = "throttled"


_CAUSES = {
    ErrorKind.DNS: Cause.DNS,
    ErrorKind.CONNECT_REFUSED: Cause.REFUSED,
    ErrorKind.TLS: Cause.TLS,
    ErrorKind.CONNECT_TIMEOUT: Cause.CONNECT,
    ErrorKind.UNREACHABLE: Cause.UNREACHABLE,
    ErrorKind.READ_TIMEOUT: Cause.TIMEOUT,
    ErrorKind.DEADLINE: Cause.TIMEOUT,
    ErrorKind.RESET: Cause.RESET,
}

_THROUGH_PROXY = {ProxyFault.UNAVAILABLE: Cause.UNREACHABLE, ProxyFault.GATEWAY: Cause.UNREACHABLE}
"""What a proxy says of a host to which it cannot connect."""

STRAIN = frozenset({Cause.REFUSED, Cause.CONNECT, Cause.TIMEOUT, Cause.RESET})
"""What fewer requests in flight may cure."""

AMBIGUOUS = frozenset({Cause.TIMEOUT, Cause.RESET, Cause.SERVER})
"""What may be the page's as well as the host's; see ``attribution``."""

SHARED = frozenset({Cause.SERVER, Cause.RESET, Cause.TLS, Cause.REFUSED})
"""What a gateway, a CDN or another thing that hosts have in common may do for all of them at once."""

EXAMPLES = 3
"""URLs that are kept as examples of those that failed."""


def cause_of(outcome: Outcome) -> Cause | None:
    """What the outcome says against its host; None for an answer, and for what the host has no part in."""
    if isinstance(outcome, Failed):
        return _THROUGH_PROXY.get(outcome.proxy) if outcome.proxy is not None else _CAUSES.get(outcome.error)
    if isinstance(outcome, Fetched) and outcome.status is not None:
        if outcome.status == 429:
            return Cause.THROTTLED
        if outcome.status >= 500:
            return Cause.SERVER
    return None


class Verdict(Enum):
    """What a failure comes to: COUNTED as any attempt, PROBED at no cost to its target, or GIVEN_UP with its host."""

    COUNTED = 1
    PROBED = 2
    GIVEN_UP = 3


class Breaker:
    """The circuit of one host.

    after: pages in a row that open it. row: pages that failed with no response in between, probes included.
    cause, words: of the first of them. pages: the first of them, by URL.
    opened: when it opened, None while closed. probe_at: no request earlier than that while open. Monotonic seconds.
    """

    __slots__ = ("_pause", "after", "cause", "opened", "pages", "probe_at", "row", "words")

    def __init__(self, after: int) -> None:
        self.after = after
        self.row = 0
        self.cause: Cause | None = None
        self.words = ""
        self.pages: list[str] = []
        self.opened: float | None = None
        self.probe_at = 0.0
        self._pause = FIRST_PAUSE

    def __repr__(self) -> str:
        state = "closed" if self.opened is None else f"open, probe at {self.probe_at:.3f}"
        return f"<Breaker {state}, {self.row} in a row>"

    def note(self, cause: Cause, words: str, page: str) -> None:
        """Count one page more that failed."""
        if not self.row or self.cause is Cause.THROTTLED:  # which says nothing of pages
            self.cause, self.words = cause, words
        if not self.row:
            self.pages = []
        self.row += 1
        if len(self.pages) < EXAMPLES and page not in self.pages:
            self.pages.append(page)

    def failed(self, started: float, now: float, *, patience: float) -> Verdict:
        """Decide what a failure of a request that was ``started`` then does, once it was noted where it is to be.

        patience: seconds to probe for before giving up.
        """
        if self.opened is None:
            if self.row >= self.after:
                self.opened = now
                self._pause = FIRST_PAUSE
                self.probe_at = now + self._pause
            return Verdict.COUNTED
        if started < self.probe_at:
            return Verdict.COUNTED  # it was on its way when the circuit opened
        if now >= self.opened + patience:
            return Verdict.GIVEN_UP
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self.probe_at = max(now, min(now + self._pause, self.opened + patience))
        return Verdict.PROBED

    def probe_now(self) -> None:
        """Do not wait for the first probe: it costs no page an attempt."""
        if self.opened is not None:
            self.probe_at = self.opened

    def reopen(self, now: float) -> None:
        """The host was down when it was last asked: it is probed from now on."""
        self.opened = self.probe_at = now

    @property
    def wants_another(self) -> bool:
        """Whether another target should be asked for than those that failed."""
        if self.cause is Cause.SERVER:
            return self.opened is not None
        return self.row > 0 and self.cause is not Cause.THROTTLED

    def answered(self) -> None:
        """Any answer shows that the host is up."""
        self.row = 0
        self.opened = None

    def why(self) -> str:
        """What the records of a host that was given up say."""
        return f"{self.row} failures in a row ({', '.join(self.pages)}), the first: {self.words}"
