"""Clusters that do not answer, and folders that cannot be used."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster_cases import settings_of

from scrapepool.errors import ClusterError, UsageError
from scrapepool.record.parts.part_folder import LocalParts
from scrapepool.run.cluster import connection
from scrapepool.run.cluster.connection import (
    Shards,
    check_archives,
    check_workers,
    connected,
    describe,
    prepared,
    slots_of,
)
from scrapepool.run.cluster.worker_facts import facts


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of what takes connections and says nothing."""
    monkeypatch.setattr(connection, "ANSWER", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"


def test_a_scheduler_that_does_not_answer(silent: str) -> None:
    """It is named, with the seconds."""
    with pytest.raises(ClusterError) as refused, connected(silent):
        pass
    assert str(refused.value) == f"--cluster {silent}: the scheduler does not answer within 0.2 s"


@pytest.mark.parametrize("address", ["local:0", "local:x", "local:1000", "scheduler", "/nonexistent.json"])
def test_addresses_that_are_none(address: str) -> None:
    """What may be given is said."""
    with pytest.raises(UsageError, match="local:4"), connected(address):
        pass


def test_processes_that_do_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is Dask's."""

    def fail(*_: object, **options: object) -> None:
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr(connection, "LocalCluster", fail)
    with pytest.raises(ClusterError, match="its worker processes cannot be started: Nanny"), connected("local:1"):
        pass


class FakeClient:
    """What is used of a client. threads: by worker. found: what the workers say."""

    def __init__(self, threads: dict[str, int], found: dict[str, Any] | None = None) -> None:
        self._threads, self._found = threads, found

    def wait_for_workers(self, number: int, timeout: float) -> None:
        if not self._threads:
            raise TimeoutError

    def nthreads(self) -> dict[str, int]:
        return self._threads

    def run(self, *_: object, on_error: str) -> object:
        return self._found


def test_slots_of_workers() -> None:
    """One per thread, of which a worker should have one; none is an error."""
    notes: list[str] = []
    assert slots_of(FakeClient({"a": 1, "b": 1}), "x", notes.append) == 2
    assert notes == []
    assert slots_of(FakeClient({"a": 8}), "x", notes.append) == 8
    assert "--nthreads 1" in notes[0]
    with pytest.raises(ClusterError, match="no worker within"):
        slots_of(FakeClient({}), "tcp://x", notes.append)


def test_the_folder_of_a_run(tmp_path: Path) -> None:
    """A new one gets its shards; a resumed one keeps them; other runs are refused."""
    settings, folder = settings_of(tmp_path), LocalParts(str(tmp_path), None)
    shards = prepared(folder, settings, 3)
    assert (shards, shards.buckets) == (Shards(12, None), 12 * 16)
    about = tmp_path / "_run.json"
    assert json.loads(about.read_text())["shards"] == 12
    (tmp_path / "part-00000-00000.jsonl").touch()
    (tmp_path / "_SUCCESS").touch()
    with pytest.raises(UsageError, match="another run"):
        prepared(folder, settings, 3)
    resumed = settings.with_(output={"resume": "failed"})
    assert prepared(folder, resumed, 50) == Shards(12, list(range(12)))  # as --shard divides the hosts
    assert not (tmp_path / "_SUCCESS").exists()
    describe(folder, settings, Shards(2, [1, 0, 1]))
    shards = prepared(folder, resumed, 50)
    assert (shards, shards.buckets) == (Shards(2, [1, 0, 1]), 3)
    about.write_text('{"shards":2,"buckets":[0,7]}')
    with pytest.raises(UsageError, match=r"_run\.json is damaged"):
        prepared(folder, resumed, 3)
    about.write_text("{}")
    with pytest.raises(UsageError, match="continue it without --cluster"):
        prepared(folder, resumed, 3)


def test_archives_of_shards_are_not_lost(tmp_path: Path) -> None:
    """Unless they are to be replaced, or to be continued."""
    settings = settings_of(tmp_path).with_(warc={"path": str(tmp_path / "crawl.warc")})
    check_archives(settings, Shards(4, None))
    (tmp_path / "crawl-shard-00003.warc").write_text("x")
    with pytest.raises(UsageError, match=r"crawl-shard-00003\.warc: there is an archive already"):
        check_archives(settings, Shards(4, None))
    for allowed in (settings.with_(warc={"overwrite": True}), settings.with_(output={"resume": "all"})):
        check_archives(allowed, Shards(4, None))


def test_workers_are_compared(tmp_path: Path) -> None:
    """A fault ends the run, and says how many there are; a difference is a note."""
    settings, notes = settings_of(tmp_path), []
    ours = facts([], f"{tmp_path}/")
    LocalParts(str(tmp_path), None).write("_run.json", b"{}")
    ours = facts([], f"{tmp_path}/")
    check_workers(FakeClient({}, {"a": ours, "b": ours._replace(python="2.7")}), [], settings, notes.append)
    assert notes == [f"workers run Python 2.7, and this is {ours.python}"]
    old = ours._replace(version="0")
    with pytest.raises(UsageError, match=r"^--cluster: a has scrapepool 0, .* \(and 1 more workers\)$"):
        check_workers(FakeClient({}, {"a": old, "b": old}), [], settings, notes.append)
