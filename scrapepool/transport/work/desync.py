"""How far the connections of a host are believed to be in step, so that a reply belongs to the last request.

Decides which hosts get a new connection for every request, and how long a connection that has served more than once
must stay silent before what came over it is believed. An answer that nobody asked for may come after the last look at
a connection and be taken for the next one's; the true answer then is still to come, and shows when one waits for it
as long as this host takes for an answer. docs/responses.md says what follows for users. Knows no sockets.
"""

from __future__ import annotations

import math
import time

from ...model import HostKey

DISTRUST = 60.0
"""Seconds in which a host that sent unasked-for bytes gets a new connection for every request."""

QUICK = 0.025
"""Seconds: an answer that took longer is believed without a wait, so that distant hosts pay nothing for this. What
servers send unasked follows an answer within some milliseconds, and meets the next request at its beginning."""

NEAR = 0.050
"""Seconds: a host whose slowest answers take no longer is waited for also after an answer that was not quick."""

MARGIN = 0.020
"""Seconds of silence beyond the slowest answer so far, which need not be the slowest yet, and a busy machine delays."""

MOST = 0.5
"""Seconds of silence at most."""

PROVEN = 500
"""Believed replies after which a host need not be waited for in full: one that sends something unasked with every
hundredth reply is found out by then with 99 %. A nearby host is asked a little more slowly until then, see
``schedule.host_queue.NEAR_WORTH``; with 8 the torture run had wrong bodies."""

SHARE = 1 / 16
"""What a wait for a proven host may add to the time of a lease."""

FADING = 0.97
"""How much of ``slowest`` is left after a lease that was quicker: half after 23 of them."""

HOSTS_KEPT = 16_384


class Standing:
    """What is known of one host. Threads write to it without a lock: a lost update costs nothing.

    believed: replies over connections that were silent afterwards. slowest: seconds to a first byte, fading.
    opened_in: seconds that the last connection took to be opened. distrusted_until: monotonic time.
    """

    __slots__ = ("believed", "distrusted_until", "opened_in", "slowest")

    def __init__(self) -> None:
        self.believed = 0
        self.slowest = 0.0
        self.opened_in = math.inf
        self.distrusted_until = 0.0

    def __repr__(self) -> str:
        return f"<Standing {self.believed} believed, slowest {self.slowest:.4f} s>"

    def took(self, slowest: float) -> None:
        """Learn the longest time to a first byte in a lease, in seconds."""
        self.slowest = max(slowest, self.slowest * FADING)

    def silence(self, quickest: float, worked: float) -> float:
        """Seconds of silence after which replies over a used connection are believed.

        quickest: shortest time to a first byte among them. worked: seconds that they took together.
        """
        if quickest >= QUICK and self.slowest >= NEAR:
            return 0.0
        if self.believed >= PROVEN:
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
        self.believed = 0


class Trust:
    """The standings of all hosts, bounded. Called from many threads."""

    def __init__(self) -> None:
        self._standings: dict[HostKey, Standing] = {}

    def of(self, host: HostKey) -> Standing:
        """The standing of a host."""
        standing = self._standings.get(host)
        if standing is None:
            if len(self._standings) >= HOSTS_KEPT:
                self._forget()
            standing = self._standings.setdefault(host, Standing())
        return standing

    def _forget(self) -> None:
        """Drop the older half; what is known of a host is soon learnt again."""
        for host in list(self._standings)[: HOSTS_KEPT // 2]:
            self._standings.pop(host, None)
