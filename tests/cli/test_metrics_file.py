"""``--metrics-file``: the figures of a run for Prometheus."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from running import ended, here, program

from tests.servers.polite import PoliteServer


def values(path: Path) -> dict[str, float]:
    families = text_string_to_metric_families(path.read_text())
    return {one.name: one.value for family in families for one in family.samples if not one.labels}


def test_a_run_leaves_its_figures(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A quiet one, too, with nothing beside them, readable by others, and not on standard output."""
    path = tmp_path / "a.prom"
    with PoliteServer() as server:
        args = ("fetch", "-q", "--no-robots", "--retries", 0, "-o", tmp_path / "a.jsonl", "--metrics-file", path)
        assert here(capfd, *args, server.url("/page?1"), server.url("/page?2")) == (0, "", "")
        first = values(path)
        assert (first["scrapepool_requests_total"], first["scrapepool_run_exit_code"]) == (2, 0)
        assert here(capfd, *args, server.url("/status/404")).code == 1
    second = values(path)
    assert (second["scrapepool_requests_total"], second["scrapepool_run_exit_code"]) == (1, 1)
    assert second["scrapepool_last_success_timestamp_seconds"] == first["scrapepool_last_success_timestamp_seconds"]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.jsonl", "a.prom"]
    assert path.stat().st_mode & 0o444 == 0o444


@pytest.mark.slow
def test_a_run_that_goes_on_and_one_that_is_stopped(tmp_path: Path) -> None:
    """The file tells them apart."""
    path = tmp_path / "a.prom"
    with PoliteServer() as server:
        process = program("fetch", "-q", "--no-robots", server.url("/delay/30"), "--metrics-file", path)
        while not server.in_flight or not path.exists() or not path.stat().st_size:
            time.sleep(0.01)
        assert values(path)["scrapepool_run_active"] == 1
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGTERM)
        assert ended(process).code == 143
    found = values(path)
    assert (found["scrapepool_run_active"], found["scrapepool_run_exit_code"]) == (0, 143)


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("-", 2, "--metrics-file needs a file; - is standard output\n"),
        ("/nowhere/a.prom", 3, "cannot write /nowhere/a.prom: its folder does not exist\n"),
        ("/dev/full", 2, "--metrics-file needs a regular file, and /dev/full is not one\n"),
    ],
)
def test_a_file_that_cannot_be_written_is_reported(
    capfd: pytest.CaptureFixture[str], path: str, code: int, message: str
) -> None:
    """It is reported before anything is fetched."""
    ran = here(capfd, "fetch", "http://127.0.0.1:1/", "--metrics-file", path)
    assert ran == (code, "", f"scrapepool: {message}")


def test_records_are_not_overwritten(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A file of records that is named by mistake is refused."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"url": "http://a/", "outcome": "ok"}\n')
    ran = here(capfd, "fetch", "http://127.0.0.1:1/", "--metrics-file", path)
    assert ran.code == 2
    assert "holds records or an archive, and would be overwritten" in ran.err
    assert here(capfd, "fetch", "http://127.0.0.1:1/", "-o", "x", "--metrics-file", "x").code == 2


def test_without_the_library_it_is_named(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The message has the command that installs it."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    monkeypatch.delitem(sys.modules, "scrapepool.run.monitoring.prometheus", raising=False)
    ran = here(capfd, "fetch", "http://127.0.0.1:1/", "--metrics-file", tmp_path / "a.prom")
    assert ran.code == 2
    assert "--metrics-file and --metrics-port need prometheus_client: " in ran.err
    assert "[metrics]" in ran.err
