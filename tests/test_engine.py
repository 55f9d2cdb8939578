"""The engine with fakes of its ports and a clock that jumps, so that waits, stops and refusals take no time."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrapepool.engine import GRACE, MAX_OUTCOMES, MAX_SLEEP, Engine, Stop, refused_outcome
from scrapepool.errors import ListError
from scrapepool.model import (
    Attempt,
    Deferred,
    ErrorKind,
    Failed,
    Fetched,
    Hop,
    HostKey,
    ListTarget,
    Outcome,
    Redirect,
    Redirected,
    Result,
    Retryable,
    Skipped,
    Target,
    verdict,
)
from scrapepool.ports import Batch, Done, NoView, Snapshot, Unbegun, Work
from scrapepool.schedule.dispatch import MAX_REFUSAL
from scrapepool.schedule.http_fallback import HttpFallback
from scrapepool.schedule.lease import ConnectionUse, Refusal
from scrapepool.schedule.scheduler import Scheduler
from scrapepool.settings import PoolSettings, RetryPolicy

EPOCH = 1_700_000_000.0  # Unix time at the virtual clock's zero
HOUR = 3600.0
Respond = Callable[[Attempt, float], tuple[Result, float]]


def host(name: str) -> HostKey:
    """Return a host with that name."""
    return HostKey("http", name, 80)


def target(name: str, path: str, line: int | None = None) -> Target:
    """Return a target on that host."""
    return Target(f"http://{name}/{path}", host(name), f"/{path}", line)


def ok(attempt: Attempt, now: float) -> tuple[Result, float]:
    """Respond 200 within a tenth of a second."""
    return fetched(attempt), 0.1


def fetched(attempt: Attempt, status: int = 200, retry: Retryable | None = None) -> Fetched:
    """Return the outcome of a whole response."""
    fields: dict[str, Any] = {"attempts": attempt.number, "started": attempt.started or EPOCH, "waited": attempt.waited}
    return Fetched(target=attempt.target, status=status, elapsed=0.1, retry=retry, **fields)


@dataclass
class Quarantined:
    """The time from which a lease's connection is only watched."""

    work: Work


class World:
    """Implements ``Clock`` and ``Transport``: a lease ends when the clock has jumped far enough.

    rests: seconds that each lease is quarantined before it is done. stuck: seconds after which a request gives back
    what its lease has not begun. hangs: seconds after which a lease counts as hanging. out: how many were not back, at
    most. most_in_flight: how many counted as in flight, at most. events: what happens at a time. waits: how often the
    engine slept. begun: works and when they were submitted. handed: attempts that were begun.
    """

    def __init__(
        self, respond: Respond = ok, rests: float = 0.0, stuck: float = inf, hangs: float = inf, again: bool = False
    ) -> None:
        self.again = again
        self.respond = respond
        self.hangs = hangs
        self.begun: list[tuple[float, Work]] = []
        self.rests = rests
        self.stuck = stuck
        self.out = self.most_in_flight = 0
        self.now = 0.0
        self.waits = 0
        self.handed: list[Attempt] = []
        self.events: list[tuple[float, Callable[[], None]]] = []
        self.drained = self.aborted = False
        self._woken = False
        self._counted: set[int] = set()  # the ids of the works in flight
        self._coming: list[tuple[float, int, Done | Quarantined | Unbegun]] = []

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return EPOCH + self.now

    def cpu(self) -> float:
        return 0.0

    @property
    def in_flight(self) -> int:
        return len(self._counted)

    def submit(self, work: Work) -> None:
        results, spent = [], 0.0
        self.begun.append((self.now, work))
        for begun, attempt in enumerate(work.attempts, 1):
            self.handed.append(attempt)
            result, seconds = self.respond(attempt, self.now)
            results.append(result)
            if seconds > self.stuck and begun < len(work.attempts):
                stuck_at = self.now + spent + self.stuck
                kept = 0 if self.again else begun - 1
                unbegun = Unbegun(work, begun, results[:kept], ConnectionUse(requests=begun), again=begun - 1 - kept)
                heapq.heappush(self._coming, (stuck_at, len(self.handed), unbegun))
                results = results[-1:]
                spent += seconds
                break
            spent += seconds
        end, number = self.now + spent, len(self.handed)
        if self.rests:
            heapq.heappush(self._coming, (end, number, Quarantined(work)))
        heapq.heappush(
            self._coming, (end + self.rests, number, Done(work, results, ConnectionUse(requests=len(results))))
        )
        self._counted.add(id(work))
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self.out = max(self.out, sum(isinstance(one, Done) for _, _, one in self._coming))

    def wait(self, timeout: float | None) -> list[Done | Unbegun]:
        self.waits += 1
        if self._woken:
            self._woken = False
            return []
        times = [self._coming[0][0]] if self._coming else []
        times += [min(time for time, _ in self.events)] if self.events else []
        times += [] if timeout is None else [self.now + timeout]
        assert times, "the engine sleeps for ever"
        self.now = max(self.now, min(times))
        for event in [event for event in self.events if event[0] <= self.now]:
            self.events.remove(event)
            event[1]()
        back: list[Done | Unbegun] = []
        while self._coming and self._coming[0][0] <= self.now:
            one = heapq.heappop(self._coming)[2]
            if not isinstance(one, Unbegun):
                self._counted.discard(id(one.work))
            if not isinstance(one, Quarantined):
                back.append(one)
        return back

    def wake(self) -> None:
        self._woken = True

    receiving = 0
    processes = 1

    def discount_hanging(self) -> None:
        self._counted -= {id(work) for since, work in self.begun if self.now - since > self.hangs}

    def drain(self) -> None:
        self.drained = True

    def abort(self) -> None:
        self.aborted = True


class Listed:
    """A ``Feed`` of targets in memory, in small batches. changed: what the look-up of a ticket returns instead."""

    def __init__(self, targets: Sequence[Target], *, batch: int = 100, rejected: Sequence[Skipped] = ()) -> None:
        self._targets = targets
        self._batch = batch
        self._next = 0
        self._rejected = list(rejected)
        self.changed: dict[int, Target | Skipped] = {}
        self.looked_up: set[int] = set()
        self.closed = False

    def poll(self) -> Batch | None:
        if self.exhausted:
            return None
        added: dict[HostKey, list[int]] = {}
        for ticket in range(self._next, min(self._next + self._batch, len(self._targets))):
            added.setdefault(self._targets[ticket].host, []).append(ticket)
        self._next += self._batch
        rejected, self._rejected = self._rejected, []
        return Batch(added, rejected)

    def target(self, ticket: int) -> Target | Skipped:
        assert ticket not in self.looked_up, "a list that may be endless drops what was looked up"
        self.looked_up.add(ticket)
        return self.changed.get(ticket, self._targets[ticket])

    @property
    def exhausted(self) -> bool:
        return self._next >= len(self._targets) and not self._rejected

    def close(self) -> None:
        self.closed = True


class Lists:
    """Implements ``ListRequests``. wanted: what a reader waits for. ended: how these ended."""

    def __init__(self) -> None:
        self.wanted: list[ListTarget] = []
        self.ended: list[Outcome] = []
        self.closed = False

    def take(self) -> ListTarget | None:
        return self.wanted.pop(0) if self.wanted else None

    def end(self, outcomes: Sequence[Outcome]) -> None:
        self.ended += outcomes

    def close(self) -> None:
        self.closed = True


class Watcher(NoView):
    """A view that gets every snapshot and checks that its numbers agree."""

    interval = 0.0

    def __init__(self) -> None:
        self.seen: list[Snapshot] = []
        self.scheduler: Scheduler

    def show(self, snapshot: Snapshot) -> None:
        waiting = self.scheduler.queued + self.scheduler.parked + self.scheduler.out
        assert snapshot.done + waiting == snapshot.total
        assert snapshot.done == sum(snapshot.outcomes.values())
        assert 0 <= snapshot.busy <= snapshot.workers
        assert snapshot.parked == self.scheduler.parked
        self.seen.append(snapshot)


class Run:
    """An engine with its scheduler, feed, transport and view."""

    def __init__(
        self,
        feed: Listed,
        world: World,
        *,
        workers: int = 4,
        per_host: int = 4,
        delay: float = 0.0,
        retry: RetryPolicy | None = None,
        most_out: int | None = None,
        fallback: HttpFallback | None = None,
    ) -> None:
        pool = PoolSettings(workers=workers, per_host=per_host, delay=delay)
        self.feed, self.world, self.lists = feed, world, Lists()
        self.view, self.stop = Watcher(), Stop(wake=world.wake)
        self.scheduler = self.view.scheduler = Scheduler(
            pool, retry or RetryPolicy(), rng=lambda: 0.5, fallback=fallback
        )
        self.engine = Engine(
            scheduler=self.scheduler,
            feed=feed,
            lists=self.lists,
            transport=world,
            view=self.view,
            clock=world,
            workers=workers,
            most_out=most_out,
            stop=self.stop,
        )

    def outcomes(self) -> list[Outcome]:
        """Run to the end."""
        return [outcome for some in self.engine.run() for outcome in some]


def urls(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the URLs of outcomes, sorted."""
    return sorted(outcome.target.url for outcome in outcomes)


@settings(max_examples=60, deadline=None)
@given(
    hosts=st.lists(st.integers(0, 5), max_size=60),
    fates=st.lists(st.sampled_from(["ok", "404", "retry", "after", "long", "hop", "failed"]), min_size=1, max_size=8),
    seconds=st.lists(st.floats(0.0, 3.0), min_size=1, max_size=5),
    workers=st.integers(1, 5),
    batch=st.integers(1, 30),
    rests=st.sampled_from([0.0, 0.3]),
    hangs=st.sampled_from([inf, 0.5]),
)
def test_every_target_gets_exactly_one_outcome(
    hosts: list[int], fates: list[str], seconds: list[float], workers: int, batch: int, rests: float, hangs: float
) -> None:
    """This holds for all hosts, latencies, responses and orders of the list. The numbers always agree."""

    def respond(attempt: Attempt, now: float) -> tuple[Result, float]:
        number = len(world.handed)
        lasts = seconds[number % len(seconds)]
        match fates[number % len(fates)]:
            case "404":
                return fetched(attempt, 404), lasts
            case "retry":
                return fetched(attempt, 500, Retryable()), lasts
            case "after":
                return fetched(attempt, 429, Retryable(7.0)), lasts
            case "long":
                return fetched(attempt, 503, Retryable(2 * HOUR)), lasts
            case "hop" if attempt.hop is None:
                hop = Hop("http://hop.test/", host("hop.test"), "/", "GET", (attempt.target.url,), 0.1)
                return Redirected(replace(attempt, hop=hop), 0.1), lasts
            case "failed":
                return Failed(target=attempt.target, error=ErrorKind.RESET, attempts=attempt.number), lasts
        return fetched(attempt), lasts

    targets = [target(f"h{number}.test", str(i)) for i, number in enumerate(hosts)]
    world = World(respond, rests, hangs=hangs)
    run = Run(Listed(targets, batch=batch), world, workers=workers, per_host=2, most_out=workers + 1)
    assert urls(run.outcomes()) == sorted(target.url for target in targets)
    last = run.engine.snapshot(last=True)
    assert (last.done, last.total, last.reading, last.busy, last.parked) == (len(targets), len(targets), False, 0, 0)
    assert world.out <= workers + 1
    assert world.most_in_flight <= workers


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=40),
    down=st.lists(st.booleans(), min_size=4, max_size=4),
    fates=st.lists(st.sampled_from(["ok", "500", "unsent"]), min_size=1, max_size=6),
    workers=st.integers(1, 5),
)
def test_names_are_retried_over_http_and_end_once(
    rows: list[tuple[int, bool]], down: list[bool], fates: list[str], workers: int
) -> None:
    """If https fails, targets without a scheme, and only these, are requested over http. The numbers always agree."""

    def respond(attempt: Attempt, now: float) -> tuple[Result, float]:
        over_http = attempt.host.scheme == "http"
        assert over_http == (attempt.hop is not None)
        assert not over_http or attempt.target.bare
        fate = fates[len(world.handed) % len(fates)]
        if fate == "unsent" or (not over_http and down[int(attempt.target.host.host[1])]):
            fields = {"error": ErrorKind.CONNECT_REFUSED, "unsent": True, "attempts": attempt.number}
            return Failed(target=attempt.target, retry=Retryable(), **fields), 0.1
        return fetched(attempt, 500 if fate == "500" else 200, Retryable() if fate == "500" else None), 0.1

    targets = [
        Target(f"https://h{n}.test/{i}", HostKey("https", f"h{n}.test", 443), f"/{i}", bare=bare)
        for i, (n, bare) in enumerate(rows)
    ]
    world = World(respond)
    run = Run(Listed(targets), world, workers=workers, per_host=2, fallback=HttpFallback("GET"))
    assert urls(run.outcomes()) == sorted(target.url for target in targets)
    last = run.engine.snapshot(last=True)
    assert (last.done, last.total, last.parked) == (len(targets), len(targets), 0)
    assert all(0 <= row.done <= row.total for row in run.scheduler.tally.hosts.values())


@pytest.mark.parametrize(("most_out", "at_once"), [(None, 1), (3, 3), (100, 10)])
def test_a_quarantined_lease_does_not_count_as_in_flight(most_out: int | None, at_once: int) -> None:
    """If one lease may be in flight, others begin while earlier ones are quarantined, up to the limit of leases."""
    world = World(rests=1.0)
    run = Run(Listed([target(f"h{n}.test", "a") for n in range(20)]), world, workers=1, most_out=most_out)
    assert len(run.outcomes()) == 20
    assert world.out >= at_once
    assert world.out <= (most_out or 1)
    assert world.most_in_flight == 1
    assert world.now == pytest.approx(20 * 0.1 + (20 / at_once if at_once < 10 else 1.0), abs=1.0)


@pytest.mark.parametrize("again", [False, True])
def test_what_a_stuck_lease_has_not_begun_is_requested_by_others(again: bool) -> None:
    """The URLs behind a hanging one are recorded before it, each once; so are those that it has to repeat."""

    def respond(attempt: Attempt, now: float) -> tuple[Result, float]:
        seconds = 100.0 if attempt.target.path == "/150" else 0.001
        return replace(fetched(attempt), elapsed=seconds), seconds

    world = World(respond, stuck=0.25, again=again)
    targets = [target("h.test", str(n)) for n in range(300)]
    run = Run(Listed(targets, batch=300), world, workers=2, per_host=2)
    given = [(outcome.target.path, world.now) for some in run.engine.run() for outcome in some]
    assert sorted(path for path, _ in given) == sorted(target.path for target in targets)
    assert given[-1][0] == "/150"
    assert given[-2][1] < 10
    assert world.now < 101
    assert (len(world.handed) > 300) is again
    last = run.engine.snapshot()
    assert (last.done, last.total, last.busy, run.scheduler.out, run.scheduler.in_flight) == (300, 300, 0, 0, 0)
    assert not run.engine._looked_up, "memory must not follow the length of the list"


@pytest.mark.parametrize("rests", [0.0, 0.3])
def test_leases_that_hang_do_not_count_as_in_flight(rests: float) -> None:
    """As many further leases begin. A hanging lease is counted once, and delays no other lease."""

    def respond(attempt: Attempt, now: float) -> tuple[Result, float]:
        return fetched(attempt), 50.0 if attempt.host.host.startswith("slow") else 0.1

    world = World(respond, rests, hangs=1.0)
    targets = [target(f"slow{n}.test", "a") for n in range(6)] + [target(f"h{n}.test", "a") for n in range(30)]
    run = Run(Listed(targets), world, workers=4, most_out=8)
    outcomes = run.outcomes()
    assert all(outcome.target.host.host.startswith("slow") for outcome in outcomes[30:])
    assert world.out <= 8
    assert run.engine.snapshot().busy == 0
    assert world.now < 60


def test_rejected_lines_are_outcomes_too() -> None:
    """They are yielded and counted like other outcomes."""
    bad = Skipped(target=target("h.test", "bad"), error=ErrorKind.INVALID_URL)
    run = Run(Listed([target("h.test", "a")], rejected=[bad]), World())
    assert Counter(type(outcome) for outcome in run.outcomes()) == {Skipped: 1, Fetched: 1}
    assert run.engine.snapshot().outcomes == {"skipped": 1, "ok": 1}


def test_a_host_that_asks_for_a_long_wait_is_deferred_as_a_whole() -> None:
    """One response defers the rest of its host until the time that it names; other hosts continue."""
    world = World(lambda a, now: (fetched(a, 503, Retryable(HOUR)), 1.0) if a.host.host == "busy.test" else ok(a, now))
    targets = [target("busy.test", str(i)) for i in range(5000)] + [target("h.test", "a")]
    run = Run(Listed(targets, batch=10_000), world, workers=1)
    batches = list(run.engine.run())
    final = [outcome for batch in batches for outcome in batch]
    deferred = [outcome for outcome in final if isinstance(outcome, Deferred)]
    assert urls(final) == sorted(target.url for target in targets)
    assert len(deferred) == 5000
    assert {round(outcome.not_before - EPOCH - HOUR) for outcome in deferred} <= {1, 2}
    assert sum(attempt.host.host == "busy.test" for attempt in world.handed) < 10
    assert max(map(len, batches)) < MAX_OUTCOMES + MAX_REFUSAL


def a_list(name: str, path: str = "list") -> ListTarget:
    """Return a list on that host."""
    return ListTarget(f"http://{name}/{path}", host(name), f"/{path}", begin=lambda: print)


def test_a_list_is_requested_for_the_reader() -> None:
    """What comes of it is no outcome of the run, also if its host is refused."""
    world = World(lambda a, now: (fetched(a, 503, Retryable(HOUR)), 1.0) if a.host.host == "busy.test" else ok(a, now))
    run = Run(Listed([target("h.test", "a")]), world, workers=1)
    run.lists.wanted = [a_list("busy.test", "1"), a_list("busy.test", "2"), a_list("h.test")]
    assert urls(run.outcomes()) == ["http://h.test/a"]
    assert [(type(end), end.target.url) for end in run.lists.ended] == [
        (Deferred, "http://busy.test/1"),
        (Deferred, "http://busy.test/2"),
        (Fetched, "http://h.test/list"),
    ]
    assert run.engine.snapshot().outcomes == {"ok": 1}


def test_a_run_that_is_stopped_waits_for_no_list() -> None:
    """It ends with its last page, and the reader waits no longer."""
    world = World(lambda a, now: (fetched(a), 60.0 if a.of_list else 2.0))
    run = Run(Listed([target("h.test", "a")]), world)
    run.lists.wanted = [a_list("h.test")]
    world.events = [(1.0, run.stop.request)]
    assert (urls(run.outcomes()), world.now) == (["http://h.test/a"], 2.0)
    run.engine.close()
    assert (world.aborted, run.lists.closed) == (True, True)


def test_a_list_that_was_changed_meanwhile() -> None:
    """A line that is gone, or names another host, ends as skipped; the lines next to it are fetched."""
    targets = [target("h.test", str(i)) for i in range(6)]
    feed = Listed(targets)
    feed.changed = {
        2: Skipped(target=targets[2], error=ErrorKind.INVALID_URL, detail="gone"),
        4: target("elsewhere.test", "4"),
    }
    run = Run(feed, World(), workers=1)
    final = run.outcomes()
    skipped = {outcome.target.url: outcome.detail for outcome in final if isinstance(outcome, Skipped)}
    assert skipped == {"http://h.test/2": "gone", "http://elsewhere.test/4": "the list was changed during the run"}
    assert sum(isinstance(outcome, Fetched) for outcome in final) == 4


def test_a_list_that_cannot_be_read_to_its_end() -> None:
    """The run raises the error."""
    feed = Listed([target("h.test", "a")])

    def fail() -> Batch:
        raise ListError("urls.txt", "Input/output error")

    feed.poll = fail  # type: ignore[method-assign]
    with pytest.raises(ListError):
        Run(feed, World()).outcomes()


@pytest.mark.parametrize(
    ("refusal", "word"),
    [
        ({"error": ErrorKind.CIRCUIT_OPEN}, "failed"),
        ({"error": ErrorKind.ROBOTS_UNREACHABLE}, "skipped"),
        ({"not_before": 60.0}, "deferred"),
    ],
)
def test_a_refusal_after_a_redirect_keeps_its_redirects(refusal: dict[str, Any], word: str) -> None:
    """The outcome has the redirect with its status, counts the attempt, and names the host."""
    aim, there = target("a.test", "1"), host("b.test")
    hops = (Redirect(aim.url, 301),)
    hop = Hop("http://b.test/x", there, "/x", "GET", (aim.url,), 0.1, hops=hops, notes=("odd",))
    attempt = Attempt(aim, number=2, started=1.0, waited=3.0, hop=hop)
    end = refused_outcome(attempt, Refusal(there, (), (attempt,), "it is down", **refusal), 0.0)
    assert (verdict(end), end.attempts, end.started, end.waited) == (word, 2, 1.0, 3.0)
    assert (end.final_url, end.redirects, end.hops) == ("http://b.test/x", (aim.url,), hops)
    assert end.detail == "redirected to b.test: it is down; odd"
    fresh = refused_outcome(Attempt(aim), Refusal(aim.host, (), (), "it is down", **refusal), 0.0)
    assert (fresh.attempts, fresh.final_url, fresh.hops, fresh.detail) == (0, None, (), "it is down")


def test_a_redirect_to_another_host_waits_in_its_queue() -> None:
    """The hop is requested from the other host and keeps the number of its attempt; its target has one outcome."""

    def respond(attempt: Attempt, now: float) -> tuple[Result, float]:
        if attempt.hop is None and attempt.host.host == "a.test":
            hop = Hop("http://b.test/x", host("b.test"), "/x", "GET", (attempt.target.url,), 0.1)
            return Redirected(replace(attempt, hop=hop), 0.1), 0.1
        requested.append((attempt.host.host, attempt.number, now))
        return ok(attempt, now)

    requested: list[tuple[str, int, float]] = []
    run = Run(Listed([target("a.test", "1"), target("b.test", "2")]), World(respond), delay=5.0)
    assert urls(run.outcomes()) == ["http://a.test/1", "http://b.test/2"]
    (_, _, first), (_, number, second) = requested
    assert number == 1
    assert second - first >= 5.0


def stopping(seconds: float, *, stops: Sequence[float]) -> tuple[Run, list[Outcome]]:
    """Run four requests at a time that take so many seconds, and request a stop at each of these times."""
    world = World(lambda attempt, _: (fetched(attempt), seconds))
    run = Run(Listed([target(f"h{i}.test", "a") for i in range(100)]), world)
    world.events = [(time, run.stop.request) for time in stops]
    return run, run.outcomes()


def test_a_stop_begins_nothing_more_and_waits_for_what_is_in_flight() -> None:
    """A request that ends within the grace period is recorded."""
    run, final = stopping(2.0, stops=[3.0])
    assert (len(final), len(run.world.handed), run.world.now) == (8, 8, 4.0)
    assert run.world.drained


def test_a_request_that_outlasts_the_grace_period_has_no_record() -> None:
    """The run ends with the grace period; the view shows the seconds that are left."""
    run, final = stopping(60.0, stops=[3.0])
    assert final == []
    assert run.world.now == pytest.approx(3.0 + GRACE)
    assert len(run.world.handed) == 4
    graces = [snapshot.grace for snapshot in run.view.seen if snapshot.grace is not None]
    assert graces == sorted(graces, reverse=True)
    assert graces[0] == pytest.approx(GRACE)
    run.engine.close()
    assert run.world.aborted
    assert run.feed.closed


def test_a_second_stop_ends_the_run_at_once() -> None:
    """The run no longer waits for requests in flight."""
    run, final = stopping(60.0, stops=[3.0, 3.5])
    assert final == []
    assert run.world.now == 3.5
    assert run.engine.must_end_now


def test_a_stop_before_the_beginning() -> None:
    """The run reads nothing and begins nothing."""
    run = Run(Listed([target("h.test", "a")]), World())
    run.stop.request()
    assert run.outcomes() == []
    assert run.world.handed == []


def test_a_consumer_that_takes_nothing_stops_the_requests() -> None:
    """While no outcomes are taken, no request begins, so the number of responses that are not written is bounded."""
    world = World()
    run = Run(Listed([target(f"h{i % 10}.test", str(i)) for i in range(1000)]), world)
    outcomes: Iterator[Sequence[Outcome]] = run.engine.run()
    taken = len(next(outcomes))
    begun = len(world.handed)
    world.now += HOUR
    assert len(world.handed) == begun
    assert begun - taken <= begun <= 4 * 64
    assert taken + sum(map(len, outcomes)) == 1000


def test_a_slow_consumer_gets_no_eta_of_the_network() -> None:
    """The consumer determines when the run ends, and more hosts would not help."""
    world = World()
    run = Run(Listed([target("h.test", str(i)) for i in range(400)]), world)
    for outcomes in run.engine.run():
        world.now += 5.0 if outcomes else 0.0
    held = [seen for seen in run.view.seen if seen.done < seen.total - 12 and seen.elapsed > 10]
    assert len(held) > 5
    assert all(seen.eta is None or seen.eta >= 5.0 for seen in held)
    assert {(seen.eta_reason, seen.hint) for seen in held} == {(None, None)}


def test_a_quarantined_lease_counts_as_an_idle_worker() -> None:
    """While its connections are watched, a host's two slots are taken, but none of the four workers is."""
    world = World(lambda a, now: (fetched(a), 1.0), rests=30.0)
    run = Run(Listed([target("h.test", str(i)) for i in range(9)]), world, per_host=2, most_out=8)
    run.outcomes()
    assert all(
        seen.hint is None or seen.hint.startswith(f"{4 - seen.busy} of 4 workers are idle") for seen in run.view.seen
    )
    assert any(seen.hint is not None and seen.busy == 0 for seen in run.view.seen)


def test_the_consumer_is_called_while_nothing_ends() -> None:
    """A sink that gathers outcomes for a second can write them before the hour passes that a host asks to wait."""
    world = World(lambda a, now: (fetched(a, 503, Retryable(HOUR)), 0.1) if a.number == 1 else ok(a, now))
    run = Run(Listed([target("h.test", "a")]), world, retry=RetryPolicy(max_park=2 * HOUR))
    taken = [world.now for _ in run.engine.run()]
    assert max(later - earlier for earlier, later in itertools.pairwise(taken)) == pytest.approx(MAX_SLEEP)


def test_an_idle_hour_costs_few_rounds() -> None:
    """While the only host asks to wait, the loop sleeps, and wakes only for the clock on the screen."""
    world = World(lambda a, now: (fetched(a, 503, Retryable(HOUR)), 0.1) if a.number == 1 else ok(a, now))
    run = Run(Listed([target("h.test", "a")]), world, retry=RetryPolicy(max_park=2 * HOUR))
    (outcome,) = run.outcomes()
    assert (outcome.attempts, outcome.waited) == (2, pytest.approx(HOUR))
    assert HOUR < world.now < HOUR + 2
    assert world.waits < HOUR + 20


def test_a_delay_is_slept_through_and_not_polled() -> None:
    """The loop wakes once per start and once per end, apart from the clock on the screen."""
    world = World()
    run = Run(Listed([target("h.test", str(i)) for i in range(50)]), world, delay=0.5)
    assert len(run.outcomes()) == 50
    assert world.now == pytest.approx(49 * 0.5 + 0.1)
    assert world.waits < 2 * 50 + 60


def test_reading_leaves_the_time_to_busy_workers() -> None:
    """While a worker is idle, the list is read at once; while none is, reading gets a tenth of the time."""

    class Slow(Listed):
        """A list of which each batch takes 10 ms to take."""

        def poll(self) -> Batch | None:
            world.now += 0.01
            polled.append(world.now)
            return super().poll()

    def reading(count: int, workers: int) -> None:
        polled.clear()
        hosts = [f"h{number}.test" for number in range(count)]
        outcomes = Run(Slow([target(name, "a") for name in hosts], batch=1), world, workers=workers).outcomes()
        assert len(outcomes) == count

    polled: list[float] = []
    world = World()
    reading(40, 100)
    assert polled[39] < 0.4 + 2 * 0.1
    world = World(lambda attempt, now: (fetched(attempt), 1.0))
    reading(40, 4)
    assert polled[7] < 0.1  # before there is work for all of them
    assert polled[39] - polled[7] > 31 * 0.1


def test_a_view_is_shown_no_more_often_than_it_wants() -> None:
    """A view without an interval gets only the snapshots that it requests."""

    class Rare(Watcher):
        interval = 10.0

    run = Run(Listed([target("h.test", str(i)) for i in range(100)]), World(), per_host=1)
    rare = Rare()
    rare.scheduler = run.scheduler
    run.engine._view = rare
    run.outcomes()
    times = [snapshot.elapsed for snapshot in rare.seen]
    assert all(later - earlier >= 10.0 for earlier, later in itertools.pairwise(times))


def test_a_pause_begins_nothing_and_counts_for_no_rate() -> None:
    """What is in flight ends; the rate and the ETA are of the time in which the run may work."""
    world = World(lambda attempt, now: (fetched(attempt), 1.0))
    run = Run(Listed([target("h.test", str(n)) for n in range(8)]), world, workers=2, per_host=2)
    controls = run.engine._controls

    def pause() -> None:
        controls.paused = True

    def go_on() -> None:
        assert run.engine.snapshot().paused
        assert (run.engine.snapshot().busy, run.engine.snapshot().eta, run.engine.snapshot().hint) == (0, None, None)
        controls.paused = False

    world.events += [(1.5, pause), (101.5, go_on)]
    assert len(run.outcomes()) == 8
    last = run.engine.snapshot(last=True)
    begun = [since for since, _ in world.begun]
    assert not [since for since in begun if 2.5 < since < 101.5]
    assert last.paused_for == pytest.approx(100.0, abs=1.1)
    assert last.elapsed - last.paused_for < 8.0
    assert not last.paused


def test_the_number_of_workers_can_be_changed() -> None:
    """More begin at once; when there are fewer, what is in flight ends and less begins."""
    world = World(lambda attempt, now: (fetched(attempt), 1.0))
    run = Run(Listed([target(f"h{n}.test", "a") for n in range(30)]), world, workers=2)
    controls = run.engine._controls
    controls.most_workers = 7

    def change(workers: int) -> Callable[[], None]:
        return lambda: setattr(controls, "workers", workers)

    world.events += [(1.5, change(5)), (3.5, change(1))]
    assert len(run.outcomes()) == 30
    assert world.most_in_flight == 5
    assert {seen.workers for seen in run.view.seen} == {2, 5, 1}


def test_a_pause_does_not_lose_the_network() -> None:
    """After a pause, the wait for the network begins anew."""
    world = World(lambda attempt, now: (fetched(attempt), 1.0))
    run = Run(Listed([target("h.test", "a")]), world)
    engine, outage = run.engine, SimpleNamespace(since=-60.0, until=-1.0)
    engine._scheduler = SimpleNamespace(outage=outage)  # type: ignore[assignment]
    assert engine.network_lost
    engine._controls.paused = True
    engine._follow_controls(world.now)
    assert not engine.network_lost
    engine._controls.paused = False
    engine._follow_controls(world.now)
    assert not engine.network_lost
    world.now += 59.5
    assert engine.network_lost
