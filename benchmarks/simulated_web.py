"""A simulated web on a virtual clock, and what asks for its pages: the real scheduler, or the rule of another client.

A host has a latency, pages that are broken for good, a backend that fails now and then, a rate limit, and times at
which it is down. It counts what each page was asked, so that a policy can be judged by what the servers saw. Nothing
here sleeps or opens a socket: a day of schedule takes seconds.
"""

from __future__ import annotations

import heapq
import math
import random
import sys
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scrapepool.model import Attempt, ErrorKind, Failed, Fetched, HostKey, Outcome, Result, Retryable, Target, error_of
from scrapepool.ports import LEASES_OUT
from scrapepool.schedule.forecast.host_status import status_of
from scrapepool.schedule.lease import ConnectionUse, Lease, Refusal
from scrapepool.schedule.robots import RobotsVerdict
from scrapepool.schedule.scheduler import Scheduler
from scrapepool.settings import PolitenessSettings, PoolSettings, RetryPolicy

JITTER = 0.25
"""Sigma of the log-normal distribution of a host's latencies around its median."""

CONNECTION_FAILURES = {
    "refused": ErrorKind.CONNECT_REFUSED, "dns": ErrorKind.DNS, "reset": ErrorKind.RESET, "tls": ErrorKind.TLS,
    "silent": ErrorKind.CONNECT_TIMEOUT, "hang": ErrorKind.READ_TIMEOUT,
}  # fmt: skip
"""What a failure without a response is recorded as; every other kind is a status."""

HANGS = 2.0
"""Seconds after which a request that takes longer is no longer counted among those at work, as the engine does."""

DOWN_WORDS = frozenset({"circuit open", "half-open", "given up"})
"""The states of a host that counts as down, as a view shows them."""


@dataclass(frozen=True)
class Limit:
    """A token bucket in front of a host. rate: requests per second. burst: requests.

    status: of a refusal: 429, or 503 as nginx's limit_req says by default. waits: whether it has a Retry-After.
    window: seconds of a window in which ``rate * window`` requests pass, in the place of a bucket; each response that
    uses the last of them up says so, as with ``RateLimit: "default";r=0;t=1``, in whole seconds.
    """

    rate: float
    burst: float = 10.0
    status: int = 429
    waits: bool = False
    window: float = 0.0


@dataclass(frozen=True)
class Response:
    """What one request came to. kind: ``ok``, a status or a key of ``CONNECTION_FAILURES``.

    after: seconds that the client is asked to wait. refused: by the limit. down: whether the host was.
    """

    elapsed: float
    kind: str
    after: float | None = None
    refused: bool = False
    down: bool = False


@dataclass(frozen=True)
class End:
    """How a page ended. error: None for a success. attempts: as its record says."""

    at: float
    error: str | None
    attempts: int


@dataclass
class Host:
    """A server and its counts.

    bad: pages that always fail, and how. flaky: share of requests that the backend fails with ``flaky_kind``.
    first_tries: the first request to each page of which the number is a multiple of it fails; 0 for none.
    down: when and how nothing is answered. dies_after: responses after which it never answers again, by ``dying``.
    timeout: seconds after which a client gives up on a page that hangs, or a connection that is not accepted.
    crawl_delay: seconds, as its robots.txt says. most: requests at a time, more are refused by ``refuses``.
    """

    name: str
    pages: int
    latency: float = 0.1
    bad: Mapping[int, str] = field(default_factory=dict)
    limit: Limit | None = None
    flaky: float = 0.0
    flaky_kind: str = "503"
    first_tries: int = 0
    down: Sequence[tuple[float, float, str]] = ()
    dies_after: int | None = None
    dying: str = "refused"
    timeout: float = 10.0
    crawl_delay: float = 0.0
    most: int | None = None
    refuses: str = "503"
    seed: int = 5

    def __post_init__(self) -> None:
        self.key = HostKey("http", self.name, 80)
        self.dice = random.Random(f"{self.seed} {self.name}")
        self.tokens = self.limit.burst if self.limit else 0.0
        self.filled_at = 0.0
        self.open_until: list[float] = []
        self.requests = self.refused = self.answers = 0
        self.sent = [0] * self.pages
        """Requests for each page."""
        self.hits = [0] * self.pages
        """The same without those that the limit refused, or that came while the host was down."""
        self.spent = [0.0] * self.pages
        """Seconds that the requests for each page took."""
        self.first_spent = [0.0] * self.pages
        self.first_at = [math.inf] * self.pages
        """When each page was first requested."""
        self.passed_at: list[float] = []
        self.ends: dict[int, End] = {}
        self.died_at: int | None = None
        """Requests that had been received when it died."""
        self.found_at: int | None = None
        """The same, without those in flight, when the client first took it for down after that."""

    def request(self, page: int, now: float) -> Response:
        """Receive a request for a page."""
        response = self._respond(page, now)
        self.requests += 1
        if not self.sent[page]:
            self.first_at[page] = now
        self.sent[page] += 1
        if response.refused:
            self.refused += 1
        elif not response.down:
            if not self.hits[page]:
                self.first_spent[page] = response.elapsed
            self.hits[page] += 1
            self.spent[page] += response.elapsed
            if self.limit is not None:
                self.passed_at.append(now)
        if response.kind == "ok":
            self.answers += 1
        return response

    def _respond(self, page: int, now: float) -> Response:
        if self.dies_after is not None and self.answers >= self.dies_after:
            if self.died_at is None:
                self.died_at = self.requests
            return replace(self._fail(self.dying), down=True)
        for start, end, kind in self.down:
            if start <= now < end:
                return replace(self._fail(kind), down=True)
        latency = self.latency * self.dice.lognormvariate(0.0, JITTER)
        if self.most is not None:
            self.open_until = [end for end in self.open_until if end > now]
            if len(self.open_until) >= self.most:
                return Response(0.01, self.refuses, refused=True)
            self.open_until.append(now + latency)
        after = None
        if self.limit is not None:
            passes, after = self._limited(self.limit, max(self.filled_at, now + latency / 2))
            if not passes:
                return Response(latency, str(self.limit.status), after, refused=True)
        kind = self.bad.get(page, "ok")
        if kind == "ok" and (
            (self.flaky and self.dice.random() < self.flaky)
            or (self.first_tries and page % self.first_tries == 0 and not self.hits[page])
        ):
            kind = self.flaky_kind
        return self._fail(kind) if kind in CONNECTION_FAILURES else Response(latency, kind, after)

    def _limited(self, limit: Limit, arrives: float) -> tuple[bool, float | None]:
        """Whether a request passes, and what the response says about waiting."""
        before, self.filled_at = self.filled_at, arrives
        if limit.window:
            number = arrives // limit.window
            if number > before // limit.window:
                self.tokens = limit.rate * limit.window
            left = float(math.ceil((number + 1) * limit.window - arrives))
            if self.tokens < 1:
                return False, left
            self.tokens -= 1
            return True, None if self.tokens >= 1 else left
        self.tokens = min(limit.burst, self.tokens + (arrives - before) * limit.rate)
        if self.tokens < 1:
            return False, max(1.0, round(1 / limit.rate)) if limit.waits else None
        self.tokens -= 1
        return True, None

    def _fail(self, kind: str) -> Response:
        if kind in ("silent", "hang"):
            return Response(self.timeout, kind)
        return Response(self.latency * self.dice.lognormvariate(0.0, JITTER), kind)

    def end(self, page: int, now: float, outcome: Outcome) -> None:
        """A client is done with a page."""
        assert page not in self.ends, "a page has two ends"
        error = error_of(outcome)
        self.ends[page] = End(now, error and str(error), outcome.attempts)

    # -- what that comes to ------------------------------------------------------------------------

    @property
    def good(self) -> list[int]:
        """The pages that are not broken for good."""
        return [page for page in range(self.pages) if page not in self.bad]

    @property
    def lost(self) -> int:
        """Good pages that were not fetched."""
        return sum(page not in self.ends or self.ends[page].error is not None for page in self.good)

    def good_until(self, policy: RetryPolicy) -> float:
        """When the last good page came, each without the longest backoff of its own retries."""
        return max((self.ends[page].at - longest_backoff(policy, self.hits[page] - 1)
                    for page in self.good if page in self.ends), default=0.0)  # fmt: skip

    def ideal(self, per_host: int) -> float:
        """Seconds until the last good page at the earliest: no client knows a bad page before its first try."""
        last = max((self.ends[page].at for page in self.good if page in self.ends), default=0.0)
        necessary = sum(self.spent[page] for page in self.good)
        count = sum(self.hits[page] for page in self.good)
        for page in self.bad:
            if self.first_at[page] < last:
                necessary += self.first_spent[page]
                count += self.hits[page] > 0
        seconds = necessary / min(per_host, self.most or per_host)
        if self.limit is not None:
            seconds = max(seconds, (count - self.limit.burst) / self.limit.rate)
        return max(seconds, self.crawl_delay * (count - 1))

    def of_limit(self, until: float, per_host: int) -> float | None:
        """Share of what the limit allowed until then that was used; None without a limit."""
        if self.limit is None or not until:
            return None
        possible = min(until * self.limit.rate, until * per_host / self.latency)
        return min(1.0, bisect_right(self.passed_at, until) / possible)


def longest_backoff(policy: RetryPolicy, retries: int) -> float:
    """Seconds that so many retries of one page may wait."""
    return sum(min(policy.backoff_max, policy.backoff * 2**made) for made in range(retries))


def placed(share: float, pages: int, place: str, dice: random.Random) -> list[int]:
    """Numbers of the pages that are bad. place: ``spread``, ``runs`` (of ten), ``end`` or ``beginning``."""
    count = max(1, round(share * pages))
    if place == "beginning":
        return list(range(count))
    if place == "end":
        return list(range(pages - count, pages))
    if place == "spread":
        return sorted(dice.sample(range(pages), count))
    runs = math.ceil(count / 10)
    starts = dice.sample(range(pages // 10), runs)
    return sorted(start * 10 + number for start in starts for number in range(10))[:count]


# -- the real scheduler --------------------------------------------------------------------------------


def result_of(attempt: Attempt, response: Response) -> Result:
    """What a fetcher would make of a response."""
    if response.kind in CONNECTION_FAILURES:
        return Failed(
            target=attempt.target, attempts=attempt.number, elapsed=response.elapsed, waited=attempt.waited,
            error=CONNECTION_FAILURES[response.kind], retry=Retryable(),
        )  # fmt: skip
    status = 200 if response.kind == "ok" else int(response.kind)
    again = status in RetryPolicy().statuses
    retry = Retryable(response.after, again=again) if again or response.after is not None else None
    return Fetched(
        target=attempt.target, attempts=attempt.number, elapsed=response.elapsed, waited=attempt.waited,
        status=status, retry=retry, wire_bytes=1000, bytes=1000,
    )  # fmt: skip


@dataclass
class Work:
    """A lease on its way: one request after another, as the real fetcher makes them."""

    lease: Lease
    host: Host
    attempts: list[Attempt]
    since: float
    results: list[Result] = field(default_factory=list)

    def begin(self, now: float) -> float:
        """Send the next request; when its response has come."""
        if self.lease.robots:
            return now + self.host.latency
        attempt = self.attempts[len(self.results)]
        response = self.host.request(int(attempt.target.path[1:]), now)
        self.results.append(result_of(attempt, response))
        return now + response.elapsed

    def is_over(self, now: float) -> bool:
        """Whether the lease goes back: with its last target, what is no plain response, or after its time."""
        if self.lease.robots or len(self.results) == len(self.attempts):
            return True
        last = self.results[-1]
        return type(last) is not Fetched or last.retry is not None or now > self.since + self.lease.budget


@dataclass
class Drive:
    """One run of the scheduler. seconds: of virtual time. outage: seconds in which the network counted as down.

    early: retries that were leased while their host had fresh targets; late: those that had waited for ten seconds.
    """

    seconds: float = 0.0
    outage: float = 0.0
    early: int = 0
    late: int = 0


def drive(
    hosts: Sequence[Host], pool: PoolSettings, policy: RetryPolicy | None = None, *, seconds: float = math.inf
) -> Drive:
    """Fetch every page of the hosts with the real scheduler, workers included."""
    policy = policy or RetryPolicy()
    robots = any(host.crawl_delay for host in hosts)
    scheduler = Scheduler(
        pool, policy, rng=random.Random(5).random, politeness=PolitenessSettings(robots=True) if robots else None
    )
    by_key = {host.key: host for host in hosts}
    first: dict[HostKey, int] = {}
    total = 0
    for host in hosts:
        first[host.key] = total
        scheduler.add(host.key, range(total, total + host.pages))
        total += host.pages
    drove = Drive()
    flying: list[tuple[float, int, Work]] = []
    slow: list[tuple[float, int]] = []
    hanging: set[int] = set()
    now, number, down_since = 0.0, 0, math.inf

    def has_room() -> bool:
        out = scheduler.in_flight
        return out - len(hanging) < pool.workers and out < LEASES_OUT * pool.workers

    while now < seconds:
        while slow and slow[0][0] <= now:
            hanging.add(heapq.heappop(slow)[1])
        while has_room():
            decision = scheduler.next(now)
            if decision is None:
                break
            host = by_key[decision.host]
            if isinstance(decision, Refusal):
                _refuse(host, decision, first[host.key], now)
                continue
            number += 1
            work = Work(decision, host, attempts_of(decision, host, first[host.key]), now)
            ends = work.begin(now)
            heapq.heappush(flying, (ends, number, work))
            if ends > now + HANGS:
                heapq.heappush(slow, (now + HANGS, number))
            if decision.attempt is not None and scheduler._hosts.begun[host.key].fresh:
                drove.early += 1
                drove.late += decision.attempt.waited >= 10.0
        if scheduler.outage is not None:
            down_since = min(down_since, now)
        elif down_since < math.inf:
            drove.outage += now - down_since
            down_since = math.inf
        wake = scheduler.wake_at(now) if has_room() else None
        times = [flying[0][0]] if flying else []
        times += [slow[0][0]] if slow else []
        times += [wake] if wake is not None else []
        if not times:
            break
        now = min(times)
        while flying and flying[0][0] <= now:
            _, ended, work = heapq.heappop(flying)
            hanging.discard(ended)
            lease, host = work.lease, work.host
            if not work.is_over(now):
                heapq.heappush(flying, (work.begin(now), ended, work))
                continue
            if lease.robots:
                verdict = RobotsVerdict(crawl_delay=host.crawl_delay or None)
                scheduler.settle_robots(lease.host, verdict, now, elapsed=host.latency, use=ConnectionUse(requests=1))
                continue
            done = scheduler.settle(
                lease, work.results, now, wall=now, use=ConnectionUse(1, 0.0, len(work.results), 0.0, 1)
            )
            for outcome in done:
                host.end(int(outcome.target.path[1:]), now, outcome)
            if host.died_at is not None and host.found_at is None:
                queue = scheduler._hosts.begun.get(host.key)
                if queue is None or status_of(queue, now)[0] in DOWN_WORDS:
                    host.found_at = host.requests - (0 if queue is None else queue.out)
    drove.seconds = max((end.at for host in hosts for end in host.ends.values()), default=0.0)
    return drove


def attempts_of(lease: Lease, host: Host, first: int) -> list[Attempt]:
    """What a lease is about. first: the ticket of the host's first page."""
    pages = [ticket - first for ticket in lease.tickets]
    fresh = [Attempt(Target(f"{host.key.origin}/{page}", host.key, f"/{page}")) for page in pages]
    return fresh if lease.attempt is None else [lease.attempt]


def _refuse(host: Host, refusal: Refusal, first: int, now: float) -> None:
    error = str(refusal.error or "deferred")
    for page in [ticket - first for ticket in refusal.tickets]:
        host.ends[page] = End(now, error, 0)
    for attempt in refusal.attempts:
        host.ends[int(attempt.target.path[1:])] = End(now, error, attempt.number - 1)


# -- the rules of others -------------------------------------------------------------------------------

RULES = {
    "autothrottle": "Scrapy's AutoThrottle",
    "lychee": "lychee's rule",
    "unpaced": "a fixed number in flight",
}
RETRIED = frozenset({"408", "425", "429", "500", "502", "503", "504", "522", "524", *CONNECTION_FAILURES})


def follow(host: Host, rule: str, per_host: int, *, retries: int = 3, seconds: float = math.inf) -> None:
    """Fetch every page of a host by another client's rule, with a worker for whatever it wants to start.

    autothrottle: scrapy/extensions/throttle.py with target concurrency 1, 5 s at the start, 0 to 60 s, retries last.
    lychee: 50 ms apart; after a 429 a wait of 0.5 s that doubles up to 30 s, or its Retry-After up to 60 s, until a
    success; after another failure 0.2 s more, up to 10 s. unpaced: at once, retries first.
    """
    fresh = 0
    again: deque[tuple[int, int]] = deque()
    delay = {"autothrottle": 5.0, "lychee": 0.05, "unpaced": 0.0}[rule]
    wait, not_before, now, number = 0.0, 0.0, 0.0, 0
    flying: list[tuple[float, int, int, int, Response]] = []
    while (fresh < host.pages or again or flying) and now < seconds:
        while (fresh < host.pages or again) and len(flying) < per_host and not_before <= now:
            if again and not (fresh < host.pages and rule == "autothrottle"):
                page, made = again.popleft()
            else:
                page, made, fresh = fresh, 0, fresh + 1
            response = host.request(page, now)
            number += 1
            heapq.heappush(flying, (now + response.elapsed, number, page, made + 1, response))
            not_before = max(not_before, now + delay)
        times = [flying[0][0]] if flying else []
        if (fresh < host.pages or again) and len(flying) < per_host:
            times.append(not_before)
        now = min(times)
        while flying and flying[0][0] <= now:
            _, _, page, made, response = heapq.heappop(flying)
            ok = response.kind == "ok"
            if response.kind in RETRIED and made <= retries:
                again.append((page, made))
            else:
                host.ends[page] = End(now, None if ok else response.kind, made)
            if rule == "autothrottle":
                new = min(max(response.elapsed, (delay + response.elapsed) / 2), 60.0)
                delay = new if ok or new > delay else delay
            elif rule == "lychee":
                if ok:
                    wait = 0.0
                elif response.kind == "429":
                    wait = min(30.0, 2 * wait or 0.5)
                    not_before = max(not_before, now + max(wait, min(response.after or 0.0, 60.0)))
                else:
                    wait = min(10.0, wait + 0.2)
                    not_before = max(not_before, now + wait)
