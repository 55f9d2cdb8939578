"""How many URLs each host of some lists has, in some 50 bytes per host: lists may name millions.

Decides nothing. Hosts come in the order in which they were first added.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from heapq import nlargest
from typing import Self

from ...host_index import HostIndex
from ...model import HostKey


class HostCounts(Mapping[HostKey, int]):
    """URLs by host; hosts whose URLs were all taken away are not among them. total: the URLs of all hosts."""

    def __init__(self) -> None:
        self.total = 0
        self._index = HostIndex()
        self._counts: array[int] = array("Q")  # by number in the index, 0 for a number that is free

    @classmethod
    def of(cls, counts: Mapping[HostKey, int]) -> Self:
        """Make one of other counts."""
        made = cls()
        made.add_all(counts.items())
        return made

    def __len__(self) -> int:
        return len(self._index)

    def __repr__(self) -> str:
        return f"<HostCounts {self.total} URLs on {len(self)} hosts>"

    def __iter__(self) -> Iterator[HostKey]:
        return (self._index.host(number) for number, urls in enumerate(self._counts) if urls)

    def __getitem__(self, host: HostKey) -> int:
        number = self._index.find(host)
        if number < 0:
            raise KeyError(host)
        return self._counts[number]

    def add(self, host: HostKey, urls: int) -> None:
        """Add URLs of a host, at least one."""
        self.add_all([(host, urls)])

    def add_all(self, counts: Iterable[tuple[HostKey, int]]) -> None:
        """Add URLs of some hosts, each at least one."""
        find, known = self._index.find, self._counts
        for host, urls in counts:
            number = find(host, add=True)
            if number == len(known):
                known.append(urls)
            else:
                known[number] += urls
            self.total += urls

    def subtract(self, host: HostKey, urls: int) -> None:
        """Take URLs of a host away, at most those that it has."""
        number = self._index.find(host)
        self._counts[number] -= urls
        self.total -= urls
        if not self._counts[number]:
            self._index.remove(number)

    def largest(self, most: int) -> list[HostKey]:
        """Return the hosts with the most URLs, the largest first, and the first of the lists among equals."""
        counts = self._counts
        numbers = nlargest(min(most, len(self)), range(len(counts)), key=counts.__getitem__)
        return [self._index.host(number) for number in numbers]
