"""``scrapepool fetch`` and hosts that refuse_if, fail and recover, as their servers see it.

Times are the servers' own, and only ever lower bounds: a busy machine makes gaps longer.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import datetime
from email.utils import formatdate
from math import inf
from pathlib import Path
from time import monotonic, time

import pytest
from running import closed_port, here

from tests.servers.polite import PoliteServer, Request, Response
from tests.servers.windows import CountedWindows

FETCH = ("fetch", "--no-robots", "--progress", "none")
WAIT = 1.0  # seconds that a server asks for: the least that Retry-After can say


def at_first(*answers: Response) -> Callable[[Request], Response | None]:
    """Each of these once, in turn, on the first host; then, and elsewhere, pages."""
    left = list(answers)

    def handler(request: Request) -> Response | None:
        return left.pop(0) if left and request.site.address == "127.0.2.1" else None

    return handler


def gaps(server: PoliteServer) -> list[float]:
    """Seconds between two requests to the first host."""
    return [later - earlier for earlier, later in itertools.pairwise(server.sites[0].starts)]


@pytest.mark.parametrize(
    "fields",
    [
        [("Retry-After", "3")],
        [("RateLimit", '"default";r=0;t=3')],
        [("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "3")],
    ],
)
def test_a_host_that_says_429_is_paused_while_others_go_on(
    capfd: pytest.CaptureFixture[str], fields: list[tuple[str, str]]
) -> None:
    """It gets no request for as long as any of the fields says; the other host is done meanwhile."""
    with PoliteServer(2, at_first(Response(429, fields))) as server:
        urls = [server.url(f"/{n}", host) for host in (0, 1) for n in range(10)]
        ran = here(capfd, *FETCH, "--per-host", 1, *urls)

        refused, again = server.sites[0].starts[:2]
        assert again - refused >= 3.0
        assert sum(refused <= start < again for start in server.sites[1].starts) >= 9
    assert (ran.code, len(ran.records)) == (0, 20)
    assert sorted(record["attempts"] for record in ran.records)[-2:] == [1, 2]


def test_a_429_without_a_time_doubles_its_pause(capfd: pytest.CaptureFixture[str]) -> None:
    """The host is paused for half a second, then for a second; then it is requested as before."""
    with PoliteServer(1, at_first(Response(429), Response(429))) as server:
        ran = here(capfd, *FETCH, "--per-host", 1, *(server.url(f"/{n}") for n in range(5)))
        first, second = gaps(server)[:2]
    assert ran.code == 0
    assert first >= 0.5
    assert second >= 1.0


def test_a_limit_that_is_used_up_is_waited_for(capfd: pytest.CaptureFixture[str]) -> None:
    """A success that says that nothing is left parks its host, so that nothing is refused."""
    with PoliteServer(1, at_first(Response(headers=[("RateLimit", "limit=1, remaining=0, reset=1")]))) as server:
        ran = here(capfd, *FETCH, "--per-host", 1, server.url("/1"), server.url("/2"))
        assert gaps(server)[0] >= WAIT
    assert [record["attempts"] for record in ran.records] == [1, 1]


def test_longer_than_max_park_is_left_for_another_run(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """All its URLs end as deferred, with the time from which on they may be requested. A later run waits."""
    records, said, asked = tmp_path / "records.jsonl", 4, list[float]()

    def handler(request: Request) -> Response | None:
        asked.append(time())
        return Response(429, [("Retry-After", formatdate(asked[0] + said, usegmt=True))]) if len(asked) == 1 else None

    with PoliteServer(1, handler) as server:
        urls = [server.url(f"/{n}") for n in range(10)]
        ran = here(capfd, *FETCH, "--max-park", "1s", "--per-host", 1, "-o", records, *urls)
        found = [json.loads(line) for line in records.open()]

        assert (ran.code, server.requests) == (1, 1)
        assert {record["outcome"] for record in found} == {"deferred"}
        not_before = [datetime.fromisoformat(record["not_before"]).timestamp() for record in found]
        assert min(not_before) >= asked[0] + said - 2, "a date says whole seconds"
        assert here(capfd, *FETCH, "-o", records, "--resume", *urls).code == 0
        assert server.requests == 11
        assert asked[1] >= min(not_before) - 0.01


def test_a_circuit_opens_and_closes(capfd: pytest.CaptureFixture[str]) -> None:
    """After failures in a row there is a pause, then a single probe. When that succeeds, nothing is lost."""
    pause, last, probes = 0.9, [inf], list[int]()

    def handler(request: Request) -> Response | None:
        now = monotonic()
        if now - last[0] >= pause:
            probes.append(request.site.requests)
        last[0] = now
        if not probes:
            return Response(500)
        return Response(body=b"well again", delay=0.3) if request.site.requests == probes[0] else None

    with PoliteServer(1, handler) as server:
        urls = [server.url(f"/{n}") for n in range(12)]
        ran = here(capfd, *FETCH, "--break-after", 4, "--per-host", 4, "--backoff", 0, *urls)
        between = gaps(server)
    assert (ran.code, len(ran.records)) == (0, 12)
    assert len(probes) == 1
    most = 4 + 2 + 4 + 1  # at once, in the places of the first two failures, while the host is tested, and the probe
    assert 4 < probes[0] <= most, "the circuit opens as soon as the host has been tested"
    assert between[probes[0] - 1] >= 0.3, "nothing is asked while the probe is out"


def test_a_circuit_that_stays_open_ends_its_host(capfd: pytest.CaptureFixture[str]) -> None:
    """The rest fails at once, and says what failed first."""
    port = closed_port()
    urls = [f"http://127.0.0.1:{port}/{n}" for n in range(30)]
    ran = here(capfd, *FETCH, "--break-after", 3, "--max-park", "1s", "--retries", 1, *urls)
    ends = {record["url"]: (record["error"], record["detail"]) for record in ran.records}
    assert (ran.code, len(ends)) == (1, 30)
    given_up = [detail for error, detail in ends.values() if error == "circuit_open"]
    assert len(given_up) >= 20
    assert all("failures in a row (http://127.0.0.1:" in detail for detail in given_up)
    assert all("the first: connect_refused: connection refused" in detail for detail in given_up)


def test_retries_have_a_budget(capfd: pytest.CaptureFixture[str]) -> None:
    """A host that always fails gets few retries, and not three for each page. The records show it."""
    options = ("--backoff", 0, "--break-after", 1000, "--retries", 3)
    undecided = 6  # failures before it is found that they are the host's
    with PoliteServer(1, lambda _: Response(500)) as server:
        urls = [server.url(f"/{n}") for n in range(40)]
        ran = here(capfd, *FETCH, *options, *urls)
        assert 40 < server.requests <= 40 + 10 + undecided
        before = server.requests
        unlimited = here(capfd, *FETCH, *options, "--retry-budget", "none", *urls)
        assert server.requests == before + 4 * 40
    assert sum("retry budget of 10%" in (record["detail"] or "") for record in ran.records) >= 10
    assert {record["attempts"] for record in unlimited.records} == {4}


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize(("limit", "options"), [(5, ("--rate", 5)), (50, ())])
def test_a_limit_in_whole_seconds_is_used_up_and_nothing_is_refused(
    capfd: pytest.CaptureFixture[str], limit: int, options: tuple[object, ...], *, aligned: bool
) -> None:
    """Its windows are found out: no request comes too early, and each URL takes one attempt."""
    windows = CountedWindows(limit, aligned=aligned)
    with PoliteServer(1, windows, latency="fixed:0.02") as server:
        ran = here(capfd, *FETCH, *options, *(server.url(f"/{n}") for n in range(3 * limit)))
    assert ran.code == 0
    assert (windows.passed, windows.refused) == (3 * limit, 0)
