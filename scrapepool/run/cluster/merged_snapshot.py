"""The state of a whole run, put together from those of its shards.

Decides that counts are added, that the run lasts as long as its longest shard, and that the busiest hosts of all shards
are shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from heapq import nlargest

from ...histogram import LogHistogram
from ...ports import HostRow, Snapshot

HOSTS = 50
"""Rows of hosts in a snapshot; no screen is higher."""

SLOWEST = 5


def merged(snapshots: Collection[Snapshot], *, elapsed: float, pending: int, waiting: int) -> Snapshot:
    """Merge the last snapshots of all shards that have begun.

    elapsed: seconds since the run began. pending: URLs that no shard has read yet. waiting: how many shards have not
    begun.
    """
    outcomes, errors = Counter[str](), Counter[str]()
    for one in snapshots:
        outcomes.update(one.outcomes)
        errors.update(one.errors)
    done, rate = sum(one.done for one in snapshots), sum(one.rate for one in snapshots)
    total = sum(one.total for one in snapshots) + pending
    etas = [one.eta for one in snapshots if one.eta is not None]
    longest = max(snapshots, key=lambda one: one.eta or 0.0, default=None)
    after = (total - done) / rate if pending and rate else 0.0
    unknown = bool(pending) and not rate
    return Snapshot(
        elapsed=elapsed,
        done=done,
        total=total,
        reading=False,
        busy=sum(one.busy for one in snapshots),
        workers=sum(one.workers for one in snapshots),
        parked=sum(one.parked for one in snapshots),
        bytes=sum(one.bytes for one in snapshots),
        outcomes=outcomes,
        errors=errors,
        requests=sum(one.requests for one in snapshots),
        opened=sum(one.opened for one in snapshots),
        retried=sum(one.retried for one in snapshots),
        rate=rate,
        eta=None if unknown or not etas else max(*etas, after),
        eta_reason=None if longest is None or waiting else longest.eta_reason,
        outage=next((one.outage for one in snapshots if one.outage), None),
        hosts=_busiest(snapshots),
        host_count=sum(one.host_count for one in snapshots),
        byte_rate=sum(one.byte_rate for one in snapshots),
        matching=sum(one.matching for one in snapshots),
        saved=sum(one.saved for one in snapshots),
        striking=tuple(dict.fromkeys(line for one in snapshots for line in one.striking)),
        latencies=_latencies(snapshots),
        grace=max((one.grace for one in snapshots if one.grace is not None), default=None),
        slowest=tuple(nlargest(SLOWEST, (row for one in snapshots for row in one.slowest), key=_latency)),
    )


def ended(snapshot: Snapshot) -> Snapshot:
    """Return the last snapshot of a shard as it counts from now on: nothing is in flight any more."""
    from dataclasses import replace  # noqa: PLC0415

    return replace(snapshot, rate=0.0, byte_rate=0.0, eta=0.0, busy=0, workers=0, hosts=(), outage=None, grace=None)


def _latencies(snapshots: Collection[Snapshot]) -> LogHistogram | None:
    found = [one.latencies for one in snapshots if one.latencies is not None]
    if not found:
        return None
    whole = found[0].copy()
    for other in found[1:]:
        whole.merge(other)
    return whole


def _busiest(snapshots: Collection[Snapshot]) -> tuple[HostRow, ...]:
    rows = (row for one in snapshots for row in one.hosts)
    return tuple(nlargest(HOSTS, rows, key=lambda row: (row.in_flight, row.total - row.done)))


def _latency(row: HostRow) -> float:
    return row.p95 or 0.0
