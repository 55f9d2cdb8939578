"""One view of many shards."""

from __future__ import annotations

from cluster_cases import snapshot

from scrapepool.histogram import LogHistogram
from scrapepool.model import HostKey
from scrapepool.ports import HostRow
from scrapepool.run.cluster.merged_snapshot import ended, merged


def row(name: str, in_flight: int = 0, p95: float | None = None) -> HostRow:
    return HostRow(HostKey("http", name, 80), 1, 2, in_flight, 4, 1, 1, 1, None, p95, 0, 0.1, "ok")


def test_counts_are_added() -> None:
    """The run lasts as long as its longest shard, and the busiest hosts are shown."""
    one = snapshot(
        done=2, total=5, outcomes={"ok": 2}, rate=1.0, eta=3.0, hosts=(row("a"),), slowest=(row("a", 0, 0.2),)
    )
    other = snapshot(
        done=1, total=1, outcomes={"ok": 1}, errors={"dns": 1}, rate=2.0, eta=9.0, eta_reason="b", hosts=(row("b", 3),),
        slowest=(row("b", 0, 0.7),), grace=4.0, outage="the network is down",
    )  # fmt: skip
    whole = merged([one, other], elapsed=7.0, pending=0, waiting=0)
    assert (whole.elapsed, whole.done, whole.total, whole.rate, whole.eta, whole.eta_reason) == (
        7.0,
        3,
        6,
        3.0,
        9.0,
        "b",
    )
    assert (whole.outcomes, whole.errors, whole.grace) == ({"ok": 3}, {"dns": 1}, 4.0)
    assert [host.host.host for host in whole.hosts] == ["b", "a"]
    assert [host.host.host for host in whole.slowest] == ["b", "a"]
    assert whole.outage == "the network is down"


def test_latencies_are_those_of_all_requests() -> None:
    """Of the shards that know them; none, if no shard does."""
    latencies = LogHistogram()
    latencies.add(1.0)
    both = [snapshot(latencies=latencies), snapshot(), snapshot(latencies=latencies)]
    whole = merged(both, elapsed=1.0, pending=0, waiting=0)
    assert whole.latencies is not None
    assert (whole.latencies.count, latencies.count) == (2, 1)
    assert merged([snapshot()], elapsed=1.0, pending=0, waiting=0).latencies is None


def test_shards_that_have_not_begun_count() -> None:
    """At the rate of the others; nothing is known before there is a rate."""
    whole = merged([snapshot(done=2, total=4, rate=2.0, eta=1.0, eta_reason="a")], elapsed=1.0, pending=100, waiting=3)
    assert (whole.total, whole.eta, whole.eta_reason) == (104, 51.0, None)
    assert merged([], elapsed=1.0, pending=100, waiting=3).eta is None


def test_a_shard_that_has_ended_is_not_in_flight() -> None:
    """What it did still counts."""
    last = ended(snapshot(done=2, total=2, busy=3, workers=32, rate=5.0, hosts=(row("a"),)))
    assert (last.done, last.busy, last.workers, last.rate, last.hosts) == (2, 0, 0, 0.0, ())
