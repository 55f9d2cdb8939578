"""``scrapepool fetch`` with an end to its time, bytes or URLs: what was begun is finished, the rest can be resumed."""

from __future__ import annotations

import json
import math
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from running import ended, here, program

from scrapepool.cli.fetching import fetch_run  # noqa: F401 - imported here, so that it takes no time of the runs
from scrapepool.cli.options import limit_options
from scrapepool.transport.net.bandwidth import BURST, PIECE
from tests.servers.polite import PoliteServer, Request, Response

FETCH = ("fetch", "--no-robots", "--progress", "plain", "-w", 2)
PAGES = 40
SIZE = 1000
SOON = "23:59"  # stands for a moment that is near


def page(_: Request) -> Response:
    return Response(body=b"x" * SIZE, delay=0.1)


def found(records: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in records.open()]


def test_a_time_that_passes_before_anything_began_ends_a_run_like_any_other(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing is said of the list, which was not looked at; --resume fetches all of it."""
    monkeypatch.setattr(limit_options, "next_time", lambda _: time.time() - 1)
    records = tmp_path / "records.jsonl"
    with PoliteServer(1, page) as server:
        ran = here(capfd, *FETCH, "-o", records, "--until", SOON, server.url("/a"))
        assert (ran.code, found(records)) == (0, []), ran.err
        assert "the time set by --until has come; the remaining URLs are left for another run" in ran.err
        assert "no usable URL" not in ran.err
        ran = here(capfd, *FETCH, "-o", records, "--resume", server.url("/a"))
        assert (ran.code, [end["outcome"] for end in found(records)]) == (0, ["ok"]), ran.err


@pytest.mark.parametrize(
    ("option", "value", "said", "fewest", "most"),
    [
        ("--limit", "7", "--limit: 7 URLs were fetched", 7, 7),
        ("--max-bytes", f"{5 * SIZE}", f"--max-bytes {5 * SIZE:,} were received", 5, 5 + 1),  # one more is in flight
        ("--max-time", "800ms", "--max-time 0.8 s is over", 1, PAGES // 2),
        ("--until", SOON, "the time set by --until has come", 1, PAGES // 2),
    ],
)
def test_a_run_that_reaches_its_limit_ends_well(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    option: str,
    value: str,
    said: str,
    fewest: int,
    most: int,
) -> None:
    """It says which limit, with exit code 0; nothing is cut off, and the rest is fetched by ``--resume``, once."""
    monkeypatch.setattr(limit_options, "next_time", lambda text: time.time() + 0.8 if text == SOON else math.nan)
    records = tmp_path / "records.jsonl"
    with PoliteServer(1, page) as server:
        urls = [server.url(f"/{n}") for n in range(PAGES)]
        ran = here(capfd, *FETCH, "-o", records, option, value, *urls)
        ends = found(records)
        assert (ran.code, {(end["outcome"], end["bytes"]) for end in ends}) == (0, {("ok", SIZE)})
        assert f"{said}; the remaining URLs are left for another run (--resume)" in ran.err
        assert fewest <= len(ends) <= most
        assert server.requests == len(ends)

        again = here(capfd, *FETCH, "-o", records, "--resume", *urls)
        assert server.requests == PAGES
    assert (again.code, sorted(end["url"] for end in found(records))) == (0, sorted(urls))


def test_bodies_come_no_faster_than_the_bandwidth(capfd: pytest.CaptureFixture[str]) -> None:
    """The server measures it over the run, without the first second's worth and what is in flight."""
    size, pages, bandwidth = 20_000, 24, 200_000
    with PoliteServer(2, lambda _: Response(body=b"x" * size)) as server:
        urls = [server.url(f"/{n}", n % 2) for n in range(pages)]
        ran = here(capfd, *FETCH, "--bandwidth", f"{bandwidth // 1000}kB", *urls)
        starts = sorted(start for site in server.sites for start in site.starts)
    assert (ran.code, sum(record["wire_bytes"] for record in ran.records)) == (0, size * pages)
    before_the_last = size * (pages - 2)  # two at a time
    assert starts[-1] - starts[0] >= (before_the_last - bandwidth) / bandwidth


def test_a_long_body_comes_no_faster_either(capfd: pytest.CaptureFixture[str]) -> None:
    """It is read at the bandwidth, by all connections together; our own waits use up no deadline."""
    size, bandwidth = 200_000, 200_000
    with PoliteServer(1, lambda _: Response(body=b"x" * size)) as server:
        urls = [server.url(f"/{n}") for n in range(2)]
        ran = here(capfd, *FETCH, "--bandwidth", f"{bandwidth}", "--timeout", "500ms", *urls)
    assert [record["outcome"] for record in ran.records] == ["ok", "ok"]
    last_pieces = 2 * bandwidth * PIECE
    assert max(record["elapsed"] for record in ran.records) >= (2 * size - bandwidth * BURST - last_pieces) / bandwidth


@pytest.mark.parametrize("options", [("--max-park", "40d"), ("--delay", "30d", "--max-park", "30m")])
def test_a_wait_may_be_longer_than_the_system_can_count(options: tuple[str, ...]) -> None:
    """A poll takes milliseconds in 31 bits, 24 days; the run waits on, and can be stopped."""
    asked: list[str] = []

    def busy(request: Request) -> Response:
        asked.append(request.target)
        return Response(503, [("Retry-After", f"{35 * 86_400}")]) if "park" in request.target else Response()

    with PoliteServer(handler=busy) as server:
        path = "/park" if "40d" in options else "/page"
        process = program("fetch", "--no-robots", "-v", *options, server.url(f"{path}/1"), server.url(f"{path}/2"))
        assert process.stderr is not None
        while not asked:
            time.sleep(0.01)
        time.sleep(0.5)  # the response is read, and the run waits
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        ran = ended(process)
    assert ran.code == 130
    assert "Traceback" not in ran.err
