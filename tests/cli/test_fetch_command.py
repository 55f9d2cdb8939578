"""``scrapepool fetch`` in this process, against polite servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import closed_port, here

from scrapepool.ports import Snapshot
from tests.servers.polite import PoliteServer


@pytest.fixture
def web() -> Iterator[PoliteServer]:
    """A server with two hosts."""
    with PoliteServer(2) as server:
        yield server


def test_records_go_to_standard_output_and_the_summary_to_standard_error(
    capfd: pytest.CaptureFixture[str], web: PoliteServer
) -> None:
    """Every URL has one record, and success is exit code 0."""
    urls = [web.url(f"/ok?{i}", i % 2) for i in range(10)]
    ran = here(capfd, "fetch", *urls)
    assert ran.code == 0
    assert sorted(record["url"] for record in ran.records) == sorted(urls)
    assert {record["outcome"] for record in ran.records} == {"ok"}
    assert ran.err.startswith("done      10 URLs")


def test_quiet_says_what_failed(capfd: pytest.CaptureFixture[str], web: PoliteServer) -> None:
    """It writes nothing else."""
    ran = here(capfd, "fetch", "-q", web.url("/page"))
    assert (ran.code, ran.err) == (0, "")
    ran = here(capfd, "fetch", "-q", web.url("/status/404"))
    assert ran.code == 1
    assert "http_error  http_4xx" in ran.err
    assert [record["error"] for record in ran.records] == ["http_4xx"]


def test_duplicates_are_no_failure(capfd: pytest.CaptureFixture[str], web: PoliteServer) -> None:
    """A URL that stands twice in the list is fetched once, and the exit code is 0."""
    ran = here(capfd, "fetch", "-q", web.url(), web.url())
    assert (ran.code, sorted(record["outcome"] for record in ran.records)) == (0, ["ok", "skipped"])


def test_a_rejected_line_is_reported_and_recorded(
    capfd: pytest.CaptureFixture[str], web: PoliteServer, tmp_path: Path
) -> None:
    """The message has file, number and reason. The exit code is 1, and 2 if no line is a URL."""
    urls = tmp_path / "urls.txt"
    urls.write_text(f"{web.url()}\nhttp://[bad/\n")
    ran = here(capfd, "fetch", urls, "--progress", "none")
    assert ran.code == 1
    assert f"{urls}:2: " in ran.err
    assert {(record["line"], record["error"]) for record in ran.records} == {(1, None), (2, "invalid_url")}
    urls.write_text("http://[bad/\n")
    assert here(capfd, "fetch", "-q", urls)[::2] == (
        2,
        f"scrapepool: no usable URL in {urls} (read as text); --input-format chooses another format\n",
    )


def test_only_some_rejected_lines_are_shown(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Only the records list those after the first twenty, and the log file has all of them."""
    urls, log = tmp_path / "urls.txt", tmp_path / "log"
    urls.write_text("http://[bad/\n" * 30)
    ran = here(capfd, "fetch", urls, "--no-dedupe", "--log-file", log)
    assert ran.err.count(f"{urls}:") == 20
    assert "more lines were rejected" in ran.err
    assert len(ran.records) == 30
    assert log.read_text().count(f"{urls}:") == 30


def test_verbose_reports_what_did_not_succeed(
    capfd: pytest.CaptureFixture[str], web: PoliteServer, tmp_path: Path
) -> None:
    """One line has outcome, error, URL and reason, on standard error and in the log; none is about a success."""
    log = tmp_path / "log"
    dead = f"http://127.0.0.1:{closed_port()}/"
    ran = here(capfd, "fetch", "-v", "--retries", 0, "--log-file", log, web.url(), web.url("/status/404"), dead)
    assert ran.code == 1
    for text in (ran.err, log.read_text()):
        assert f"failed  connect_refused  {dead}  " in text
        assert f"http_error  http_4xx  {web.url('/status/404')}  404" in text
        assert web.url() not in text
    assert "started, scrapepool " in log.read_text()
    assert "with exit code 1: failed 1, http_error 1, ok 1" in log.read_text()


def test_the_summary_is_written_as_json(capfd: pytest.CaptureFixture[str], web: PoliteServer, tmp_path: Path) -> None:
    """It has the counts of the run and its exit code."""
    path = tmp_path / "summary.json"
    here(capfd, "fetch", "-q", web.url(), web.url("/status/404"), "--summary-json", path)
    summary = json.loads(path.read_text())
    assert (summary["done"], summary["exit_code"], summary["complete"]) == (2, 1, True)
    assert summary["outcomes"]["ok"] == summary["outcomes"]["http_error"] == 1
    assert summary["errors"] == {"http_4xx": 1}


def test_options_reach_the_request_and_the_record(
    capfd: pytest.CaptureFixture[str], web: PoliteServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fields, headers, body, format and file, the last by way of the environment."""
    path = tmp_path / "records.csv"
    monkeypatch.setenv("SCRAPEPOOL_FETCH_OUTPUT", str(path))
    ran = here(capfd, "fetch", "-q", web.url(), "--fields", "status,body,headers", "--body", "--headers", "-w", 2)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert path.read_text().splitlines()[0] == "status,body,headers"


def test_data_makes_a_post(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The body is the text, or the file after an @."""
    (tmp_path / "body").write_bytes(b"from a file")
    methods = []

    def handler(request: object) -> None:
        methods.append(request.method)  # type: ignore[attr-defined]

    with PoliteServer(handler=handler) as server:
        assert here(capfd, "fetch", "-q", "--no-robots", server.url(), "--data", f"@{tmp_path / 'body'}").code == 0
        assert here(capfd, "fetch", "-q", "--no-robots", server.url(), "--data", "text", "-X", "put").code == 0
    assert methods == ["POST", "PUT"]


def test_a_host_that_asks_for_too_long_a_pause_is_deferred(capfd: pytest.CaptureFixture[str]) -> None:
    """The record says from when on it may be requested, and the exit code is 1."""
    from tests.servers.pages import Response

    with PoliteServer(handler=lambda _: Response(503, headers=[("Retry-After", "3600")])) as server:
        ran = here(capfd, "fetch", "-q", *(server.url(f"/{i}") for i in range(20)), "--per-host", 1)
        assert server.requests < 20
    assert ran.code == 1
    assert [record["outcome"] for record in ran.records] == ["deferred"] * 20
    assert all(record["not_before"] for record in ran.records)


def snapshot(outcomes: dict[str, int], errors: dict[str, int] | None = None) -> Snapshot:
    """A run that ended so."""
    done = sum(outcomes.values())
    numbers = {"busy": 0, "workers": 1, "parked": 0, "bytes": 0, "requests": 0, "opened": 0, "retried": 0}
    times = {"elapsed": 1.0, "rate": 0.0, "eta": None}
    rest = {"hosts": (), "host_count": 0, "reading": False}
    return Snapshot(done=done, total=done, outcomes=outcomes, errors=errors or {}, **numbers, **times, **rest)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("outcomes", "errors", "interrupted", "code"),
    [
        ({"ok": 2, "unchanged": 1}, {}, None, 0),
        ({"ok": 1, "skipped": 1}, {"duplicate": 1}, None, 0),
        ({"ok": 1, "skipped": 1}, {"invalid_url": 1}, None, 1),
        ({"ok": 1, "failed": 1}, {"dns": 1}, None, 1),
        ({"ok": 1, "http_error": 1}, {"http_4xx": 1}, None, 1),
        ({"ok": 1, "deferred": 1}, {}, None, 1),
        ({"skipped": 1}, {"invalid_url": 1}, None, 2),
        ({}, {}, None, 2),
        ({"ok": 1}, {}, 130, 130),
        ({}, {}, 143, 143),
    ],
)
def test_the_exit_code_follows_from_the_counts(
    outcomes: dict[str, int], errors: dict[str, int], interrupted: int | None, code: int
) -> None:
    """Each row of the documented table."""
    from scrapepool.cli.fetching.run_end import exit_code

    assert exit_code(snapshot(outcomes, errors), interrupted) == code
