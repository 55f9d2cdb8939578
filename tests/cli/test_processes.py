"""``--processes``: the same run, over several worker processes."""

from __future__ import annotations

import csv
import errno
import gzip
import itertools
import json
import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from place import Place
from running import TIMEOUT, ended, program

from scrapepool import PooledSession, Settings, SettingsError, UsageError, fetch
from scrapepool import Request as Item
from scrapepool.run.processes import process_starter
from tests.servers.hostile import HostileServer
from tests.servers.pages import Response
from tests.servers.polite import PoliteServer, Request
from tests.torture.processes import workers_of

HOSTS = 6
TIMES = {"started", "elapsed", "waited", "timings", "reused", "not_before"}
"""What differs from run to run; whether a connection was used again depends on which request was first."""


def robots(request: Request) -> Response | None:
    """Pages that differ by host: a robots.txt that disallows one, on the last host."""
    if request.target == "/robots.txt" and (request.header("Host") or "").startswith(f"127.0.2.{HOSTS}:"):
        return Response(body=b"User-agent: *\nDisallow: /private\n")
    return None


def records_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


QUICK = (
    "reset_after_request", "reset_in_headers", "reset_in_body", "immediate_close", "gzip_bomb",
    "eof_in_headers", "eof_in_body", "missing_last_chunk", "lengths_conflicting", "coding_unknown",
    "chunk_size_bad", "trailers", "until_close", "early_hints", "switching_protocols", "http09",
    "binary_rubbish", "status_letters", "status_999", "header_latin1", "folded_header", "location_missing",
    "location_latin1", "location_bad_port", "location_javascript", "redirect_loop", "redirect_with_cookies",
    "retry_after_ages", "gzip_truncated", "gzip_members", "gzip_twice", "deflate_raw", "charset_wrong",
    "charset_unknown",
)  # fmt: skip
"""Behaviours whose outcome no timeout decides."""


def lines_of(web: PoliteServer, bad: HostileServer) -> list[str]:
    """A list with every outcome and most errors."""
    port = web.port
    lines = [web.url(f"/page/{number}", number % HOSTS) for number in range(60)]
    lines += [
        web.url(f"/redirect?to={web.url(f'/landed/{number}', number + 1)}", number) for number in range(HOSTS - 1)
    ]
    lines += [web.url(f"/redirect?to={web.url('/private', HOSTS - 1)}"), web.url("/private/1", HOSTS - 1)]
    lines += [web.url(f"/status/{status}", 1) for status in (204, 404, 410)]
    lines += [web.url("/flaky?times=1", 2), web.url("/retry-after/0?times=1", 4)]
    lines += [web.url("/gzip/5000", 1), web.url("/chunked/3000", 2), web.url("/bytes/70000", 3)]
    lines += [bad.url(name) for name in QUICK]
    lines += [f"http://user:secret@127.0.2.2:{port}/with-password", "http://nowhere.invalid/", "http://127.0.2.1:1/"]
    return [*lines, "ftp://example.org/", "no url at all", lines[0], lines[3], "# a comment"]


@pytest.mark.slow
@pytest.mark.parametrize("more", [("--body", "-v"), ("--fields", "+list,tls")])
def test_records_are_those_of_one_process_but_for_times(place: Place, more: tuple[str, ...]) -> None:
    """The list has every outcome, and fields are compared one by one, with headers, bodies and histories."""
    found: list[list[str]] = []
    for processes in ("1", "3"):
        with PoliteServer(HOSTS, robots) as web, HostileServer(QUICK) as bad:
            place.write("urls.txt", "\n".join(lines_of(web, bad)))
            ports = {str(web.port): "WEB", **{bad.origin(name).rpartition(":")[2]: "BAD" for name in QUICK}}
            options = ("--headers", *more, "--backoff", "0.01s", "--retries", "2", "--max-size", "1MiB")
            ran = place.run("fetch", "urls.txt", "-o", f"{processes}.jsonl", "--processes", processes, *options)
        assert ran.code == 1, ran.err
        records = records_of(place.folder / f"{processes}.jsonl")
        found.append(sorted(json.dumps(comparable(record, ports), sort_keys=True) for record in records))
    assert len(found[0]) > 100
    assert found[0] == found[1]
    kinds = Counter((record["outcome"], record["error"]) for record in records)
    assert {outcome for outcome, _ in kinds} == {"ok", "http_error", "failed", "skipped", "deferred"}
    assert len(kinds) > 15


def comparable(record: dict[str, Any], ports: dict[str, str]) -> Any:
    """A record without what differs from run to run."""
    record = {name: value for name, value in record.items() if name not in TIMES}
    record["headers"] = {name: value for name, value in (record["headers"] or {}).items() if name != "date"}
    steps = [step for step in record.get("history") or () if "attempt" in step]
    record["history"] = [{name: value for name, value in step.items() if name not in TIMES} for step in steps]
    text = json.dumps(record)
    for port, name in ports.items():
        text = text.replace(f":{port}", f":{name}")
    return json.loads(text)


def test_rows_of_tables_are_those_of_one_process(place: Place) -> None:
    """Those of a list with further columns, and of one without."""
    rows: list[list[dict[str, str]]] = []
    for processes in ("1", "2"):
        with PoliteServer(HOSTS) as web:
            place.write("urls.txt", "".join(f"{web.url(f'/page/{n}', n % HOSTS)}\n" for n in range(20)))
            table = [f"{web.url(f'/status/{200 + n * 101}', n)},{n}\n" for n in range(5)]
            place.write("table.csv", "".join(["url,id\n", *table]))
            options = ("-o", "out.csv", "--no-robots", "--processes", processes)
            assert place.run("fetch", "urls.txt", "table.csv", *options).code == 1
            text = (place.folder / "out.csv").read_text().replace(f":{web.port}/", ":WEB/")
        kept = [
            {name: value for name, value in row.items() if name.partition(".")[0] not in TIMES}
            for row in csv.DictReader(text.splitlines())
        ]
        rows.append(sorted(kept, key=lambda row: row["url"]))
    assert rows[0] == rows[1]
    assert {row["input"] for row in rows[0]} == {"", *(f'{{"id":"{n}"}}' for n in range(5))}


# -- limits of the whole run, and what is shared -------------------------------------------------------


def test_a_run_goes_on_with_any_number_of_processes(place: Place) -> None:
    """``--limit`` is that of the whole run; ``--resume`` fetches the rest and nothing twice."""
    with PoliteServer(HOSTS, latency="fixed:0.01") as web:
        urls = [web.url(f"/page/{number}", number % HOSTS) for number in range(60)]
        place.write("urls.txt", "\n".join(urls))
        asked: list[int] = []
        for processes, limit in (("2", "20"), ("3", "20"), ("1", "100")):
            options = ("-o", "out.jsonl", "--resume", "--no-robots", "--processes", processes, "--limit", limit)
            ran = place.run("fetch", "urls.txt", *options)
            assert ran.code == 0, ran.err
            asked.append(web.requests)
    assert asked == [20, 40, 60]
    assert sorted(record["url"] for record in records_of(place.folder / "out.jsonl")) == sorted(urls)


def test_cookies_of_all_processes_are_saved_and_archives_have_long_bodies(place: Place) -> None:
    """``--save-dir``, ``--bandwidth`` and ``--ordered`` are given, too; the archive gets a body from a file."""
    with PoliteServer(HOSTS) as web:
        urls = [web.url(f"/set-cookie?c{number}=v", number) for number in range(HOSTS)]
        urls += [web.url(f"/bytes/{3_000_000 + number}", number) for number in range(2)]
        place.write("urls.txt", "\n".join(urls))
        place.write("jar.txt", "127.0.2.1\tFALSE\t/\tFALSE\t0\told\tvalue\n")
        options = ("-o", "out.jsonl", "--ordered", "--save-dir", "pages", "--warc", "out.warc.gz", "--no-robots")
        shared = ("--cookies", "jar.txt", "--save-cookies", "jar.txt", "--bandwidth", "100MB", "--processes", "2")
        ran = place.run("fetch", "urls.txt", *options, *shared)
    assert ran.code == 0, ran.err
    records = records_of(place.folder / "out.jsonl")
    assert [record["url"] for record in records] == urls
    assert all((place.folder / record["path"]).stat().st_size == record["bytes"] for record in records)
    jar = (place.folder / "jar.txt").read_text()
    assert all(f"\tc{number}\tv" in jar for number in range(HOSTS))
    assert "\told\tvalue" in jar
    with gzip.open(place.folder / "out.warc.gz") as archive:
        assert len(archive.read()) > 6_000_000


@pytest.mark.slow
def test_stalls_are_told_with_what_the_processes_wait_for(place: Place) -> None:
    """``--watch-stalls`` asks them."""
    with PoliteServer(2) as web:
        urls = [web.url("/delay/5", number) for number in range(2)]  # processes take a second to start, or two
        options = ("--no-robots", "--processes", "2", "--watch-stalls", "0.2", "--progress", "plain")
        ran = place.run("fetch", *urls, *options)
    assert ran.code == 0
    assert "waiting for the first byte of 127.0.2.1" in ran.err
    assert "waiting for the first byte of 127.0.2.2" in ran.err


def test_lists_from_urls_and_earlier_records_work_as_with_one_process(place: Place) -> None:
    """A list by URL, rows with requests of their own, the environment; then ``--since`` with conditions."""

    def tagged(request: Request) -> Response | None:
        if request.target.startswith("/page") and request.method == "GET":
            known = request.header("If-None-Match") == '"1"'
            return Response(304 if known else 200, [("ETag", '"1"')], b"" if known else b"page")
        if request.target == "/list.txt":
            return Response(body="\n".join(urls).encode())
        return None

    with PoliteServer(HOSTS, tagged) as web:
        urls = [web.url(f"/page/{number}", number % HOSTS) for number in range(12)]
        rows = [
            {"url": web.url("/echo", number), "request": {"method": "POST", "data": f"body {number}"}}
            for number in range(3)
        ]
        place.write("rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        place.environment["SCRAPEPOOL_FETCH_PROCESSES"] = "2"
        ran = place.run("fetch", "rows.jsonl", "--list", web.url("/list.txt"), "-o", "1.jsonl", "--body")
        assert ran.code == 0, ran.err
        again = place.run("fetch", "--list", web.url("/list.txt"), "--since", "1.jsonl", "-o", "2.jsonl")
        assert again.code == 0, again.err
    first = records_of(place.folder / "1.jsonl")
    assert len(first) == 15
    assert {json.loads(one["body"])["body"] for one in first if one["url"].endswith("/echo")} == {
        f"body {number}" for number in range(3)
    }
    assert [record["outcome"] for record in records_of(place.folder / "2.jsonl")] == ["unchanged"] * 12


def test_numbers_that_make_no_sense_are_usage_errors(place: Place) -> None:
    """Fewer than none, and more than one scheduler keeps busy."""
    for number in ("-1", "1000"):
        assert "--processes" in place.complaint("fetch", "http://127.0.2.1/", "--processes", number)


def test_the_library_takes_processes_as_well() -> None:
    """Contexts come back, whatever they are; a session is shared with no process."""
    with PoliteServer(HOSTS) as web:
        marks = [object() for _ in range(HOSTS)]
        items = [Item(web.url("/page", number), context=mark) for number, mark in enumerate(marks)]
        settings = Settings().with_(pool={"processes": 0, "workers": 2}, politeness={"robots": False})
        outcomes = list(fetch(items, settings))
        assert {id(outcome.context) for outcome in outcomes} == set(map(id, marks))
        with PooledSession() as session, pytest.raises(UsageError, match="a session with no other process"):
            fetch(items, settings, session=session)
    with pytest.raises(SettingsError, match=r"pool\.processes must be at least 0"):
        Settings().with_(pool={"processes": -1})


# -- processes that end --------------------------------------------------------------------------------


class Killer:
    """A handler whose ``/killer`` kills the worker processes of a run, so often. run: its process."""

    def __init__(self, times: int) -> None:
        self.run: subprocess.Popen[bytes] | None = None
        self._times = times

    def __call__(self, request: Request) -> Response | None:
        if request.target == "/killer" and request.nth <= self._times and self.run is not None:
            for pid in workers_of(self.run.pid):
                os.kill(pid, signal.SIGKILL)
        return None


@pytest.mark.slow
def test_a_process_that_is_killed_is_replaced(tmp_path: Path) -> None:
    """Its URLs are requested again. One that ends two processes is recorded as ``internal``, and the rest goes on."""
    killer = Killer(2)
    with PoliteServer(1, killer) as web:
        urls = [web.url("/killer"), *(web.url(f"/page/{number}") for number in range(40))]
        (tmp_path / "urls.txt").write_text("\n".join(urls))
        options = ("--no-robots", "--processes", "2", "--per-host", "4", "--progress", "plain")
        killer.run = program("fetch", tmp_path / "urls.txt", *options)
        ran = ended(killer.run)
    assert ran.err.count("a worker process was killed by SIGKILL") == 2
    found = {record["url"]: (record["outcome"], record["error"]) for record in ran.records}
    assert len(ran.records) == len(found) == len(urls)
    assert found.pop(urls[0]) == ("failed", "internal")
    assert set(found.values()) == {("ok", None)}
    assert ran.code == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_for_the_run_alone(number: int, tmp_path: Path) -> None:
    """The first lets what is in flight end, the second does not; no worker process stays."""
    with PoliteServer(2) as web:
        urls = [web.url(f"/delay/{9 if at else 0}?{at}", at % 2) for at in range(6)]
        (tmp_path / "urls.txt").write_text("\n".join(urls))
        run = program("fetch", tmp_path / "urls.txt", "--no-robots", "--processes", "2", "--per-host", "9")
        await_requests(web, len(urls))
        workers = workers_of(run.pid)
        assert len(workers) == 2
        for pid in (*workers, run.pid):
            os.kill(pid, number)
        assert run.stderr is not None
        assert any(line.startswith(b"stopping: ") for line in run.stderr)
        os.kill(run.pid, number)
        ran = ended(run)
    assert ran.code == 128 + number
    assert all(record["outcome"] in ("ok", "failed") for record in ran.records)
    assert gone(workers)


def test_worker_processes_end_with_a_run_that_is_killed(tmp_path: Path) -> None:
    """The end of the stream tells them."""
    with PoliteServer(2) as web:
        run = program("fetch", web.url("/delay/9"), web.url("/delay/9", 1), "--no-robots", "--processes", "2")
        await_requests(web, 2)
        workers = workers_of(run.pid)
        run.kill()
        run.communicate()
        assert gone(workers)


def await_requests(web: PoliteServer, number: int) -> None:
    end = time.monotonic() + TIMEOUT
    while web.requests < number:
        assert time.monotonic() < end
        time.sleep(0.01)


def gone(pids: list[int]) -> bool:
    end = time.monotonic() + TIMEOUT
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < end:
        time.sleep(0.01)
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_processes_that_cannot_be_started(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """With some of them the run goes on, with none it ends with a sentence."""
    calls = itertools.count()
    start = process_starter.spawn

    def second_fails(module: str) -> Any:
        if next(calls) == 1:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return start(module)

    def none(module: str) -> Any:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    with PoliteServer(2) as web:
        urls = [web.url("/page", number) for number in range(2)]
        monkeypatch.setattr(process_starter, "can_fork", lambda: False)
        monkeypatch.setattr(process_starter, "spawn", second_fails)
        ran = place.run("fetch", *urls, "--no-robots", "--processes", "2", "--progress", "plain")
        assert ran.code == 0
        assert "1 of 2 worker processes, as no more can be started: Resource temporarily unavailable" in ran.err
        monkeypatch.setattr(process_starter, "spawn", none)
        ran = place.run("fetch", *urls, "--no-robots", "--processes", "2", "--progress", "none")
    assert ran.code == 75
    assert "cannot start a worker process: Resource temporarily unavailable; with 1 process, none is needed" in ran.err


def test_processes_that_end_at_once_do_not_run_in_circles(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """After three in a row that have done nothing, the run ends with a sentence."""
    monkeypatch.setattr(process_starter, "can_fork", lambda: False)
    monkeypatch.setattr(process_starter, "WORKER", "scrapepool.nothing_here")
    ran = place.run("fetch", "http://127.0.2.1:1/", "http://127.0.2.2:1/", "--processes", "2", "--progress", "plain")
    assert ran.code == 75
    assert "a worker process ended with exit code 1" in ran.err
    assert "have ended as soon as they were started" in ran.err
