"""The desync state of each host: whether the responses on its connections are known to match their requests.

Decides which hosts get a new connection for every request, and how long a reused connection must stay silent before its
responses count as verified. An unsolicited response may arrive after the last check of a connection, and is then taken
for the response to the next request. In that case the true response still follows, and it is detected if the connection
is watched for as long as this host takes to respond. docs/responses.md explains the effects for users. Uses no sockets.
"""

from __future__ import annotations

import math
import time

from ...model import HostKey

DISTRUST = 60.0
"""Seconds for which a host that sent unsolicited data gets a new connection for every request."""

QUICK = 0.025
"""Seconds; a response that took longer is verified without a delay, so that distant hosts lose no time. Unsolicited
data follows a response within a few milliseconds, and so arrives when the next request has just been sent."""

NEAR = 0.050
"""Seconds; if a host's slowest responses take no longer, slow responses are verified with a delay, too."""

MARGIN = 0.020
"""Seconds added to the slowest response time so far: a slower one may follow, and a busy machine causes delays."""

MAX_DELAY = 0.5
"""Maximum verification delay, in seconds."""

PROVEN = 500
"""Verified responses after which the delay is shorter. A host that sends unsolicited data with every hundredth response
is detected by then with a probability of 99 %. Until then a nearby host gets its requests a little more slowly, see
``schedule.queue.latency.LEASE_SECONDS``. With 8 the torture run had wrong bodies."""

SHARE = 1 / 16
"""Maximum verification delay for a proven host, as a share of the time of the lease."""

DECAY = 0.97
"""Factor by which ``slowest`` decays with each faster lease: to one half after 23 leases."""

MAX_REPEATS, REPEATS_SHARE = 512, 1 / 8
"""Maximum number of responses per host that are discarded because they could not be verified soon: so many, and this
share of the verified ones. Each costs the host a further request. 512 are those before the longest leases of eight
connections."""

HOSTS_KEPT = 16_384


class DesyncState:
    """The desync state of one host. Threads update it without a lock: a lost update does no harm.

    verified: number of verified responses. repeats: number of responses that were discarded, see ``repeat``.
    slowest: decaying maximum of the seconds to the first byte. distrusted_until: monotonic time.
    """

    __slots__ = ("distrusted_until", "repeats", "slowest", "verified")

    def __init__(self) -> None:
        self.verified = self.repeats = 0
        self.slowest = 0.0
        self.distrusted_until = 0.0

    def __repr__(self) -> str:
        return f"<DesyncState {self.verified} verified, slowest {self.slowest:.4f} s>"

    def took(self, slowest: float) -> None:
        """Record the longest time to a first byte in a lease, in seconds."""
        self.slowest = max(slowest, self.slowest * DECAY)

    def is_distant(self, quickest: float) -> bool:
        """Return whether responses verify themselves: none of them came as quickly as unsolicited data would.

        quickest: their shortest time to the first byte, in seconds.
        """
        return quickest >= QUICK and self.slowest >= NEAR

    def verification_delay(self, quickest: float, worked: float) -> float:
        """Return the seconds of silence after which the responses on a reused connection count as verified.

        quickest: their shortest time to the first byte. worked: seconds that they took together.
        """
        if self.is_distant(quickest):
            return 0.0
        if self.verified >= PROVEN:
            return math.floor(min(self.slowest, worked * SHARE) * 1000) / 1000  # poll() would round up
        wait = min(self.slowest + MARGIN, MAX_DELAY)
        return wait if quickest < QUICK else max(0.0, wait - quickest)

    def repeat(self, count: int) -> bool:
        """Return whether so many responses may be discarded and requested again, and count them if they may."""
        if self.repeats + count > MAX_REPEATS + self.verified * REPEATS_SHARE:
            return False
        self.repeats += count
        return True

    @property
    def distrusted(self) -> bool:
        """Whether every request to the host needs a new connection now."""
        return self.distrusted_until > time.monotonic()

    def distrust(self) -> None:
        """Reuse no connection to the host for a while, and reset the number of verified responses."""
        self.distrusted_until = time.monotonic() + DISTRUST
        self.verified = 0


class DesyncStates:
    """The desync states of at most ``HOSTS_KEPT`` hosts. Thread-safe."""

    def __init__(self) -> None:
        self._states: dict[HostKey, DesyncState] = {}

    def of(self, host: HostKey) -> DesyncState:
        """Return the state of a host."""
        state = self._states.get(host)
        if state is None:
            if len(self._states) >= HOSTS_KEPT:
                self._drop_oldest()
            state = self._states.setdefault(host, DesyncState())
        return state

    def _drop_oldest(self) -> None:
        """Drop the older half of the states; they are soon measured again."""
        for host in list(self._states)[: HOSTS_KEPT // 2]:
            self._states.pop(host, None)
