"""Fields out of pages, from the command line: real processes against polite servers."""

from __future__ import annotations

import csv
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import ended, here, program

from scrapepool.demo.wire import Request
from tests.servers.pages import Response
from tests.servers.polite import PoliteServer

HTML = ("Content-Type", "text/html; charset=utf-8")
SELECT = ("--select", "title=css:title", "--select", "next=css:a::attr(href)")


def paged(request: Request) -> Response | None:
    """/page/N has a title and a link; /endless keeps any parser busy."""
    target = request.target
    if target.startswith("/endless"):
        return Response(headers=[HTML], body=b"<div>" * 100_000)
    if not target.startswith("/page/"):
        return None
    number = target.removeprefix("/page/")
    return Response(headers=[HTML], body=f"<title>Grüße {number}</title><a href={number}x>x</a>".encode())


@pytest.fixture
def web() -> Iterator[PoliteServer]:
    """A server with pages that hold something."""
    with PoliteServer(1, paged) as server:
        yield server


def test_data_in_records(capfd: pytest.CaptureFixture[str], web: PoliteServer) -> None:
    """Each record has the values of its own page, and no body; a failure has none."""
    urls = [web.url(f"/page/{number}") for number in range(30)]
    ran = here(capfd, "fetch", "-q", *SELECT, "--links", *urls, "http://127.0.0.1:1/", "--retries", "0")
    assert ran.code == 1
    data = {record["url"]: record["data"] for record in ran.records}
    assert data.pop("http://127.0.0.1:1/") is None
    assert data == {
        url: {"title": f"Grüße {number}", "next": f"{url}x", "links": [f"{url}x"]} for number, url in enumerate(urls)
    }
    assert not any("body" in record for record in ran.records)


def test_data_in_csv(capfd: pytest.CaptureFixture[str], web: PoliteServer) -> None:
    """Each value has a column of its own; lists are JSON."""
    ran = here(
        capfd, "fetch", "-q", *SELECT, "--links", web.url("/page/1"), "--format", "csv", "--fields", "status,data"
    )
    (row,) = csv.DictReader(ran.out.splitlines())
    url = web.url("/page/1x")
    assert row == {"status": "200", "data.title": "Grüße 1", "data.next": url, "data.links": json.dumps([url])}


def test_a_wrong_selector_fetches_nothing(capfd: pytest.CaptureFixture[str], web: PoliteServer, tmp_path: Path) -> None:
    """It is a usage error before the first request, and the file of an earlier run is untouched."""
    output = tmp_path / "out.jsonl"
    output.write_text("kept\n")
    ran = here(capfd, "fetch", web.url(), "--select", "title=css:title[", "-o", output)
    assert (ran.code, ran.err) == (2, "scrapepool: --select title: not a CSS selector: title[\n")
    assert here(capfd, "fetch", web.url(), "--fields", "url,data").code == 2
    assert web.requests == 0
    assert output.read_text() == "kept\n"


def descendants(pid: int) -> list[int]:
    """The children of all threads of a process."""
    tasks = Path(f"/proc/{pid}/task")
    return [int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()]


def busy_child(pid: int) -> int:
    """Wait until a run has an extraction process that works."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        for child in descendants(pid):
            if int(Path(f"/proc/{child}/stat").read_text().split()[13]) > 30:  # clock ticks: more than its start takes
                return child
        time.sleep(0.02)
    raise AssertionError("no extraction process")


def test_ctrl_c_is_quiet_and_quick(web: PoliteServer, tmp_path: Path) -> None:
    """Two interrupts end a run whose page is still being read, without a traceback, a process or a record of it.

    The summary does not count it either.
    """
    summary = tmp_path / "summary.json"
    process = program(
        "fetch", web.url("/endless"), *SELECT, "--progress", "none", "--summary-json", summary, process_group=0
    )
    child = busy_child(process.pid)
    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the whole group
        time.sleep(0.3)
    ran = ended(process)
    assert (ran.code, ran.out) == (130, "")
    assert "pages left without fields and without a record: 1" in ran.err
    totals = json.loads(summary.read_text())
    assert (totals["done"], totals["outcomes"]["ok"]) == (0, 0)
    assert "Traceback" not in ran.err
    assert not Path(f"/proc/{child}").exists()


def test_a_killed_run_leaves_no_process_and_no_record_without_data(web: PoliteServer, tmp_path: Path) -> None:
    """After kill -9 the extraction process ends by itself, and what was written is whole."""
    output = tmp_path / "out.jsonl"
    urls = [web.url(f"/page/{number}") for number in range(3)]
    process = program("fetch", *urls, web.url("/delay/30"), *SELECT, "-o", output, "--extract-workers", "1")
    until = time.monotonic() + 10
    while not (output.exists() and output.read_text().count("\n") == 3) and time.monotonic() < until:
        time.sleep(0.02)
    (child,) = descendants(process.pid)
    process.kill()
    ended(process)
    records = [json.loads(line) for line in output.read_text().splitlines()]
    assert sorted(record["data"]["title"] for record in records) == ["Grüße 0", "Grüße 1", "Grüße 2"]
    while Path(f"/proc/{child}").exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert not Path(f"/proc/{child}").exists()


def test_pages_in_the_run_itself(capfd: pytest.CaptureFixture[str], web: PoliteServer) -> None:
    """With --extract-workers 0 there is no other process, and the same data."""
    ran = here(capfd, "fetch", "-q", *SELECT, "--extract-workers", "0", web.url("/page/1"))
    assert ran.records[0]["data"] == {"title": "Grüße 1", "next": web.url("/page/1x")}
