"""``scrapepool fetch`` and pages that fail on hosts that are well, as their servers see it.

Counts and orders are asserted, never seconds.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from running import Ran, here

from tests.servers.polite import PoliteServer, Request, Response

FETCH = ("fetch", "--no-robots", "--progress", "none")
QUICK = ("--backoff", "50ms")
"""The pauses before retries are not what these tests are about."""

ONE = ("--per-host", "1")
"""So that the order of requests does not depend on which of several is the quickest."""

HANGS = 600.0  # seconds, longer than any test
BROKEN = {
    "503": Response(503),
    "500": Response(500),
    "reset": Response(reset=True),
    "hang": Response(delay=HANGS),
}
ERRORS = {"503": "http_5xx", "500": "http_5xx", "reset": "reset", "hang": "read_timeout"}


class Log:
    """What a server was asked, in order, by path; ``bad`` says what becomes of a page."""

    def __init__(self, bad: Callable[[Request], Response | None]) -> None:
        self.paths: list[str] = []
        self._bad = bad

    def __call__(self, request: Request) -> Response | None:
        self.paths.append(request.target)
        return self._bad(request)

    def requests(self) -> Counter[str]:
        return Counter(self.paths)


def broken(kinds: dict[int, str]) -> Log:
    """Pages with these numbers are broken for good."""
    responses = {f"/{number}": BROKEN[kind] for number, kind in kinds.items()}
    return Log(lambda request: responses.get(request.target))


def by_number(ran: Ran) -> dict[int, dict[str, Any]]:
    return {int(record["url"].rpartition("/")[2]): record for record in ran.records}


def retries_come_last(paths: list[str], bad: set[str]) -> bool:
    """Whether every page was requested once before a bad one was requested again."""
    first_again = next((n for n, path in enumerate(paths) if path in bad and path in paths[:n]), len(paths))
    return len(set(paths[:first_again])) == len(set(paths))


@pytest.mark.parametrize("kind", ["503", "500", "reset"])
@pytest.mark.parametrize("numbers", [[7], [3, 20, 41, 77], [*range(8)], [*range(92, 100)]], ids=str)
def test_broken_pages_cost_their_own_attempts_only(
    capfd: pytest.CaptureFixture[str], kind: str, numbers: list[int]
) -> None:
    """Each is requested its number of times, after all others were, and every other page is there after one request."""
    log = broken(dict.fromkeys(numbers, kind))
    with PoliteServer(1, log) as server:
        ran = here(capfd, *FETCH, *QUICK, *ONE, *(server.url(f"/{n}") for n in range(100)))
    ends = by_number(ran)
    bad = {f"/{number}" for number in numbers}
    assert {n for n, record in ends.items() if record["outcome"] == "ok"} == set(range(100)) - set(numbers)
    assert all(ends[n]["error"] == ERRORS[kind] and ends[n]["attempts"] == 4 for n in numbers)
    requests = log.requests()
    free = 4 if kind == "reset" else 0  # a connection that served before may have been closed meanwhile
    assert all(4 <= requests[page] <= 4 + free for page in bad)
    in_a_row = len(numbers) == 8  # then a page that was answered is requested again, to see whether the host is up
    assert all(requests[f"/{n}"] == 1 or in_a_row for n in set(range(100)) - set(numbers))
    assert sum(requests.values()) - 100 <= (3 + free) * len(numbers) + (8 if in_a_row else 0)
    assert ran.code == 1
    if not in_a_row and kind != "reset":
        assert retries_come_last(log.paths, bad)


def test_one_broken_page_of_a_short_list_uses_its_retries_and_no_more(capfd: pytest.CaptureFixture[str]) -> None:
    """Twenty good pages and one that says 503: four requests for that one at the default options."""
    log = broken({7: "503"})
    with PoliteServer(1, log) as server:
        ran = here(capfd, *FETCH, *ONE, *(server.url(f"/{n}") for n in range(21)))
    assert (ran.code, len(ran.records)) == (1, 21)
    assert log.requests() == {f"/{n}": 4 if n == 7 else 1 for n in range(21)}
    assert retries_come_last(log.paths, {"/7"})


def test_pages_that_hang_are_recorded_as_that_and_hold_nobody_up(capfd: pytest.CaptureFixture[str]) -> None:
    """Each hangs for its own attempts, as read_timeout, and nothing is circuit_open.

    That retries go behind first tries is tested on a virtual clock: here a lease may still be out when a retry is due.
    """
    numbers = [5, 6, 30, 50]
    log = broken(dict.fromkeys(numbers, "hang"))
    with PoliteServer(1, log) as server:
        ran = here(capfd, *FETCH, *QUICK, "--read-timeout", "300ms", *(server.url(f"/{n}") for n in range(100)))
    ends = by_number(ran)
    assert Counter(record["outcome"] for record in ran.records) == {"ok": 96, "failed": 4}
    assert [(ends[n]["error"], ends[n]["attempts"]) for n in numbers] == [("read_timeout", 4)] * 4
    assert log.requests() == {f"/{n}": 4 if n in numbers else 1 for n in range(100)}


def test_pages_that_hang_and_pages_that_say_500_do_not_add_up_to_a_dead_host(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Ten bad pages of two kinds among ninety good ones: each its attempts and its own error."""
    kinds = {11: "hang", 12: "hang", 61: "hang", 62: "hang", **dict.fromkeys(range(30, 36), "500")}
    log = broken(kinds)
    with PoliteServer(1, log) as server:
        ran = here(capfd, *FETCH, *QUICK, "--read-timeout", "300ms", *(server.url(f"/{n}") for n in range(100)))
    ends = by_number(ran)
    assert {n: ends[n]["error"] for n in kinds} == {n: ERRORS[kind] for n, kind in kinds.items()}
    assert all(ends[n]["attempts"] == 4 for n in kinds)
    assert sum(record["outcome"] == "ok" for record in ran.records) == 90
    requests = log.requests()
    assert all(requests[f"/{n}"] == 4 for n in kinds)
    assert sum(requests.values()) <= 90 + 4 * 10 + 8  # and pages that were answered, to see whether the host is up


def test_broken_pages_at_the_end_of_several_hosts(capfd: pytest.CaptureFixture[str]) -> None:
    """The last ten pages of each of three hosts are broken: their own retries decide, and no host is given up."""
    log = Log(lambda request: Response(500) if int(request.target[1:]) >= 20 else None)
    with PoliteServer(3, log) as server:
        ran = here(capfd, *FETCH, *QUICK, *(server.url(f"/{n}", host) for host in range(3) for n in range(30)))
    assert Counter((record["error"], record["attempts"]) for record in ran.records) == {
        (None, 1): 60,
        ("http_5xx", 4): 30,
    }


@pytest.mark.parametrize("pace", ["auto", "fixed"])
@pytest.mark.parametrize("status", [503, 500, 502])
def test_a_backend_that_fails_now_and_then_costs_one_retry_each(
    capfd: pytest.CaptureFixture[str], pace: str, status: int
) -> None:
    """The first request for every tenth page fails: all pages are fetched, with that many requests more."""
    log = Log(lambda request: Response(status) if request.nth == 1 and request.target.endswith("0") else None)
    with PoliteServer(1, log) as server:
        ran = here(capfd, *FETCH, *QUICK, "--pace", pace, *(server.url(f"/{n}") for n in range(100)))
    assert ran.code == 0
    assert Counter(record["attempts"] for record in ran.records) == {1: 90, 2: 10}
    assert 110 <= len(log.paths) <= 118  # answered pages may be requested again, to see whether the host is up


def test_a_limit_that_says_503_without_a_wait_loses_no_page(capfd: pytest.CaptureFixture[str]) -> None:
    """nginx's limit_req does so by default, for whichever page comes too early. The page succeeds later."""
    lock, began = threading.Lock(), time.monotonic()
    answered = 0

    def allows() -> bool:
        """Eight at once, then one each 20 ms by the clock: a thread that counts would be late on a busy machine."""
        nonlocal answered
        with lock:
            answered += (found := answered < 8 + (time.monotonic() - began) / 0.02)
            return found

    log = Log(lambda request: None if allows() else Response(503))
    with PoliteServer(1, log) as server:
        began = time.monotonic()
        ran = here(capfd, *FETCH, *QUICK, *(server.url(f"/{n}") for n in range(60)))
    assert (ran.code, Counter(record["outcome"] for record in ran.records)) == (0, {"ok": 60})
    assert max(log.requests().values()) <= 4


def test_silent_hosts_leave_workers_to_the_others(capfd: pytest.CaptureFixture[str]) -> None:
    """Four silent hosts could take all twelve workers, sixteen times over. The good hosts end meanwhile."""
    good, order = 6, list[str]()

    def handler(request: Request) -> Response | None:
        host = server.sites.index(request.site)
        order.append("silent" if host < 4 else "good")
        return Response(delay=HANGS) if host < 4 else None

    with PoliteServer(4 + good, handler) as server:
        urls = [server.url(f"/{n}", host) for host in range(4 + good) for n in range(10)]
        ran = here(capfd, *FETCH, *QUICK, "-w", 12, "--read-timeout", "1s", "--retries", 0, "--max-park", "1s", *urls)
    assert Counter(record["outcome"] for record in ran.records) == {"ok": 10 * good, "failed": 40}
    before_last_good = order[: len(order) - order[::-1].index("good")]
    assert before_last_good.count("silent") <= 16, "no silent page but the first ones was requested before"
