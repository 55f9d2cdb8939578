"""What is a page's fault and what its host's, over random worlds: the rules that hold whatever servers do.

Each world has one or two hosts, too few for their failures to look like an outage of the network.
"""

import random
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrapepool.model import ErrorKind, HostKey, verdict
from scrapepool.schedule.health.attribution import MIN_PAGES
from scrapepool.schedule.health.retry import MAX_REFUNDS
from scrapepool.schedule.queue.next_target import RETRY_PRIORITY_AFTER, retries_suspect
from scrapepool.settings import PoolSettings, RetryPolicy
from tests.schedule.simulate import Reply, World, host_named

REFUNDED = MAX_REFUNDS
"""Requests for one URL at most beyond its first and ``--retries``: those that are given back."""


BROKEN = {
    "503": Reply(0.05, status=503, retry=True),
    "500": Reply(0.05, status=500, retry=True),
    "reset": Reply(0.05, status=0, retry=True, error=ErrorKind.RESET),
    "hang": Reply(1.0, status=0, retry=True, error=ErrorKind.READ_TIMEOUT),
    "404": Reply(0.05, status=404),
}
DOWN = {
    **BROKEN,
    "refused": Reply(0.01, status=0, retry=True, error=ErrorKind.CONNECT_REFUSED),
    "dns": Reply(0.01, status=0, retry=True, error=ErrorKind.DNS),
    "silent": Reply(2.0, status=0, retry=True, error=ErrorKind.CONNECT_TIMEOUT),
    "429": Reply(0.05, status=429, retry=True),
    "429 with a wait": Reply(0.05, status=429, retry=True, after=5.0),
}


@dataclass(repr=False)
class Server:
    """A host. bad: pages that always fail, and how. flaky: share of requests that fail. down: when all do, and how.

    rate: requests per second that pass, 0.0 for all; the others get ``refusal``.
    """

    pages: int
    bad: dict[int, str] = field(default_factory=dict)
    flaky: float = 0.0
    down: list[tuple[float, float, str]] = field(default_factory=list)
    rate: float = 0.0
    refusal: Reply = field(default_factory=Reply)
    tokens: float = 5.0
    at: float = 0.0

    def __repr__(self) -> str:
        bad = {kind: [page for page in self.bad if self.bad[page] == kind] for kind in set(self.bad.values())}
        return f"<{self.pages} pages, bad {bad}, flaky {self.flaky}, down {self.down}, rate {self.rate}>"

    def reply(self, page: int, now: float, rng: random.Random) -> Reply:
        for start, end, kind in self.down:
            if start <= now < end:
                return DOWN[kind]
        if self.rate:
            self.tokens, self.at = min(5.0, self.tokens + (now - self.at) * self.rate), now
            if self.tokens < 1:
                return self.refusal
            self.tokens -= 1
        if page in self.bad:
            return BROKEN[self.bad[page]]
        return BROKEN["500"] if self.flaky and rng.random() < self.flaky else Reply(0.05)


class Watched(World):
    """A world that keeps what each host was asked, and what it answered: page, attempt, when, whether it was well."""

    def __init__(self, servers: list[Server], *, seed: int = 0, **options) -> None:
        self.servers = {host_named(number): server for number, server in enumerate(servers)}
        self.rng = random.Random(seed)
        self.asked: dict[HostKey, list[tuple[int, int, float, bool]]] = {host: [] for host in self.servers}
        self.failed_at: dict[str, float] = {}
        self.early: list[str] = []
        self.probing = False
        self.counted: Counter[str] = Counter()  # requests by URL, but for those that only test whether a host is up
        self.given_up: dict[HostKey, int] = {}  # requests before the first circuit_open
        super().__init__(
            {host: server.pages for host, server in self.servers.items()}, self._reply, audit=False, **options
        )
        self.first = {
            host: min(n for n, target in enumerate(self.targets) if target.host == host) for host in self.servers
        }

    def page_of(self, attempt) -> int:
        return int(attempt.target.path[1:]) - self.first[attempt.host]

    def _reply(self, attempt):
        page = self.page_of(attempt)
        reply = self.servers[attempt.host].reply(page, self.now, self.rng)
        well = 200 <= reply.status < 500 and reply.status != 429
        self.asked[attempt.host].append((page, attempt.number, self.now, well))
        if not self.probing:
            self.counted[attempt.target.url] += 1
        self.failed_at[attempt.target.url] = self.now + reply.elapsed
        return reply

    def _start(self, lease):
        self.probing = lease.probe
        tries = lease.attempt is not None and lease.attempt.earlier is not None and lease.attempt.earlier.tries
        tries = tries or retries_suspect(self.scheduler._hosts.begun[lease.host])  # to see whether pages are broken
        if lease.attempt is not None and lease.attempt.number > 1 and not tries:
            self._check_order(lease)
        super()._start(lease)

    def _check_order(self, lease):
        """A retry that has not waited long goes behind the first tries of its host, and of all others."""
        waited = self.now - self.failed_at[lease.attempt.target.url]
        if waited >= RETRY_PRIORITY_AFTER:
            return
        hosts = self.scheduler._hosts
        if hosts.begun[lease.host].fresh:
            self.early.append(f"{lease.attempt.target.url} before its host's fresh targets, after {waited:.1f} s")
        for host, queue in hosts.begun.items():
            if host != lease.host and queue.fresh and queue.has_work() and queue.may_start(self.now):
                self.early.append(f"{lease.attempt.target.url} before first tries of {host}, after {waited:.1f} s")
        if hosts.backlog:
            self.early.append(f"{lease.attempt.target.url} before hosts that were never asked")

    def _refuse(self, refusal):
        if refusal.error is ErrorKind.CIRCUIT_OPEN:
            self.given_up.setdefault(refusal.host, len(self.asked[refusal.host]))
        super()._refuse(refusal)

    def requests(self, host: HostKey) -> Counter[int]:
        return Counter(page for page, *_ in self.asked[host])

    def fetched(self, host: HostKey) -> set[int]:
        return {self.page_of_outcome(one) for one in self.outcomes if one.target.host == host and verdict(one) == "ok"}

    def page_of_outcome(self, outcome) -> int:
        return int(outcome.target.path[1:]) - self.first[outcome.target.host]


@st.composite
def broken_pages(draw, pages: int) -> dict[int, str]:
    """Some pages that are broken for good, but not all: spread, no two next to each other, or in one run anywhere."""
    kinds = draw(st.lists(st.sampled_from(sorted(BROKEN)), min_size=1, max_size=3))
    rng = random.Random(draw(st.integers(0, 2**16)))
    if draw(st.booleans()):
        numbers = rng.sample(range(0, pages, 2), draw(st.integers(0, pages // 2)))
    else:
        count = draw(st.integers(1, max(1, pages - 1)))
        first = draw(st.sampled_from([0, pages - count, (pages - count) // 2]))
        numbers = range(first, first + count)
    return {number: rng.choice(kinds) for number in numbers}


@st.composite
def well_servers(draw, most: int = 2) -> list[Server]:
    """Hosts that are up all the time, with pages that are broken."""
    servers = []
    for _ in range(draw(st.integers(1, most))):
        pages = draw(st.one_of(st.integers(2, 30), st.integers(31, 300)))
        servers.append(Server(pages, draw(broken_pages(pages))))
    return servers


@st.composite
def any_servers(draw) -> list[Server]:
    """Hosts of every kind: broken pages, flaky backends, rate limits, down for a while or from some time on."""
    servers = draw(well_servers())
    for server in servers:
        health = draw(st.sampled_from(["none", "flaky", "limit", "down", "dead"]))
        if health == "flaky":
            server.flaky = draw(st.sampled_from([0.01, 0.1]))
        elif health == "limit":
            server.rate = draw(st.sampled_from([0.5, 3.0, 20.0]))
            server.refusal = DOWN[draw(st.sampled_from(["429", "429 with a wait", "503"]))]
        elif health in ("down", "dead"):
            start = draw(st.sampled_from([0.0, 0.2, 3.0]))
            end = start + draw(st.sampled_from([1.0, 20.0, 250.0])) if health == "down" else 1e9
            server.down = [(start, end, draw(st.sampled_from(sorted(set(DOWN) - {"404"}))))]
    return servers


pools = st.builds(
    PoolSettings,
    workers=st.sampled_from([1, 3, 8, 32]),
    per_host=st.integers(1, 4),
    pace=st.sampled_from(["auto", "auto", "fixed"]),
)
policies = st.builds(
    RetryPolicy, retries=st.integers(0, 3), break_after=st.sampled_from([5, 10]), retry_budget=st.just(float("inf"))
)
seeds = st.integers(0, 2**16)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(servers=any_servers(), pool=pools, policy=policies, seed=seeds)
def test_retries_bound_the_requests_for_every_url(servers, pool, policy, seed):
    """Whatever its host does, no URL is requested more often than its retries and the refunds allow; all end."""
    world = Watched(servers, seed=seed, pool=pool, retry=policy)
    world.run()
    assert max(world.counted.values(), default=0) <= 1 + policy.retries + REFUNDED
    assert all(outcome.attempts <= 1 + policy.retries for outcome in world.outcomes)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(servers=well_servers(), pool=pools, policy=policies, seed=seeds)
def test_a_broken_page_costs_its_own_attempts_and_nothing_else(servers, pool, policy, seed):
    """On a host that is up each broken page is requested its number of times, and each good one is fetched at once."""
    world = Watched(servers, seed=seed, pool=pool, retry=policy)
    world.run()
    assert not world.refusals
    for host, server in world.servers.items():
        for page in range(server.pages):
            kind = server.bad.get(page)
            wanted = 1 + policy.retries if kind not in (None, "404") else 1
            url = f"{host.origin}/{world.first[host] + page}"
            assert world.counted[url] == wanted, f"page {page}, {kind}, requested {world.counted[url]} times"
        assert world.fetched(host) == set(range(server.pages)) - set(server.bad)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(servers=any_servers(), pool=pools, policy=policies, seed=seeds)
def test_a_circuit_opens_for_hosts_without_an_answer_only(servers, pool, policy, seed):
    """Before a host is given up, as many requests in a row failed as open a circuit, for several pages.

    Not for as many: a page that was answered before is requested again and again to find out.
    """
    world = Watched(servers, seed=seed, pool=pool, retry=policy)
    world.run()
    for host, requests in world.given_up.items():
        server = world.servers[host]
        assert server.down, "a host that was up all the time was given up"
        since_answer, answered = [], set()
        for page, _, _, well in world.asked[host][:requests]:
            since_answer = [] if well else [*since_answer, page]
            if well:
                answered.add(page)
        assert len(since_answer) >= policy.break_after
        left = server.pages - len(world.fetched(host))
        known = len([page for page in since_answer if page in answered])  # a page that was answered tells of its host
        assert known >= MIN_PAGES or len(set(since_answer)) >= min(policy.break_after, MIN_PAGES, left)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(servers=any_servers(), pool=pools, policy=policies, seed=seeds)
def test_no_retry_goes_before_first_tries(servers, pool, policy, seed):
    """Neither before those of its own host nor before another's, unless it has waited long."""
    world = Watched(servers, seed=seed, pool=pool, retry=policy)
    world.run()
    assert not world.early


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(servers=any_servers(), pool=pools, policy=policies, seed=seeds)
def test_every_good_page_of_a_host_that_answers_is_fetched(servers, pool, policy, seed):
    """Nothing is lost to others' failures, to a limit that names itself, or to a host that comes back in time."""
    world = Watched(servers, seed=seed, pool=pool, retry=policy)
    world.run()
    for host, server in world.servers.items():
        if not (server.flaky or may_lose(world, host, server, policy, pool)):
            assert world.fetched(host) == set(range(server.pages)) - set(server.bad)


@pytest.mark.parametrize("first", ["hang", "reset"])
def test_a_host_that_sends_errors_is_waited_for_though_its_first_page_hung(first):
    """A 5xx is a response: the host is probed for five minutes, whatever else was in the row of failures before it."""
    server = Server(19, {0: first}, down=[(0.01, 40.0, "500")])
    policy = RetryPolicy(retries=1, break_after=5, retry_budget=float("inf"))
    world = Watched([server], pool=PoolSettings(workers=1), retry=policy)
    world.run()
    (host,) = world.servers
    assert not world.given_up
    assert world.fetched(host) == set(range(1, 19))


def may_lose(world, host, server, policy, pool):
    """Whether good pages may use up their attempts: too few of them, or too few pages to show that the host is down."""
    if server.rate:  # only retries distinguish a 503 without a wait from a broken page
        unheeded = pool.pace == "fixed" and server.refusal.after is None  # nothing makes such a run slower
        return policy.retries < 3 or server.refusal.status == 503 or unheeded
    if not server.down:
        return False
    if len(server.bad) > server.pages // 3:  # its probes may all be at broken pages
        return True
    (start, end, kind), *_ = server.down
    if kind == "503" and policy.retries < 3:  # that it is its host's word, and not a broken page's, is found by retries
        return True
    before = [(page, at, well) for page, _, at, well in world.asked[host] if at < start]
    answered = any(well and at < start - 1.0 for _, at, well in before) or kind in {"500", "503", "429"}
    left = server.pages - len({page for page, *_ in before})
    return not policy.retries or end - start > 250 or not answered or left < 2 * policy.break_after + 8


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    pages=st.integers(20, 400),
    share=st.sampled_from([0.0, 0.01, 0.05, 0.2]),
    kind=st.sampled_from(["503", "500", "reset"]),
    place=st.sampled_from(["spread", "end", "beginning"]),
    per_host=st.integers(1, 4),
    seed=seeds,
)
def test_good_pages_do_not_wait_for_bad_ones(pages, share, kind, place, per_host, seed):
    """The last good page comes within a tenth more than the requests before it take, and a few seconds."""
    rng = random.Random(seed)
    count = round(share * pages)
    numbers = {
        "spread": rng.sample(range(pages), count), "end": range(pages - count, pages), "beginning": range(count)
    }[place]  # fmt: skip
    world = Watched(
        [Server(pages, dict.fromkeys(numbers, kind))], pool=PoolSettings(per_host=per_host),
        retry=RetryPolicy(retry_budget=float("inf")), seed=seed,
    )  # fmt: skip
    world.run()
    (asked,) = world.asked.values()
    last = max(now for *_, now, well in asked if well)
    assert last <= 1.1 * pages * 0.05 / per_host + 4.0
