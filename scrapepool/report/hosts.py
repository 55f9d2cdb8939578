"""The figures of each host, for so many hosts as memory allows.

Decides which hosts are given up when there are too many: those with the fewest records. What they did is counted
together, and a host that comes again begins anew, so ``missing`` says how much can be missing in any host's figures.
"""

from __future__ import annotations

from heapq import nlargest

from ..errors import InvalidURLError
from ..histogram import LogHistogram
from ..url import parse
from .examples import Example, Top

MOST_HOSTS = 10_000
"""Hosts whose figures are kept, up to 12 kB each. When there are more, the half with the fewest records is given up."""

MOST_COUNTED = 500_000
"""Hosts that are counted, in some 60 bytes each."""

EXAMPLES_PER_HOST = 3
"""Failures, and slowest pages, that are kept per host."""

FAILING = frozenset({"http_error", "failed", "deferred"})
"""Outcomes that count as failures."""

LONGEST_ORIGIN = 320
"""Characters of an origin with a user name at most: a name of the DNS has 253."""

NO_HOST = ""
"""The host of a record whose URL has none."""


class HostFigures:
    """What the records of one host say. The attributes are counts, bytes as received and seconds."""

    __slots__ = (
        "bytes",
        "count",
        "errors",
        "examples",
        "failures",
        "host",
        "latency",
        "outcomes",
        "slowest",
        "statuses",
    )

    def __init__(self, host: str) -> None:
        self.host = host
        self.count = self.failures = self.bytes = 0
        self.outcomes: dict[str, int] = {}
        self.errors: dict[str, int] = {}
        self.statuses: dict[int, int] = {}
        self.latency = LogHistogram()
        self.slowest = Top(EXAMPLES_PER_HOST)
        self.examples: list[Example] = []

    def __repr__(self) -> str:
        return f"<HostFigures {self.host}: {self.count} records, {self.failures} failures>"


class HostTable:
    """The hosts of a report.

    most: hosts that are kept. total: hosts seen, up to ``MOST_COUNTED``. missing: records
    that may be missing in the figures of any host at most; 0 if all are exact. left_out: records of hosts given up.
    """

    def __init__(self, most: int = MOST_HOSTS) -> None:
        self.hosts: dict[str, HostFigures] = {}
        self.missing = self.left_out = 0
        self._seen: set[int] = set()  # hashes of origins: also of hosts that were given up
        self._most = most
        self._given_up = LogHistogram()
        self._origins: dict[str, str] = {}  # as URLs spell them

    @property
    def total(self) -> int:
        """The hosts seen; see the class."""
        return len(self._seen)

    def origin(self, url: str) -> str:
        """Return the origin of a URL, as the program spells it; ``NO_HOST`` if it has none."""
        end = url.find("/", url.find("://") + 3)
        spelling = url if end < 0 else url[:end]
        found = self._origins.get(spelling)
        if found is None:
            if len(spelling) > LONGEST_ORIGIN:
                return NO_HOST
            try:
                found = parse(spelling).host.origin
            except InvalidURLError:
                found = NO_HOST
            if len(self._origins) >= 2 * self._most:
                self._origins.clear()
            self._origins[spelling] = found
        return found

    def of(self, host: str) -> HostFigures:
        """Return the figures of a host, to be added to at once."""
        row = self.hosts.get(host)
        if row is None:
            if len(self.hosts) >= self._most:
                self._give_up()
            row = self.hosts[host] = HostFigures(host)
            if host != NO_HOST and len(self._seen) < MOST_COUNTED:
                self._seen.add(hash(host))
        return row

    def _give_up(self) -> None:
        rows = sorted(self.hosts.values(), key=lambda row: row.count)
        given_up = rows[: len(rows) - self._most // 2]
        self.missing += given_up[-1].count
        for row in given_up:
            self.left_out += row.count
            self._given_up.merge(row.latency)
            del self.hosts[row.host]

    def latency(self) -> LogHistogram:
        """Return the latencies of all hosts together, also of those given up."""
        together = self._given_up.copy()
        for row in self.hosts.values():
            together.merge(row.latency)
        return together

    def shown(self, most: int) -> list[HostFigures]:
        """Return the hosts worth showing: most records first, and beside them those that fail most or are slowest."""
        rows = [row for row in self.hosts.values() if row.host != NO_HOST]
        few = max(1, most // 10)
        chosen = {row.host: row for row in nlargest(most - 2 * few, rows, key=lambda row: row.count)}
        chosen |= {row.host: row for row in nlargest(few, rows, key=lambda row: row.failures) if row.failures}
        chosen |= {row.host: row for row in nlargest(few, rows, key=lambda row: row.latency.percentile(0.95) or 0.0)}
        return sorted(chosen.values(), key=lambda row: (-row.count, row.host))
