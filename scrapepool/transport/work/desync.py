"""The desync state of each host: how far its connections are known to be in step with the requests.

Decides which hosts get a new connection for every request, and how long a connection that has served more than once
must stay silent before the responses over it are verified. An unsolicited response may come after the last look at a
connection, and be taken for the response to the next request. The true response is still to come then: it shows if the
connection is watched for as long as this host takes to respond. docs/responses.md says what follows for users. Knows no
sockets.
"""

from __future__ import annotations

import math
import time

from ...model import HostKey

DISTRUST = 60.0
"""Seconds in which a host that sent unsolicited data gets a new connection for every request."""

QUICK = 0.025
"""Seconds: a response that took longer is verified without a wait, so that distant hosts pay nothing for this. What
servers send unsolicited follows a response within some milliseconds, and meets the next request at its beginning."""

NEAR = 0.050
"""Seconds: a host whose slowest responses take no longer is waited for also after a response that was not quick."""

MARGIN = 0.020
"""Seconds of silence beyond the slowest response so far: it need not be the slowest yet, and a busy machine delays."""

MOST = 0.5
"""Seconds of silence at most."""

PROVEN = 500
"""Verified responses after which a host need not be waited for in full. A host that sends something unsolicited with
every hundredth response is found out by then with 99 %. Until then a nearby host gets requests a little more slowly,
see ``schedule.queue.latency.NEAR_LEASE_SECONDS``. With 8 the torture run had wrong bodies."""

SHARE = 1 / 16
"""What a wait for a proven host may add to the time of a lease."""

FADING = 0.97
"""How much of ``slowest`` is left after a lease that was quicker: half after 23 of them."""

HOSTS_KEPT = 16_384


class DesyncState:
    """What is known of one host. Threads write to it without a lock: a lost update costs nothing.

    verified: responses over connections that were silent afterwards. slowest: seconds to a first byte, fading.
    opened_in: seconds that the last connection took to be opened. distrusted_until: monotonic time.
    """

    __slots__ = ("distrusted_until", "opened_in", "slowest", "verified")

    def __init__(self) -> None:
        self.verified = 0
        self.slowest = 0.0
        self.opened_in = math.inf
        self.distrusted_until = 0.0

    def __repr__(self) -> str:
        return f"<DesyncState {self.verified} verified, slowest {self.slowest:.4f} s>"

    def took(self, slowest: float) -> None:
        """Learn the longest time to a first byte in a lease, in seconds."""
        self.slowest = max(slowest, self.slowest * FADING)

    def verification_delay(self, quickest: float, worked: float) -> float:
        """Seconds of silence after which responses over a used connection are verified.

        quickest: shortest time to a first byte among them. worked: seconds that they took together.
        """
        if quickest >= QUICK and self.slowest >= NEAR:
            return 0.0
        if self.verified >= PROVEN:
            return math.floor(min(self.slowest, worked * SHARE) * 1000) / 1000  # poll() would round up
        wait = min(self.slowest + MARGIN, MOST)
        return wait if quickest < QUICK else max(0.0, wait - quickest)

    @property
    def distrusted(self) -> bool:
        """Whether no connection to the host may serve twice now."""
        return self.distrusted_until != 0.0 and self.distrusted_until > time.monotonic()

    def distrust(self) -> None:
        """Use no connection twice for a while; what was proven is not any more."""
        self.distrusted_until = time.monotonic() + DISTRUST
        self.verified = 0


class DesyncStates:
    """The desync states of all hosts, bounded. Called from many threads."""

    def __init__(self) -> None:
        self._states: dict[HostKey, DesyncState] = {}

    def of(self, host: HostKey) -> DesyncState:
        """The state of a host."""
        state = self._states.get(host)
        if state is None:
            if len(self._states) >= HOSTS_KEPT:
                self._forget()
            state = self._states.setdefault(host, DesyncState())
        return state

    def _forget(self) -> None:
        """Drop the older half; what is known of a host is soon learnt again."""
        for host in list(self._states)[: HOSTS_KEPT // 2]:
            self._states.pop(host, None)
