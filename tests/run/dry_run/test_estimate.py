"""How long a run is planned to take, and what decides that."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrapepool.errors import ListError
from scrapepool.model import ErrorKind, HostKey
from scrapepool.overrides import HostOverride
from scrapepool.ports import HostState
from scrapepool.read import TargetList
from scrapepool.run.dry_run.estimate import count, duration, planned
from scrapepool.run.dry_run.host_counts import HostCounts
from scrapepool.settings import InputSettings, PolitenessSettings, PoolSettings, Settings
from scrapepool.window import Window
from tests.schedule.simulate import Reply, World

MIDNIGHT = 1_772_323_200.0  # 1 March 2026, UTC


class FixedClock:
    """A moment that does not pass."""

    def __init__(self, wall: float = MIDNIGHT) -> None:
        self._wall = wall

    def wall(self) -> float:
        return self._wall

    def monotonic(self) -> float:
        return 5.0


def host(number: int) -> HostKey:
    return HostKey("http", f"h{number}.test", 80)


NO_ROBOTS = Settings(politeness=PolitenessSettings(robots=False))


def plan_of(counts: Sequence[int], run: Settings, *, latency: float = 0.1, wall: float = MIDNIGHT, most: int = 10):
    hosts = {host(number): urls for number, urls in enumerate(counts)}
    return planned(HostCounts.of(hosts), run, latency=latency, most=most, clock=FixedClock(wall))


@given(st.integers(1, 50), st.sampled_from([0.0, 0.03, 0.5, 2.0]), st.integers(1, 8))
def test_one_host_is_planned_exactly(urls: int, delay: float, slots: int) -> None:
    """On one host, the plan is what a simulated run takes."""
    world = World({host(0): urls}, lambda _: Reply(0.1), pool=PoolSettings(per_host=slots, delay=delay, pace="fixed"))
    world.scheduler.tally.claim(host(0)).mean = 1.0  # leases of one
    assert duration(urls, delay, slots, 0.1) == pytest.approx(world.run(), rel=1e-6)


@settings(max_examples=40)
@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=20),
    st.sampled_from([0.0, 0.05, 1.0]),
    st.integers(1, 4),
    st.sampled_from([1, 4, 16]),
)
def test_many_hosts_take_as_long_as_planned(counts: list[int], delay: float, per_host: int, workers: int) -> None:
    """A simulated run takes no less than planned, and at most the longest host longer (Graham 1966)."""
    pool = PoolSettings(workers=workers, per_host=per_host, delay=delay, pace="fixed")
    planned_for = plan_of(counts, replace(NO_ROBOTS, pool=pool))
    world = World(
        {host(number): urls for number, urls in enumerate(counts)}, lambda _: Reply(0.1), pool=pool, audit=False
    )
    took = world.run()
    assert took >= planned_for.seconds - 1e-6
    assert took <= planned_for.seconds + planned_for.longest.seconds + 0.4


def test_the_longest_host_decides() -> None:
    """With workers to spare, the host that takes longest decides, whatever the others have."""
    run = NO_ROBOTS.with_(host_overrides={"sections": (("h1.test", HostOverride(delay=10.0)),)})
    found = plan_of([1000, 50], run)
    assert (found.decided_by, found.longest.host) == ("host", host(1))
    assert found.seconds == pytest.approx(49 * 10 + 0.1)
    assert [one.urls for one in found.hosts] == [1000, 50]


def test_the_workers_decide() -> None:
    """With more hosts than the workers can serve, the workers decide."""
    found = plan_of([10] * 100, replace(NO_ROBOTS, pool=PoolSettings(workers=5)))
    assert found.decided_by == "workers"
    assert found.seconds == pytest.approx(1000 / 5 * 0.1)
    assert len(found.hosts) == 10
    assert found.host_count == 100


def test_the_rate_decides() -> None:
    """A rate for all hosts decides where it is the slowest."""
    found = plan_of([10] * 100, replace(NO_ROBOTS, pool=PoolSettings(rate=10)))
    assert found.decided_by == "rate"
    assert found.seconds == pytest.approx(99.9 + 0.1)


@pytest.mark.parametrize(
    ("counts", "pool", "seconds"),
    [([1] * 100, {"workers": 4}, 200 / 4 * 0.1), ([1] * 100, {"rate": 10}, 20.0), ([10], {"delay": 2.0}, 20.1)],
)
def test_robots_txt_is_a_request(counts: list[int], pool: dict[str, float], seconds: float) -> None:
    """One for each host, but for those of which another run has had it today."""
    run = Settings().with_(pool=pool)
    assert plan_of(counts, run).seconds == pytest.approx(seconds)
    hosts = {host(number): urls for number, urls in enumerate(counts)}
    known = dict.fromkeys(hosts, HostState(robots_at=5.0 - 3600.0))
    without = planned(HostCounts.of(hosts), run, latency=0.1, most=1, clock=FixedClock(), known=known)
    assert without.seconds == plan_of(counts, run.with_(politeness={"robots": False})).seconds < seconds


def test_a_window_goes_over_nights() -> None:
    """A host that may be asked for an hour a day takes as many nights as it has hours of work."""
    own = HostOverride(delay=10.0, window=Window.parse("01:00-02:00 UTC"))
    run = NO_ROBOTS.with_(host_overrides={"sections": (("*", own),)})
    found = plan_of([900], run)  # two and a half hours of open time
    assert found.seconds == pytest.approx(2 * 86_400 + 3600 + 1790 + 0.1)
    never = HostOverride(delay=86_400.0, window=Window.parse("01:00-01:01 UTC"))
    assert plan_of([900], run.with_(host_overrides={"sections": (("*", never),)})).seconds == float("inf")


def test_counting() -> None:
    """Lists are read once; rejected lines and duplicates are counted, the first of the former kept."""
    urls = ["https://a.test/", "https://a.test/1", "https://a.test/1", "mailto:x@a.test", "http://[", "http://b.test/"]
    with closing(TargetList.of_urls(urls, InputSettings())) as targets:
        found = count(targets, shown=1, asks=lambda host: host.host == "b.test")
    assert {host.host: len(tickets) for host, tickets in found.tickets.items()} == {"b.test": 1}
    assert sorted(found.hosts.values()) == [1, 2]
    assert found.duplicates == 1
    assert found.rejects == {ErrorKind.UNSUPPORTED_SCHEME: 1, ErrorKind.INVALID_URL: 1}
    assert [line.target.url for line in found.shown] == ["mailto:x@a.test"]


def test_a_list_that_breaks(tmp_path) -> None:
    """A list that cannot be read on is an error, not a smaller plan."""
    broken = tmp_path / "urls.txt.gz"
    broken.write_bytes(b"\x1f\x8b\x08\x00 no gzip at all")
    with pytest.raises(ListError), closing(TargetList([str(broken)], InputSettings())) as targets:
        count(targets, shown=1)


def test_a_plan_goes_by_what_earlier_runs_found_out() -> None:
    """How long a host takes, how hard it may be asked, and until when not at all; a fixed pace is the user's own."""
    hosts = {host(number): 100 for number in range(4)}
    known = {
        host(0): HostState(latency=1.0),
        host(1): HostState(latency=0.1, interval=2.0),
        host(2): HostState(in_flight=1, parked_until=5.0 + 60.0),
        host(3): HostState(parked_until=5.0 + 1e6),
    }
    plan = planned(HostCounts.of(hosts), NO_ROBOTS, latency=0.1, most=4, clock=FixedClock(), known=known)
    took = {one.host: one.seconds for one in plan.hosts}
    assert took == pytest.approx({host(0): 25.0, host(1): 198.1, host(2): 70.0, host(3): 0.0})
    assert plan.decided_by == "host"
    fixed = replace(NO_ROBOTS, pool=PoolSettings(pace="fixed"))
    plan = planned(HostCounts.of(hosts), fixed, latency=0.1, most=4, clock=FixedClock(), known=known)
    assert {one.host: one.seconds for one in plan.hosts}[host(1)] == pytest.approx(2.5)
    one = replace(NO_ROBOTS, pool=PoolSettings(workers=1))
    busy = planned(HostCounts.of({host(0): 100}), one, latency=0.1, most=1, clock=FixedClock(), known=known)
    assert busy.seconds == pytest.approx(100.0)
