"""A shard's task runs as a run in one process does, and may be run twice."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from cluster_cases import Link, job

from scrapepool.errors import ListError, LockedError, OutputError
from scrapepool.record.parts.part_folder import LocalParts
from scrapepool.run.cluster.shard_job import FOLDER
from scrapepool.run.cluster.shard_state import write_state
from scrapepool.run.cluster.shard_task import EARLIER_ATTEMPT_TIMEOUT, run_shard
from tests.servers.polite import PoliteServer


def recorded(out: Path) -> Counter[str]:
    return Counter(json.loads(line)["url"] for part in out.glob("part-*") for line in part.read_bytes().splitlines())


def test_a_task_that_is_run_twice_does_its_work_once(tmp_path: Path) -> None:
    """The second one returns the figures of the first; in another run, what has a record is passed over."""
    with PoliteServer() as server:
        urls = [server.url(f"/ok?{number}") for number in range(5)]
        link, one = Link(), job(tmp_path, urls)
        first = run_shard(one, link)
        assert first.snapshot is not None
        assert (first.snapshot.done, first.left, first.failure) == (5, None, None)
        assert link.sent[-1] == (first.snapshot, True)
        requests = server.requests
        second = run_shard(one, Link())
        assert second.snapshot is not None
        assert second.snapshot.outcomes == {"ok": 5}
        resumed = replace(one, run="other", settings=one.settings.with_(output={"resume": "failed"}))
        assert run_shard(resumed, Link()).passed_over == 5
        assert server.requests == requests
    assert recorded(tmp_path) == Counter(urls)


def test_a_task_goes_on_with_what_a_killed_one_left(tmp_path: Path) -> None:
    """All that has a record stays and counts, failures too: they were fetched in this run."""
    with PoliteServer() as server:
        urls = [server.url("/status/404"), server.url("/ok")]
        run_shard(job(tmp_path, urls[:1]), Link())
        (part,) = tmp_path.glob("part-*")
        part.rename(tmp_path / f".{part.name}")
        one = job(tmp_path, urls)
        write_state(LocalParts(str(tmp_path / FOLDER), None), one)
        report = run_shard(one, Link())
        assert server.asked("/status/404") == 1
        assert report.snapshot is not None
        assert (report.snapshot.done, report.snapshot.outcomes) == (2, {"http_error": 1, "ok": 1})
        assert (report.passed_over, report.failures) == (0, 0)
    assert recorded(tmp_path) == Counter(urls)


def test_each_shard_has_an_archive_of_its_own(tmp_path: Path) -> None:
    """A task that goes on with what a killed one left appends to its archive, also if the run replaces old ones."""
    with PoliteServer() as server:
        one = job(tmp_path, [server.url("/ok?1")])
        warc = {"path": str(tmp_path / "crawl-shard-00000.warc"), "overwrite": True}
        one = replace(one, settings=one.settings.with_(warc=warc))
        run_shard(one, Link())
        job(tmp_path, [server.url("/ok?1"), server.url("/ok?2")])
        write_state(LocalParts(str(tmp_path / FOLDER), None), one)
        report = run_shard(one, Link())
        assert report.snapshot is not None
        assert (report.snapshot.done, report.left) == (2, None)
    archive = (tmp_path / "crawl-shard-00000.warc").read_bytes()
    assert archive.count(b"WARC-Type: response") == 2
    assert archive.count(b"/ok?1\r") == archive.count(b"/ok?2\r") > 0


def test_a_cancelled_task_stops_and_writes_its_part(tmp_path: Path) -> None:
    """What is left is said; the state does not say that the shard has ended."""
    with PoliteServer(latency="fixed:0.05") as server:
        urls = [server.url(f"/ok?{number}") for number in range(400)]
        report = run_shard(job(tmp_path, urls), Link(cancel=True))
    assert report.left == "the run was stopped"
    assert len(recorded(tmp_path)) < len(urls)
    assert not (tmp_path / "_SUCCESS-00000").exists()


def test_a_task_waits_for_the_lock_of_another(tmp_path: Path) -> None:
    """A worker that lost the scheduler may still be writing; after a minute, the run ends with an error."""
    other, slept = LocalParts(str(tmp_path), ".lock-00000"), 0.0

    def sleep(seconds: float) -> None:
        nonlocal slept
        slept += seconds

    assert isinstance(run_shard(job(tmp_path, ["http://127.0.0.1:9/"]), Link(), sleep).failure, LockedError)
    assert slept == EARLIER_ATTEMPT_TIMEOUT
    assert isinstance(run_shard(job(tmp_path, []), Link(cancel=True)).failure, LockedError)
    other.close()


def test_what_ends_the_run_is_returned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that cannot be written, also while records are."""
    (tmp_path / "file").touch()
    assert isinstance(run_shard(job(tmp_path / "file", []), Link()).failure, OutputError)
    assert isinstance(run_shard(job(tmp_path / "none", []), Link()).failure, ListError)  # its list is not there

    def fail(*_: object) -> None:
        raise OutputError("part", "no")

    monkeypatch.setattr("scrapepool.record.formats.serializer.RecordSink.write", fail)
    assert isinstance(run_shard(job(tmp_path / "out", ["http://127.0.0.1:9/"]), Link()).failure, OutputError)


def test_a_run_that_was_stopped_before_it_read_its_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing to report."""

    def stop(*_: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("scrapepool.run.cluster.shard_task.open_outputs", stop)
    assert run_shard(job(tmp_path, ["http://127.0.0.1:9/"]), Link()).snapshot is None
