"""Two runs that name the same host memory: real processes, real servers, one file."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest

from scrapepool.memory.host_file import EXPIRY, HostFile, Report
from tests.cli.running import TIMEOUT, ended, program
from tests.servers.polite import PoliteServer, Request, Response

PER_HOST = 3
DELAY = 0.5
JITTER = 0.25
"""Seconds that a busy machine may take from giving out a request to its arrival."""


def fetching(memory: Path, urls: list[str], *options: object):
    """A run over these URLs that shares the memory."""
    return program("fetch", "--host-memory", memory, "--progress", "none", *options, *urls)


def test_two_runs_keep_a_hosts_limits_together(tmp_path: Path) -> None:
    """At no time are more requests in flight on a host than one run alone may have, and both get on."""
    memory = tmp_path / "hosts"
    with PoliteServer(2, latency="fixed:0.03") as server:
        runs = []
        for name in "ab":
            urls = [server.url(f"/{name}{n}", host) for n in range(120) for host in (0, 1)]
            runs.append(fetching(memory, urls, "--per-host", PER_HOST))
        results = [ended(run) for run in runs]

        assert [run.code for run in results] == [0, 0], results
        assert [len(run.records) for run in results] == [240, 240]
        assert [site.peak for site in server.sites] == [PER_HOST, PER_HOST]
        starts = [record["started"] for record in results[1].records]
    ends = [record["started"] for record in results[0].records]
    assert min(starts) < max(ends), "the second run waited for the end of the first"


@pytest.mark.slow
def test_two_runs_keep_a_hosts_delay_together(tmp_path: Path) -> None:
    """Two starts on a host are the delay apart, whichever run makes them, and also where one follows the other."""
    memory = tmp_path / "hosts"
    with PoliteServer(1) as server:
        runs = [fetching(memory, [server.url(f"/{name}{n}") for n in range(3)], "--delay", DELAY) for name in "ab"]
        results = [ended(run) for run in runs]
        results.append(ended(fetching(memory, [server.url("/last")], "--delay", DELAY)))

        assert [run.code for run in results] == [0, 0, 0], results
        starts = server.sites[0].starts
        assert len(starts) == 7 + server.asked("/robots.txt")
        assert min(later - earlier for earlier, later in pairwise(starts)) > DELAY - JITTER


def test_a_host_that_refuses_one_run_is_left_alone_by_the_other(tmp_path: Path) -> None:
    """A Retry-After holds also for the run that did not receive it."""
    memory = tmp_path / "hosts"
    refused_at: list[float] = []

    def handler(request: Request) -> Response | None:
        if request.target.startswith("/b") and not refused_at:
            refused_at.append(time.monotonic())
            return Response(429, headers=[("Retry-After", "2")])
        return None

    with PoliteServer(1, handler, latency="fixed:0.05") as server:
        first = fetching(memory, [server.url(f"/a{n}") for n in range(50)], "--per-host", 2)
        second = fetching(memory, [server.url(f"/b{n}") for n in range(8)], "--per-host", 2)
        results = [ended(first), ended(second)]

        assert [run.code for run in results] == [0, 0], results
        starts = sorted(server.sites[0].starts)
    silent = max(later - earlier for earlier, later in pairwise(starts))
    assert silent > 1.2, "the other run went on all the time"


def test_a_run_that_is_killed_leaves_the_file_whole_and_its_share_expires(tmp_path: Path) -> None:
    """SIGKILL in the middle of a run beside another: SQLite finds nothing wrong, and both are gone in time."""
    memory = tmp_path / "hosts"
    with PoliteServer(2, latency="fixed:0.02") as server:
        runs = [fetching(memory, [server.url(f"/{name}{n}", n % 2) for n in range(500)]) for name in "ab"]
        began = time.monotonic()
        while server.requests < 100:
            assert time.monotonic() < began + TIMEOUT
            time.sleep(0.02)
        for run in runs:
            run.kill()
            run.communicate()
        assert max(site.peak for site in server.sites) <= 4
    file = HostFile(str(memory))
    assert file._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert not file.exchange(Report(alone=False), time.time()).alone
    assert file.exchange(Report(alone=False), time.time() + EXPIRY + 1).alone
    file.close()
