"""Is a bad page distinguished from a bad host? Hundreds of small simulated webs, each with one way of failing.

The real scheduler runs on a virtual clock (``simulated_web.py``). A world of the grid is named
``KIND/SHARE/PLACE/LIMIT``: what its bad pages do, how many there are, where they stand in the list, and what limits
the hosts. ``case/...`` are the lists of users that went wrong once, ``dies/...`` hosts that go down for good in the
middle, ``back/...`` hosts that come back, ``busy/...`` hosts that serve so many at a time, ``limit/...`` rate limits of
every kind without failures.

    python benchmarks/attribution.py                         # all, one row per kind and limit
    python benchmarks/attribution.py --only '503/' --each    # one row per world
    python benchmarks/attribution.py --only case/ --json     # one JSON object per world
    python benchmarks/attribution.py --beside                # the rules of other clients as well

*good*: throughput of the good pages over the ideal one, of the worst host; the ideal needs no time but that of the
good pages and of the first tries of the bad ones that came before the last good one. *exact*: bad pages that were
requested exactly as often as ``--retries`` says. *lost*: good pages that were not fetched. *of limit*: requests that
passed the rate limit over those that it allows, which pages that hang make fewer. *refused*: by the limit, over all
requests. *found*: requests after a host went down until it counts as down; *cost*: requests after that. A world is
*wrong* where one of these is outside of what is wanted; ``--each`` says which.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import re
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field

from simulated_web import RETRIED, RULES, Host, Limit, drive, follow, longest_backoff, placed

from scrapepool.settings import PoolSettings, RetryPolicy

SHARES = {"0.1%": 0.001, "1%": 0.01, "5%": 0.05, "20%": 0.2}
PLACES = ("spread", "runs", "end", "beginning")
LIMITS: dict[str, tuple[int, bool] | None] = {
    "none": None, "429 wait": (429, True), "429": (429, False), "503 nginx": (503, False)
}  # fmt: skip
BAD = ("503", "500", "404", "hang", "reset")
PAGES = 1000

GOOD = 0.95
"""Share of the ideal throughput of good pages that is wanted."""

GRACE = 1.0
"""Seconds over the ideal that are no fault whatever the share: on a short list, one backoff."""

OF_LIMIT, REFUSED = 0.9, 0.02
FOUND, COST = 15, 20


@dataclass
class World:
    """hosts: makes them. until: seconds within which the run is wanted to end; None where ``good`` decides alone.

    down: whether hosts go down for good.
    """

    name: str
    hosts: Callable[[], list[Host]]
    pool: PoolSettings = field(default_factory=PoolSettings)
    until: float | None = None
    down: bool = False


@dataclass
class Report:
    """What became of one world. Shares are of the worst host; see the head of this file. None: does not apply."""

    world: str
    rule: str
    seconds: float
    ideal: float
    good: float | None
    late: float
    bad: int
    exact: int
    more: int
    fewer: int
    lost: int
    circuit_open: int
    of_limit: float | None
    refused: float | None
    found: int | None
    cost: int | None
    early: int
    outage: float
    requests: int
    wrong: list[str]


def grid() -> Iterator[World]:
    for limit in LIMITS:
        yield World(f"sound/0%/none/{limit}", bad_hosts("", 0.0, "spread", limit))
        for kind in BAD:
            for words, share in SHARES.items():
                for place in PLACES:
                    yield World(f"{kind}/{words}/{place}/{limit}", bad_hosts(kind, share, place, limit))
        for words, share in SHARES.items():
            yield World(f"flaky/{words}/random/{limit}", flaky_hosts(limit, flaky=share))
        for every in (10, 3):
            yield World(f"flaky/1 of {every}/first try/{limit}", flaky_hosts(limit, first_tries=every))


def limited(name: str) -> list[Limit | None]:
    kind = LIMITS[name]
    if kind is None:
        return [None, None]
    return [Limit(10.0, 10.0, *kind), Limit(2.0, 5.0, *kind)]


def bad_hosts(kind: str, share: float, place: str, limit: str) -> Callable[[], list[Host]]:
    def make() -> list[Host]:
        limits = limited(limit)
        hosts = [Host(f"h{n}.site{n}.test", PAGES, (0.05, 0.2)[n], limit=limits[n]) for n in (0, 1)]
        for number, host in enumerate(hosts if share else []):
            host.bad = dict.fromkeys(placed(share, PAGES, place, random.Random(f"{kind}{share}{number}")), kind)
        return hosts

    return make


def flaky_hosts(limit: str, *, flaky: float = 0.0, first_tries: int = 0) -> Callable[[], list[Host]]:
    def make() -> list[Host]:
        limits = limited(limit)
        return [
            Host(
                f"h{number}.site{number}.test", PAGES, latency, limit=limits[number], flaky=flaky,
                first_tries=first_tries, flaky_kind="503" if number else "500",
            )
            for number, latency in enumerate((0.05, 0.2))
        ]  # fmt: skip

    return make


def one(pages: int, latency: float, bad: dict[int, str] | None = None, **more: object) -> Callable[[], list[Host]]:
    return lambda: [Host("h0.site0.test", pages, latency, bad=bad or {}, **more)]  # type: ignore[arg-type]


def scattered(kinds: dict[str, int], pages: int, seed: int = 1) -> dict[int, str]:
    """So many pages of each kind, anywhere."""
    words = [kind for kind, count in kinds.items() for _ in range(count)]
    return dict(zip(random.Random(seed).sample(range(pages), len(words)), words, strict=True))


def many(count: int, pages: int, latency: float = 0.1, **more: object) -> list[Host]:
    return [Host(f"h{n}.site{n}.test", pages, latency, **more) for n in range(count)]  # type: ignore[arg-type]


def limits() -> Iterator[World]:
    for kind in ("429 wait", "429", "503 nginx"):
        for rate in (0.5, 2.0, 10.0):
            for burst in (1.0, 2.0, 30.0):
                limit = Limit(rate, burst, *(LIMITS[kind] or ()))
                yield World(f"limit/{kind}/{rate:g} per second, burst {burst:g}", one(1000, 0.1, limit=limit))
    for rate in (5.0, 50.0):
        limit = Limit(rate, rate, 429, True, 1.0)
        yield World(f"limit/RateLimit/{rate:g} per second", one(3000, 0.05, limit=limit))
        pool = PoolSettings(rate=rate)
        yield World(f"limit/RateLimit/{rate:g} per second, --rate {rate:g}", one(3000, 0.05, limit=limit), pool)


def cases() -> Iterator[World]:
    yield World("case/20 good, one 503", one(21, 0.05, {7: "503"}), until=10)
    for count in (1, 2, 4, 8):
        yield World(f"case/400, {count} of them 503", one(400, 0.05, scattered({"503": count}, 400)), until=15)

    def images() -> list[Host]:
        hosts = many(4, 1250, 0.02)
        for number, host in enumerate(hosts):
            host.bad = scattered({"503": 25}, 1250, number)
        return hosts

    yield World("case/5,000 images, 2% 503", images, until=20)
    yield World("case/200 status pages, 3 down", one(200, 0.05, scattered({"503": 3}, 200)), until=12)
    yield World(
        "case/600 good, 12 hang 1 s", one(612, 0.02, scattered({"hang": 12}, 612), timeout=1.0), until=25
    )  # fmt: skip
    yield World(
        "case/390 good, 4 hang, 6 say 500", one(400, 0.02, scattered({"hang": 4, "500": 6}, 400), timeout=1.0), until=18
    )
    yield World("case/sitemap of 20,000, 5 hang", one(20_000, 0.02, scattered({"hang": 5}, 20_000), timeout=30.0))

    def silent() -> list[Host]:
        return [
            *[Host(f"s{n}.silent{n}.test", 20, dies_after=0, dying="silent", timeout=10.0) for n in range(12)],
            *many(40, 100),
        ]

    yield World("case/12 silent hosts, 40 good ones", silent)
    yield World("case/200, first try of every tenth 503", one(200, 0.2, first_tries=10), until=15)

    def burst(kind: str, seconds: float) -> Callable[[], list[Host]]:
        return lambda: many(120, 100, down=[(5.0, 5.0 + seconds, kind)])

    yield World("case/12,000 on 120 hosts, 500 for 30 s", burst("500", 30.0), until=120)
    yield World("case/12,000 on 120 hosts, 502 for 3 min", burst("502", 180.0), until=300)
    yield World("case/12,000 on 120 hosts, reset for 30 s", burst("reset", 30.0), until=120)
    yield World("case/12,000 on 120 hosts, TLS alerts for 30 s", burst("tls", 30.0), until=120)
    yield World("case/12,000 on 120 hosts, no names for 20 s", burst("dns", 20.0), until=110)
    yield World("case/12,000 on 120 hosts, network down 5 min", burst("silent", 300.0), until=420)

    def crawl_delay() -> list[Host]:
        return [Host("slow.site.test", 60, 0.1, crawl_delay=1.0), *many(100, 100)]

    yield World("case/60 at Crawl-delay 1 on top of 10,000", crawl_delay, until=63)

    def mixture() -> list[Host]:
        dice = random.Random(3)
        hosts = [Host(f"h{n}.site{n}.test", 100, dice.uniform(0.02, 0.3)) for n in range(60)]
        for host in hosts:
            broken = placed(dice.choice([0.01, 0.05, 0.2]), 100, dice.choice(PLACES), dice)
            host.bad = dict.fromkeys(broken, dice.choice(BAD))
        return hosts

    yield World("case/60 hosts, each with bad pages", mixture)


def dying(kind: str, after: int, bad: dict[int, str] | None = None) -> Callable[[], list[Host]]:
    return lambda: [
        Host("h0.site0.test", 2000, 0.05, bad=bad or {}, dies_after=after, dying=kind),
        Host("h1.site1.test", 4000, 0.05),
    ]


def downs() -> Iterator[World]:
    for kind in ("refused", "silent", "reset", "500", "503", "dns", "hang"):
        for after in (0, 5, 500, 1990):
            yield World(
                f"dies/{kind}/after {after} responses",
                dying(kind, after),
                down=True,
            )
        yield World(
            f"dies/{kind}/with 5% 503 before",
            dying(kind, 500, dict.fromkeys(placed(0.05, 2000, "spread", random.Random(4)), "503")),
            down=True,
        )
    for kind in ("429", "503", "refused"):
        for most in (1, 2):
            yield World(f"busy/{kind}/more than {most} at a time", one(1000, 0.05, most=most, refuses=kind))
    for kind in ("refused", "silent", "reset", "500", "503"):
        for seconds in (5, 60, 200):
            yield World(
                f"back/{kind}/after {seconds} s",
                one(1000, 0.05, down=[(4.0, 4.0 + seconds, kind)]),
                until=60 + seconds * 1.25,
            )


def run(job: tuple[str, str, float]) -> Report:
    """Run a world by name. rule: ``scrapepool``, ``scrapepool fixed`` or one of the other clients."""
    name, rule, budget = job
    world = WORLDS[name]
    policy = RetryPolicy(retry_budget=budget)
    hosts = world.hosts()
    per_host = world.pool.per_host
    early, outage = 0, 0.0
    if rule in RULES:
        per_host = {"autothrottle": 8, "lychee": 10}.get(rule, per_host)
        for host in hosts:
            follow(host, rule, per_host)
    else:
        pool = world.pool if rule == "scrapepool" else PoolSettings(pace="fixed")
        drove = drive(hosts, pool, policy, seconds=86_400.0)
        early, outage = drove.early, drove.outage
    return judged(world, rule, hosts, policy, per_host, early, outage)


def judged(
    world: World, rule: str, hosts: list[Host], policy: RetryPolicy, per_host: int, early: int, outage: float
) -> Report:
    wrong: list[str] = []
    tries = policy.retries + 1
    goods, lates, limits, refusals = [], [], [], []
    exact = more = fewer = bad = 0
    for host in hosts:
        if host.died_at is None and not host.down:
            ideal, until = host.ideal(per_host), host.good_until(policy)
            goods.append(min(1.0, ideal / until) if until else 1.0)
            lates.append(until - ideal)
            used = host.of_limit(until, per_host)
            if used is not None:
                limits.append(used)
            if used is not None or host.most:
                refusals.append(host.refused / max(1, host.requests))
        for page, kind in host.bad.items():
            if host.died_at is not None:
                continue
            bad += 1
            wanted = tries if kind in RETRIED else 1
            if host.hits[page] > wanted:
                more += 1
            elif host.sent[page] < wanted:
                fewer += 1
            else:
                exact += 1
    end = max((end.at for host in hosts for end in host.ends.values()), default=0.0)
    workers = world.pool.workers
    total = sum(sum(host.spent) for host in hosts)
    ideal = max(total / workers, *(max(sum(host.spent) / per_host, host.ideal(per_host)) for host in hosts))
    dead = {host.key for host in hosts if host.dies_after is not None}
    lost = sum(host.lost for host in hosts if host.key not in dead)
    circuit = sum(end.error == "circuit_open" for host in hosts if host.key not in dead for end in host.ends.values())
    good = min(goods) if goods and len(hosts) * per_host <= workers else None
    late = max(lates, default=0.0)
    found = cost = None
    for host in hosts:
        if world.down and host.died_at is not None:
            found = host.requests - host.died_at if host.found_at is None else host.found_at - host.died_at
            cost = 0 if host.found_at is None else host.requests - host.found_at
    if good is None and goods and ideal and not any(host.down for host in hosts):
        ends = max(host.good_until(policy) for host in hosts if host.key not in dead)
        necessary = [host.ideal(per_host) for host in hosts if host.key not in dead]
        least = max(sum(necessary) * per_host / workers, *necessary)
        good, late = min(1.0, least / ends), ends - least
    wanted_good = OF_LIMIT if limits or any(host.most for host in hosts) else GOOD
    if good is not None and good < wanted_good and late > GRACE:
        wrong.append(f"good pages at {good:.2f} of the ideal, {late:.1f} s late")
    if more:
        wrong.append(f"{more} bad pages requested too often")
    if fewer:
        wrong.append(f"{fewer} bad pages requested too seldom")
    # A page of a flaky host is lost by itself where each of its tries failed.
    by_chance = sum(
        host.hits[page] == tries for host in hosts if host.flaky for page in host.good
        if page in host.ends and host.ends[page].error in ("http_5xx", *RETRIED)
    )  # fmt: skip
    if lost - by_chance > 0:
        wrong.append(f"{lost - by_chance} good pages lost")
    if circuit:
        wrong.append(f"{circuit} recorded as circuit_open")
    if limits and min(limits) < OF_LIMIT and good is not None and good < OF_LIMIT:
        wrong.append(f"{min(limits):.2f} of the limit used")
    if refusals and max(refusals) > REFUSED:
        wrong.append(f"{max(refusals):.1%} refused")
    if world.until is not None and end > world.until:
        wrong.append(f"{end:.0f} s instead of {world.until:.0f} s")
    # Where no more pages are left than open a circuit, their own retries decide.
    few = any(host.died_at is not None and host.pages - host.answers <= policy.break_after for host in hosts)
    if found is not None and found > FOUND and not few:
        wrong.append(f"found after {found} requests")
    if cost is not None and cost > COST:
        wrong.append(f"{cost} requests after it was found")
    unended = sum(host.pages - len(host.ends) for host in hosts)
    if unended:
        wrong.append(f"{unended} pages without an end")
    return Report(
        world.name, rule, round(end, 2), round(ideal + longest_backoff(policy, policy.retries if bad else 0), 2),
        None if good is None else round(good, 3), round(late, 2), bad, exact, more, fewer, lost, circuit,
        round(min(limits), 3) if limits else None, round(max(refusals), 4) if refusals else None, found, cost, early,
        round(outage, 1), sum(host.requests for host in hosts), wrong,
    )  # fmt: skip


WORLDS = {world.name: world for make in (grid, limits, cases, downs) for world in make()}
HEADS = (
    "worlds", "wrong", "good", "worst by s", "exact", "more", "fewer", "lost", "circuit_open", "of limit", "refused",
    "found", "cost", "worst run s", "its ideal",
)  # fmt: skip


def group_of(name: str) -> str:
    parts = name.split("/")
    if parts[0] in ("limit", "case", "dies", "back", "busy"):
        return "/".join(parts[:2])
    return f"{parts[0]}, limit {parts[-1]}"


def line(name: str, reports: list[Report]) -> str:
    def worst(values: list[float | int | None], pick: Callable[..., float], form: str) -> str:
        kept = [value for value in values if value is not None]
        return format(pick(kept), form) if kept else ""

    slowest = max(reports, key=lambda report: report.seconds / max(report.ideal, 1.0))
    bad = sum(report.bad for report in reports)
    cells = [
        str(len(reports)), str(sum(bool(report.wrong) for report in reports)),
        worst([report.good for report in reports], min, ".3f"), worst([report.late for report in reports], max, ".1f"),
        f"{sum(report.exact for report in reports) / bad:.1%}" if bad else "",
        *(str(sum(getattr(report, word) for report in reports)) for word in ("more", "fewer", "lost", "circuit_open")),
        worst([report.of_limit for report in reports], min, ".3f"),
        worst([report.refused for report in reports], max, ".1%"),
        worst([report.found for report in reports], max, "d"), worst([report.cost for report in reports], max, "d"),
        f"{slowest.seconds:,.1f}", f"{slowest.ideal:,.1f}",
    ]  # fmt: skip
    return f"| {name} | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="a regular expression that the names of the worlds contain")
    parser.add_argument("--list", action="store_true", help="only print the names")
    parser.add_argument("--each", action="store_true", help="one row per world, and what is wrong with it")
    parser.add_argument("--wrong", action="store_true", help="print only the worlds that are wrong, and what is")
    parser.add_argument("--json", action="store_true", help="one JSON object per world and rule, and nothing else")
    parser.add_argument("--summary", action="store_true", help="one row per limit of the grid, for each rule")
    parser.add_argument("--beside", action="store_true", help="the rules of other clients as well")
    parser.add_argument("--rules", default="scrapepool", help="scrapepool, 'scrapepool fixed', " + ", ".join(RULES))
    parser.add_argument("--retry-budget", type=float, default=RetryPolicy().retry_budget)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    names = [name for name in WORLDS if re.search(options.only, name)]
    if options.list:
        print("\n".join(names))
        return
    rules = ["scrapepool", "scrapepool fixed", *RULES] if options.beside else options.rules.split(",")
    began = time.perf_counter()
    failed = False
    with multiprocessing.Pool(options.jobs) as pool:
        for rule in rules:
            reports = list(pool.imap(run, [(name, rule, options.retry_budget) for name in names], chunksize=4))
            failed |= rule == "scrapepool" and any(report.wrong for report in reports)
            if options.json:
                for report in reports:
                    print(json.dumps(asdict(report)), flush=True)
            elif options.summary:
                summarize(rule, reports)
            else:
                show(rule, reports, each=options.each or options.wrong, only_wrong=options.wrong)
    print(f"{len(names)} worlds, {time.perf_counter() - began:.0f} s", file=sys.stderr)
    sys.exit(failed)


def summarize(rule: str, reports: list[Report]) -> None:
    """Print medians and worst cases of the grid, by limit."""
    print(f"\n| {RULES.get(rule, rule)} | worlds | good pages of the ideal: median | worst | bad pages exact | lost "
          "| circuit_open | of limit: median | refused: median | worst |\n|---|" + "---:|" * 9)  # fmt: skip
    for limit in LIMITS:
        group = [report for report in reports if report.world.count("/") == 3 and report.world.endswith(f"/{limit}")]
        if not group:
            continue
        good = [report.good for report in group if report.good is not None]
        used = [report.of_limit for report in group if report.of_limit is not None]
        refused = [report.refused for report in group if report.refused is not None]
        bad = sum(report.bad for report in group)
        exact = f"{sum(report.exact for report in group) / bad:.1%}" if bad else ""
        print(
            f"| limit {limit} | {len(group)} | {statistics.median(good):.3f} | {min(good):.3f} | {exact} | "
            f"{sum(report.lost for report in group):,} | {sum(report.circuit_open for report in group):,} | "
            f"{f'{statistics.median(used):.3f}' if used else ''} | "
            f"{f'{statistics.median(refused):.1%}' if refused else ''} | {f'{max(refused):.1%}' if refused else ''} |",
            flush=True,
        )


def show(rule: str, reports: list[Report], *, each: bool, only_wrong: bool) -> None:
    groups: defaultdict[str, list[Report]] = defaultdict(list)
    for report in reports:
        if report.wrong or not only_wrong:
            groups[report.world if each else group_of(report.world)].append(report)
    print(f"\n| {RULES.get(rule, rule)} | " + " | ".join(HEADS) + (" | what is wrong |" if each else " |"))
    print("|---|" + "---:|" * len(HEADS) + ("---|" if each else ""))
    for name, group in groups.items():
        print(line(name, group) + (f" {'; '.join(group[0].wrong)} |" if each else ""))
    wrong = sum(bool(report.wrong) for report in reports)
    print(f"\n{RULES.get(rule, rule)}: {wrong} of {len(reports)} worlds are wrong", flush=True)


if __name__ == "__main__":
    main()
