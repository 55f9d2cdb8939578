"""A virtual world for the scheduler: workers, servers and a clock that jumps from event to event.

It keeps books of its own, by the plainest rules, and compares: every lease is checked against the limits, and
whenever ``next`` says that nothing may start, the books are asked whether that is true. Nothing here waits.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from scrapepool.model import (
    Attempt,
    ErrorKind,
    Failed,
    Fetched,
    Hop,
    HostKey,
    Outcome,
    Redirected,
    Result,
    Retryable,
    Target,
)
from scrapepool.schedule.lease import ConnectionUse, Lease, Refusal
from scrapepool.schedule.queue.host_queue import HostQueue
from scrapepool.schedule.robots import UNREACHABLE_ERRORS, RobotsVerdict
from scrapepool.schedule.scheduler import Scheduler
from scrapepool.schedule.sharing.host_state import HostStateStore
from scrapepool.settings import PolitenessSettings, PoolSettings, RetryPolicy, RunLimits

THROW = 0.5
"""What the simulated dice always show, so that the books know when a retry is due."""

EPSILON = 1e-9
WALL = 1_700_000_000.0


def host_named(number: int) -> HostKey:
    """The key of a simulated host."""
    return HostKey("http", f"h{number}.test", 80)


@dataclass(frozen=True)
class Reply:
    """What a server does to one attempt. elapsed: seconds. status: 0 for ``error``. to: a redirect's host."""

    elapsed: float = 0.1
    status: int = 200
    retry: bool = False
    after: float | None = None
    to: HostKey | None = None
    error: ErrorKind = ErrorKind.RESET


@dataclass
class Books:
    """What is known of one host without asking the scheduler."""

    fresh: int = 0
    due: list[float] = field(default_factory=list)
    out: int = 0
    last_start: float = -1e9
    parked_until: float = -1e9
    refused_until: float = -1e9
    robots: RobotsVerdict | None = None
    crawl_from: float = -1e9

    def may_start(self, now: float, pool: PoolSettings, queue: HostQueue | None) -> bool:
        """Whether the host could be given a lease, with a hair's breadth to spare for rounding.

        When a retry is due, and what failures made of a host, is taken from the scheduler's own ``queue``.
        """
        due = queue is not None and (
            queue.attempts.urgent
            or queue.attempts.retries
            or any(pending.due < now - EPSILON for pending in (queue.attempts.delayed or {}).values())
        )
        held = queue is not None and (
            queue.gate is not None
            or (queue.health is not None and (self.out >= queue.limit or now <= queue.not_before + EPSILON))
        )
        return (
            (self.fresh > 0 or bool(due))
            and self.out < pool.per_host
            and now > max(self.last_start + pool.delay, self.crawl_from) + EPSILON
            and now > self.parked_until + EPSILON
            and not held
        )


class World:
    """One run.

    serve: what becomes of an attempt. unbegun: how many targets of a lease come back so. late: targets that are added
    at a time. audit: whether to compare the books at every step, which takes as long as there are hosts.
    histories: whether outcomes tell what led to them.
    """

    def __init__(
        self,
        targets: Mapping[HostKey, int],
        serve: Callable[[Attempt], Reply] = lambda _: Reply(),
        *,
        pool: PoolSettings | None = None,
        retry: RetryPolicy | None = None,
        unbegun: Callable[[Lease], int] = lambda _: 0,
        late: Sequence[tuple[float, HostKey, int]] = (),
        audit: bool = True,
        robots: Callable[[HostKey], RobotsVerdict] | None = None,
        limits: RunLimits | None = None,
        histories: bool = False,
        memory: HostStateStore | None = None,
    ) -> None:
        self.pool = pool or PoolSettings()
        self.retry = retry or RetryPolicy()
        self.serve = serve
        self.audit = audit
        self.unbegun = unbegun
        self.robots = robots
        self.scheduler = Scheduler(
            self.pool,
            self.retry,
            rng=lambda: THROW,
            politeness=PolitenessSettings(robots=robots is not None),
            limits=limits,
            histories=histories,
            memory=memory,
        )
        self.targets: list[Target] = []
        self.books: defaultdict[HostKey, Books] = defaultdict(Books)
        self.ends: Counter[str] = Counter()
        self.outcomes: list[Outcome] = []
        self.refusals: list[Refusal] = []
        self.leases: list[tuple[float, Lease]] = []
        self.now = 0.0
        self.steps = 0
        self._late = sorted(late)
        self._flying: list[tuple[float, int, Lease, list[Result], int]] = []
        self._last_rated = -1e9
        for host, count in targets.items():
            self.add(host, count)

    def add(self, host: HostKey, count: int) -> None:
        """Put new targets on the list."""
        first = len(self.targets)
        self.targets += [Target(f"{host.origin}/{n}", host, f"/{n}") for n in range(first, first + count)]
        self.books[host].fresh += count
        self.scheduler.add(host, range(first, first + count))

    def run(self) -> float:
        """Go on until nothing is left; the virtual time that took."""
        while True:
            self.steps += 1
            assert self.steps < 100_000, f"no end: {self.scheduler!r}"
            while self._late and self._late[0][0] <= self.now:
                self.add(*self._late.pop(0)[1:])
            self._hand_out()
            times = [self._flying[0][0]] if self._flying else []
            times += [self._late[0][0]] if self._late else []
            if self.scheduler.in_flight < self.pool.workers:
                wake = self.scheduler.wake_at(self.now)
                if wake is not None:
                    assert wake > self.now, "next gave nothing, and wake_at says to ask it again at once"
                    times.append(wake)
            if not times:
                break
            self.now = min(times)
            while self._flying and self._flying[0][0] <= self.now:
                self._settle(*heapq.heappop(self._flying)[2:])
            if self.audit:
                self._compare()
        assert set(self.ends.values()) <= {1}, "a target has two ends"
        outage = self.scheduler.outage
        if self.scheduler.spent is None and not (outage and outage.until <= self.now):
            assert self.scheduler.idle, f"stuck: {self.scheduler!r}"
            assert sorted(self.ends) == sorted(target.url for target in self.targets), "a target has no end"
        assert self.scheduler.out == self.scheduler.in_flight == 0
        return self.now

    def _hand_out(self) -> None:
        while self.scheduler.in_flight < self.pool.workers:
            decision = self.scheduler.next(self.now)
            match decision:
                case None:
                    held = self.scheduler.outage or self.scheduler.spent or self.scheduler._run_quota
                    if self.audit and not self.pool.rate and not held:
                        begun = self.scheduler._hosts.begun
                        starved = [
                            host
                            for host, books in self.books.items()
                            if books.may_start(self.now, self.pool, begun.get(host))
                        ]
                        assert not starved, f"{starved[0]} could be asked at {self.now}"
                    return
                case Refusal():
                    self._refuse(decision)
                case Lease():
                    self._start(decision)

    def _refuse(self, refusal: Refusal) -> None:
        books = self.books[refusal.host]
        if refusal.error is None:
            assert refusal.not_before is not None
            assert abs(self.now + refusal.not_before - books.refused_until) < 1e-6
        else:
            assert refusal.error in {ErrorKind.CIRCUIT_OPEN, ErrorKind.ROBOTS_UNREACHABLE, *UNREACHABLE_ERRORS}
        assert len(refusal.tickets) + len(refusal.attempts) <= 1000
        self.refusals.append(refusal)
        books.fresh -= len(refusal.tickets)
        for ticket in refusal.tickets:
            assert self.targets[ticket].host == refusal.host
            self.ends[self.targets[ticket].url] += 1
        for attempt in refusal.attempts:
            self.ends[attempt.target.url] += 1
            books.due.remove(min(books.due))

    def _start(self, lease: Lease) -> None:
        pool, books = self.pool, self.books[lease.host]
        queue = self.scheduler._hosts.begun[lease.host]
        assert queue.out <= queue.limit, "a host has more out than its pace or its circuit allows"
        self.leases.append((self.now, lease))
        assert books.out < pool.per_host, "a host has more than its limit out"
        assert self.now >= books.last_start + pool.delay - EPSILON, "two starts are too near to each other"
        assert self.now >= books.parked_until - EPSILON, "a parked host is asked"
        assert self.now >= books.refused_until - EPSILON, "a host that asked for a pause is requested"
        if pool.rate:
            assert self.now >= self._last_rated + 1 / pool.rate - EPSILON
            self._last_rated = self.now
        if (pool.rate or pool.delay) and not lease.robots:
            assert len(lease) == 1
        books.out += 1
        books.last_start = self.now
        assert self.now >= books.crawl_from - EPSILON, "a crawl delay is not kept"
        crawl_delay = books.robots.crawl_delay if books.robots is not None else None
        books.crawl_from = self.now + (crawl_delay or 0.0)
        if lease.robots:
            assert self.robots is not None and books.out == 1
            heapq.heappush(self._flying, (self.now + 0.05, len(self.leases), lease, [], 0))
            return
        assert self.robots is None or books.robots is not None, "a host is asked before its robots.txt"
        if lease.attempt is None:
            attempts = [Attempt(self.targets[ticket]) for ticket in lease.tickets]
            books.fresh -= len(attempts)
        elif lease.probe:
            attempts = [lease.attempt]
            assert self.ends[lease.attempt.target.url] == 1, "a probe is at a page that has its outcome"
        else:
            attempts = [lease.attempt]
            assert min(books.due) <= self.now + EPSILON, "an attempt is leased before it is due"
            assert lease.attempt.number <= 1 + self.retry.retries
            books.due.remove(min(books.due))
        assert all(attempt.host == lease.host for attempt in attempts)
        results: list[Result] = []
        spent = 0.0
        for attempt in attempts[: len(attempts) - min(self.unbegun(lease), len(attempts))]:
            if spent > lease.budget:
                break
            reply = self.serve(attempt)
            spent += reply.elapsed
            results.append(answer(attempt, reply))
        heapq.heappush(self._flying, (self.now + spent, len(self.leases), lease, results, len(attempts)))

    def _settle(self, lease: Lease, results: list[Result], size: int) -> None:
        books = self.books[lease.host]
        books.out -= 1
        if lease.robots:
            assert self.robots is not None
            verdict = self.robots(lease.host)
            books.robots = verdict if verdict.unreachable is None else None
            if books.robots is not None:
                books.crawl_from = lease.since + (verdict.crawl_delay or 0.0)
            self.scheduler.settle_robots(lease.host, verdict, self.now, elapsed=0.05, use=ConnectionUse(requests=1))
            return
        final = self.scheduler.settle(
            lease,
            results,
            self.now,
            wall=WALL,
            use=ConnectionUse(1, 0.0, len(results), 0.0, self.pool.per_host - books.out),
        )
        for outcome in final:
            self.ends[outcome.target.url] += 1
        self.outcomes += final
        if lease.probe:
            assert not final, "a probe has an outcome"
            for result in results:
                self._note_waits(books, result)
            return
        if lease.attempt is None:
            books.fresh += size - len(results)
        elif not results:
            books.due.append(self.now)
        for result in results:
            self._note(books, result, {outcome.target.url for outcome in final})

    def _note(self, books: Books, result: Result, ended: set[str]) -> None:
        if isinstance(result, Redirected):
            self.books[result.attempt.host].due.append(self.now)
            return
        self._note_waits(books, result)
        if result.target.url not in ended:
            assert result.retry is not None, "a result without a retry did not end its target"
            self.books[result.target.host].due.append(self.now)

    def _note_waits(self, books: Books, result: Result) -> None:
        after = None if isinstance(result, Redirected) or result.retry is None else result.retry.after
        if after is not None and result.status in (429, 503):
            if after > self.retry.max_park:
                books.refused_until = max(books.refused_until, self.now + after)
            else:
                books.parked_until = max(books.parked_until, self.now + after)

    def _compare(self) -> None:
        scheduler = self.scheduler
        assert scheduler.in_flight == sum(books.out for books in self.books.values())
        assert scheduler.queued == sum(books.fresh for books in self.books.values())
        assert scheduler.parked == sum(len(books.due) for books in self.books.values())


def answer(attempt: Attempt, reply: Reply) -> Result:
    """The result that a fetcher would make of a server's reply."""
    if reply.to is not None:
        hop = Hop(f"{reply.to.origin}/hop", reply.to, "/hop", "GET", (attempt.target.url,), reply.elapsed)
        return Redirected(Attempt(attempt.target, attempt.number, attempt.waited, WALL, hop), reply.elapsed)
    retry = Retryable(reply.after, again=reply.retry) if reply.retry or reply.after is not None else None
    if not reply.status:
        return Failed(
            target=attempt.target, attempts=attempt.number, started=WALL, elapsed=reply.elapsed, waited=attempt.waited,
            retry=retry, error=reply.error,
        )  # fmt: skip
    return Fetched(
        target=attempt.target, attempts=attempt.number, started=WALL, elapsed=reply.elapsed, waited=attempt.waited,
        retry=retry, status=reply.status, wire_bytes=100, bytes=100,
    )  # fmt: skip
