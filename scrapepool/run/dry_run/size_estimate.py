"""Estimates what a run receives and writes, from the sizes of pages in the records of an earlier run.

Decides which mean counts for a host: its own, or that of all records if they do not know the host. Reads no files and
keeps a few numbers per host that the plan has.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...model import HostKey
from ...report.hosts import HostTable

SAMPLE = 1000
"""Records whose size is measured: their mean differs little from that of all."""


@dataclass(frozen=True, slots=True)
class SizeEstimate:
    """Bytes of a whole run.

    received, decoded: of all bodies. records: of all records as JSON Lines, without bodies. urls: URLs on hosts that
    the earlier records know; the mean of all records stands for the others.
    """

    received: int
    decoded: int
    records: int
    urls: int


class PageSizes:
    """The mean sizes of pages in earlier records, by host. Call ``add`` for each record.

    hosts: those that count for themselves; others count for the mean of all.
    """

    def __init__(self, hosts: Mapping[HostKey, int]) -> None:
        self._hosts = hosts
        self._origins = HostTable()
        self._keys = {host.origin: host for host in hosts}
        self._sums: dict[str, list[int]] = {}  # by origin: URLs that were requested, bytes received, bytes decoded
        self._all = [0, 0, 0]
        self._sampled = self._sample = 0

    def __repr__(self) -> str:
        return f"<PageSizes of {self._all[0]} URLs, {len(self._sums)} hosts>"

    def add(self, record: Mapping[str, Any]) -> None:
        """Count one record, with the types of JSON Lines. Those of URLs that were not requested say nothing."""
        if self._sampled < SAMPLE:
            self._sampled += 1
            self._sample += len(json.dumps({name: record[name] for name in record if name != "body"})) + 1
        received, decoded = record.get("wire_bytes"), record.get("bytes")
        # A 304 had no body because of an earlier run, which the next one need not know.
        if record.get("outcome") not in {"ok", "http_error", "failed"} or type(received) is not int:
            return
        origin = self._origins.origin(str(record.get("url")))
        sums = self._sums.setdefault(origin, [0, 0, 0]) if origin in self._keys else None
        for kept in (self._all, sums):
            if kept is not None:
                kept[0] += 1
                kept[1] += received
                kept[2] += decoded if type(decoded) is int else 0

    def estimate(self) -> SizeEstimate | None:
        """Return the sizes of a run over all URLs of the hosts; None without a record of a page."""
        if not self._all[0]:
            return None
        received = decoded = 0.0
        known = 0
        total = sum(self._hosts.values())
        for origin, sums in self._sums.items():
            urls = self._hosts[self._keys[origin]]
            known += urls
            received += urls * sums[1] / sums[0]
            decoded += urls * sums[2] / sums[0]
        received += (total - known) * self._all[1] / self._all[0]
        decoded += (total - known) * self._all[2] / self._all[0]
        records = total * self._sample / self._sampled
        return SizeEstimate(round(received), round(decoded), round(records), known)
