"""Whether the network is down, and not the hosts.

If hosts that have nothing in common fail one after another, with no response from anybody in between, then either all
of them are down or they cannot be reached from here. How unlikely the first is, is added up in powers of ten. A host
that had responded before counts for ``KNOWN_HOST_EVIDENCE``. A new host counts for as much as new hosts seldom fail
(these included, so that a dozen hosts must have responded before new ones prove anything). A host that failed before
counts for nothing. So a list of dead links is no outage, and neither is its end, where only retries of dead hosts are
left.

Other failures that come at the same moment have a common cause, too: a gateway or a CDN that sends a 5xx, resets
connections or breaks TLS for hosts that have nothing in common. Since pages are broken more often than networks, each
such host must have responded before, and counts for as much as such failures are seldom in the run.

While the network counts as down, only one probe at a time is sent, a failure costs no attempt, and any response ends
the outage. Every second probe requests a page that was fetched before, since all of the rest of a list may be dead. If
that page responds at once, it was a false alarm, and the next outage takes twice the evidence. This module knows no
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
"""Powers of ten from which on chance is ruled out: once in a million failures."""

KNOWN_HOST_EVIDENCE = 2.0
"""What one that had answered is worth: of such hosts about one in a hundred goes down by itself during a run."""

MIN_SITES = 3
"""Unrelated sites at least: two may share a data centre."""

MIN_NEW_SITES = 20
"""The same while nothing has answered at all in this run."""

EVIDENCE_WINDOW = 30.0
"""Seconds in which they fail: three connect timeouts."""

FIRST_OUTAGE_PROBE = 1.0
MAX_OUTAGE_PROBE = 30.0
"""Seconds before the first probe, and between two later ones at most; they double."""

UNPROVEN_NETWORK_WAIT = 60.0
"""Seconds that are waited for where nothing has ever answered in this run: that may be a list of dead hosts as well,
and who started without a network is told so soon."""

NETWORK_LOST = "the network has seemed down for too long"
"""What is said where the network is not waited for any more."""

MAX_REFUNDABLE = 256
"""Failures kept of one stretch, to be refunded."""

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
    """Whether the failure could be the network's: no name found, no connection in time, no route."""
    return isinstance(outcome, Failed) and outcome.error in _LOOKS_DOWN


def site_of(host: HostKey) -> str:
    """What hosts with something in common share: the last two labels of a name, an address's network."""
    if ":" in host.host:
        return ":".join(host.host.split(":")[:3])
    labels = host.host.split(".")
    return ".".join(labels[:2] if labels[-1].isdigit() else labels[-2:])


@frozen
class Outage:
    """An outage under way, in monotonic seconds.

    since: when it was found out. until: when it has lasted longer than is waited for. probe_at: the next probe.
    probes: made so far. refunded: attempts given back so far. why: what is down, None for the network; lost: what is
    said where it is not waited for any more.
    """

    since: float
    until: float
    probe_at: float
    probes: int
    refunded: int
    why: str | None
    lost: str


class OutageGuard(Generic[Failure]):
    """Watches the failures of a run. An entry is whatever its user needs to give an attempt back.

    longest: seconds an outage is waited for. stretch: failures without an answer in between, of late.
    down: whether the network counts as down. alert: whether an answer would be news.
    refunded: attempts given back in this outage; its user counts them.
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
        self._armed = True  # until nothing ever answers for ``UNPROVEN_NETWORK_WAIT``
        self._proven = False  # whether anything had answered before the outage

    def __repr__(self) -> str:
        return f"<OutageGuard {'down' if self.down else 'up'}, {len(self.stretch)} failures in a stretch>"

    @property
    def outage(self) -> Outage | None:
        """The outage under way."""
        if not self.down:
            return None
        return Outage(self._since, self._until, self._probe_at, self._probes, self.refunded, self._why, self._lost)

    @property
    def probes_fresh(self) -> bool:
        """Whether the next probe should be another target than those that failed: every second one."""
        return self.down and self._probes % 2 == 0

    @property
    def probe_at(self) -> float:
        """When the next probe may start, while down."""
        return self._probe_at

    def on_first_response(self) -> None:
        """A host answered for the first time."""
        self._new_answered += 1

    def on_response(self, started: float) -> None:
        """Anybody answered a request that was ``started`` then: what came over an old connection proves nothing."""
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
        """Take in a failure that may be the network's; True where it is the one that proves an outage.

        answered: whether its host had answered in this run. new: whether it is the first that the host was asked.
        weight: what a host that had answered counts for, in powers of ten.
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
        """Let nothing be requested but probes, the first after ``pause`` seconds.

        why: what is down, None for the network. longest: seconds that are waited for at most. lost: what is said then.
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
        """Whether anything has answered in this run."""
        return self._new_answered > 0

    def delay_probe(self, until: float) -> None:
        """Let the next probe wait: a proxy says for how long."""
        self._put_off = until

    def _is_proof(self) -> bool:
        """Whether the stretch is too unlikely to be chance."""
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
        """The failures of the stretch, to be given back."""
        entries = [entry for *_, entry in self.stretch]
        self.stretch.clear()
        return entries

    def on_probe_failure(self, now: float) -> None:
        """The probe failed too. Where nothing ever answered in this run, that is believed only so often."""
        self._probes += 1
        self._pause = min(2 * self._pause, MAX_OUTAGE_PROBE)
        self._probe_at = min(max(now + self._pause, self._put_off), max(now, self._until))
        self.doubt_outage(now)

    def doubt_outage(self, now: float) -> None:
        """Where nothing ever answered in this run, an outage is believed in for ``UNPROVEN_NETWORK_WAIT`` only."""
        if now >= self._until and not self._proven:
            self.down = self._armed = False

    def is_over(self, now: float) -> bool:
        """Whether the network has been down for longer than is waited for."""
        return self.down and now >= self._until and self._proven
