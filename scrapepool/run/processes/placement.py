"""Which worker process requests a host: always the same one, so that connections are used again.

Decides by the load of the processes when a host is requested first. With shared cookies it goes by a stable hash of the
host's site instead, so that all hosts that may share a cookie are with one process.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence
from zlib import crc32

from ...model import HostKey
from ...schedule.health.outage import site_of

MAX_PLACED = 65_536
"""Hosts whose process is remembered: more than have a connection. Those that were requested last stay."""


class Placement:
    """For one thread. by_site: go by the site."""

    def __init__(self, *, by_site: bool) -> None:
        self._by_site = by_site
        self._placed: OrderedDict[HostKey, int] = OrderedDict()
        self._hosts: Counter[int] = Counter()

    def __repr__(self) -> str:
        return f"<Placement of {len(self._placed)} hosts>"

    def place(self, host: HostKey, loads: Sequence[int]) -> int:
        """Return the number of the process for a host. loads: the leases in flight of each process."""
        if self._by_site:
            return self.number_of_site(host.host, len(loads))
        number = self._placed.get(host)
        if number is None:
            number = min(range(len(loads)), key=lambda one: (loads[one], self._hosts[one]))
            self._hosts[number] += 1
            if len(self._placed) >= MAX_PLACED:
                _, gone = self._placed.popitem(last=False)
                self._hosts[gone] -= 1
            self._placed[host] = number
        else:
            self._placed.move_to_end(host)
        return number

    def number_of(self, host: HostKey, count: int) -> int | None:
        """Return the number of the process that a host is with, of ``count``; None if it has none yet."""
        return self.number_of_site(host.host, count) if self._by_site else self._placed.get(host)

    @staticmethod
    def number_of_site(host: str, count: int) -> int:
        """Return the number of the process for the site of a host or of a cookie's domain, of ``count`` processes."""
        is_address = ":" in host or host.rpartition(".")[2].isdigit()  # whose cookies are its own
        return crc32((host if is_address else site_of(HostKey("", host, 0))).encode()) % count

    def clear(self) -> None:
        """Forget where hosts are: the processes are others now."""
        self._placed.clear()
        self._hosts.clear()
