"""Whether the network is down, and not the hosts.

If hosts that have nothing in common fail one after another, and no host responds in between, then either all of them
are down, or this machine cannot reach any of them. The evidence against the first is summed up in powers of ten:

* A host that responded before counts for ``KNOWN_HOST_EVIDENCE``.
* A new host counts for the logarithm of the share of new hosts that fail in this run. The failing ones are included, so
  that a dozen hosts must have responded before new ones prove anything.
* A host that failed before counts for nothing.

So a list of dead links is no outage, and neither is its end, when only retries of dead hosts are left.

Other failures at the same moment have a common cause, too: a gateway or a CDN sends a 5xx, resets connections or breaks
TLS for hosts that have nothing in common. Since pages are broken more often than networks, each such host must have
responded before, and the weight of its failure is given by how rare such failures are in the run.

While the network counts as down, only one probe at a time is sent, a failure costs no attempt, and any response ends
the outage. Every second probe requests a page that was fetched before, because the rest of a list may be dead. If that
page responds at once, it was a false alarm, and the next outage requires twice the evidence. This module knows no
scheduler. Time is an argument.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from math import inf, log10
from typing import Generic, TypeVar

from ...frozen import frozen
from ...model import ErrorKind, Failed, HostKey, Outcome

REQUIRED_EVIDENCE = 6.0
"""Evidence that proves an outage, in powers of ten: chance would explain one case in a million."""

KNOWN_HOST_EVIDENCE = 2.0
"""Weight of a host that responded before: about one in a hundred of such hosts goes down by itself during a run."""

MIN_SITES = 3
"""Minimum number of unrelated sites: two may share a data centre."""

MIN_NEW_SITES = 20
"""Minimum number of unrelated sites while no host has responded in this run."""

EVIDENCE_WINDOW = 30.0
"""Seconds within which these sites must fail: three connect timeouts."""

FIRST_OUTAGE_PROBE = 1.0
MAX_OUTAGE_PROBE = 30.0
"""Seconds before the first probe, and maximum seconds between two later ones; the interval doubles."""

UNPROVEN_NETWORK_WAIT = 60.0
"""Seconds that an outage may last if no host has responded in this run. It may be a list of dead hosts as well, and a
user who starts a run without a network should learn that soon."""

NETWORK_LOST = "the network has seemed down for too long"
"""Message when the run stops waiting for the network."""

MAX_REFUNDABLE = 256
"""Maximum number of recent failures that are kept, so that their attempts can be refunded."""

_LOOKS_DOWN = frozenset({ErrorKind.DNS, ErrorKind.CONNECT_TIMEOUT, ErrorKind.UNREACHABLE})

Failure = TypeVar("Failure")


class Witness(Enum):
    """How much a failing host says about the network: a KNOWN host says most, a host that failed before says
    nothing.
    """

    NONE = 0
    NEW = 1
    KNOWN = 2


def looks_down(outcome: Outcome) -> bool:
    """Whether an outage of the network could cause the failure: no DNS result, no connection in time, no route."""
    return isinstance(outcome, Failed) and outcome.error in _LOOKS_DOWN


def site_of(host: HostKey) -> str:
    """Return what related hosts share: the last two labels of a name, or the network of an address."""
    if ":" in host.host:
        return ":".join(host.host.split(":")[:3])
    labels = host.host.split(".")
    return ".".join(labels[:2] if labels[-1].isdigit() else labels[-2:])


@frozen
class Outage:
    """The current outage. Times are monotonic seconds.

    since: when it was detected. until: when the run stops waiting for its end. probe_at: time of the next probe.
    probes: number of probes so far. refunded: number of attempts refunded so far. why: what is down, None for the
    network. lost: message when the run stops waiting.
    """

    since: float
    until: float
    probe_at: float
    probes: int
    refunded: int
    why: str | None
    lost: str


class OutageGuard(Generic[Failure]):
    """Watches the failures of a run. An entry is a value with which its user can refund an attempt.

    longest: maximum seconds that the run waits for the end of an outage. stretch: recent failures with no response in
    between. down: whether the network counts as down. alert: whether the guard needs to know of the next response.
    refunded: number of attempts refunded in this outage; its user counts them.
    """

    def __init__(self, longest: float) -> None:
        self.longest = longest
        self.down = self.alert = False
        self.refunded = 0
        self.stretch: deque[tuple[float, str, Witness, float, Failure]] = deque(maxlen=MAX_REFUNDABLE)
        self._evidence = REQUIRED_EVIDENCE
        self._new_answered = self._new_failed = 0  # hosts whose first attempt ended so
        self._stretch_new = 0
        self._since = self._until = self._probe_at = 0.0
        self._pause = FIRST_OUTAGE_PROBE
        self._put_off = 0.0
        self._probes = 0
        self._why: str | None = None
        self._lost = ""
        self._armed = True  # False after no host responded for ``UNPROVEN_NETWORK_WAIT``
        self._proven = False  # whether any host had responded before the outage

    def __repr__(self) -> str:
        return f"<OutageGuard {'down' if self.down else 'up'}, {len(self.stretch)} failures in a stretch>"

    @property
    def outage(self) -> Outage | None:
        """The current outage, or None."""
        if not self.down:
            return None
        return Outage(self._since, self._until, self._probe_at, self._probes, self.refunded, self._why, self._lost)

    @property
    def probes_fresh(self) -> bool:
        """Whether the next probe should request another target than those that failed; every second probe does."""
        return self.down and self._probes % 2 == 0

    @property
    def probe_at(self) -> float:
        """Monotonic time from which the next probe may start, while the network counts as down."""
        return self._probe_at

    def on_first_response(self) -> None:
        """Record that a host responded for the first time."""
        self._new_answered += 1

    def on_response(self, started: float) -> None:
        """Record a response to a request that ``started`` then; one from before the outage proves nothing."""
        if self.down and started <= self._since:
            return
        if self.down and not self._probes:
            self._evidence *= 2
        self.down = self.alert = False
        self._armed = True
        self.stretch.clear()
        self._new_failed += self._stretch_new
        self._stretch_new = 0

    def on_failure(
        self, site: str, entry: Failure, now: float, *, answered: bool, new: bool, weight: float = KNOWN_HOST_EVIDENCE
    ) -> bool:
        """Record a failure that the network may have caused; return whether it proves an outage.

        answered: whether the host responded before in this run. new: whether this was the first request to the host.
        weight: evidence of a host that responded before, in powers of ten.
        """
        witness = Witness.KNOWN if answered else Witness.NEW if new else Witness.NONE
        self._stretch_new += witness is Witness.NEW
        self.alert = True
        self.stretch.append((now, site, witness, min(weight, KNOWN_HOST_EVIDENCE), entry))
        while self.stretch[0][0] < now - EVIDENCE_WINDOW:
            self.stretch.popleft()
        if not self._armed or witness is Witness.NONE or not self._is_proof():
            return False
        self.begin(now)
        self._proven = self.has_responded
        if not self._proven:
            self._until = now + min(UNPROVEN_NETWORK_WAIT, self.longest)
        return True

    def begin(
        self,
        now: float,
        why: str | None = None,
        *,
        pause: float = FIRST_OUTAGE_PROBE,
        longest: float = inf,
        lost: str | None = None,
    ) -> None:
        """Begin an outage: only probes are sent, the first one after ``pause`` seconds.

        why: what is down, None for the network. longest: maximum seconds that the run waits. lost: message after that.
        """
        self.down = self.alert = self._proven = True
        self._why = why
        self._lost = lost or (f"{why}; the run does not wait any longer" if why else NETWORK_LOST)
        self.refunded = self._probes = 0
        self._since = now
        self._until = now + min(self.longest, longest)
        self._pause = FIRST_OUTAGE_PROBE
        self._probe_at = now + pause
        self._put_off = 0.0
        self._stretch_new = 0

    @property
    def has_responded(self) -> bool:
        """Whether any host has responded in this run."""
        return self._new_answered > 0

    def delay_probe(self, until: float) -> None:
        """Delay the next probe ``until`` then, as a proxy requested."""
        self._put_off = until

    def _is_proof(self) -> bool:
        """Return whether the recent failures are too unlikely to be chance."""
        known: dict[str, float] = {}
        for _, site, witness, weight, _ in self.stretch:
            if witness is Witness.KNOWN:
                known[site] = max(weight, known.get(site, 0.0))
        new = {site for _, site, witness, _, _ in self.stretch if witness is Witness.NEW} - known.keys()
        if len(known) + len(new) < MIN_SITES:
            return False
        if not self._new_answered:
            return len(new) >= MIN_NEW_SITES
        failed = self._new_failed + len(new)
        share = (failed + 1) / (failed + self._new_answered + 2)  # Laplace's rule of succession
        return sum(known.values()) - len(new) * log10(share) >= self._evidence

    def take_failures(self) -> list[Failure]:
        """Return the recent failures, whose attempts are to be refunded, and forget them."""
        entries = [entry for *_, entry in self.stretch]
        self.stretch.clear()
        return entries

    def on_probe_failure(self, now: float) -> None:
        """Record that a probe failed, too, and choose the time of the next one."""
        self._probes += 1
        self._pause = min(2 * self._pause, MAX_OUTAGE_PROBE)
        self._probe_at = min(max(now + self._pause, self._put_off), max(now, self._until))
        self.doubt_outage(now)

    def doubt_outage(self, now: float) -> None:
        """End an outage after ``UNPROVEN_NETWORK_WAIT`` if no host has ever responded in this run."""
        if now >= self._until and not self._proven:
            self.down = self._armed = False

    def is_over(self, now: float) -> bool:
        """Whether the network has been down for longer than the run waits."""
        return self.down and now >= self._until and self._proven
