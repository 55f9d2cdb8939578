"""One run at a time writes into a folder of object storage."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scrapepool.errors import LockedError
from scrapepool.record.parts import object_lock
from scrapepool.record.parts.part_folder import part_folder
from scrapepool.storage.objects import Objects


def test_a_folder_is_locked_until_it_is_closed() -> None:
    """The error names who holds it, and what to do."""
    first = part_folder("memory://locked/", ".lock")
    with pytest.raises(LockedError) as refused:
        part_folder("memory://locked/", ".lock")
    said = str(refused.value)
    assert said.startswith("another run is writing memory://locked/: .lock is of host ")
    assert said.endswith("Z; delete it if that run has ended")
    part_folder("memory://locked/", None).close()
    first.close()
    part_folder("memory://locked/", ".lock").close()
    assert Objects("memory://locked/").names() == []


def test_the_lock_of_a_process_that_has_ended_is_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only if it was of this machine, and of the same container."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    objects = Objects("memory://stale/")

    def write(**values: object) -> None:
        owner = {"host": "h", "process": ended.pid, "began": "1", "machine": object_lock._machine(), "since": "s"}
        objects.write(".lock", json.dumps({**owner, **values}).encode())

    for foreign in ({"machine": "other"}, {"process": "x"}, {"machine": None}):
        write(**foreign)
        with pytest.raises(LockedError, match="is of host h, process "):
            part_folder("memory://stale/", ".lock")
    write()
    folder = part_folder("memory://stale/", ".lock")
    monkeypatch.setattr(object_lock, "_is_gone", lambda _: True)
    monkeypatch.setattr(Objects, "create", lambda *_: False)  # another run was quicker
    with pytest.raises(LockedError):
        part_folder("memory://stale/", ".lock")
    folder.close()


def test_systems_without_processes_in_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """No lock is taken over, and one that nobody can read names nobody."""
    monkeypatch.setattr(object_lock, "BOOT_ID", Path("/nonexistent"))
    folder = part_folder("memory://elsewhere/", ".lock")
    with pytest.raises(LockedError):
        part_folder("memory://elsewhere/", ".lock")
    for content in (b"{", b"[]"):
        Objects("memory://elsewhere/").write(".lock", content)
        with pytest.raises(LockedError, match="of host unknown, process unknown"):
            part_folder("memory://elsewhere/", ".lock")
    folder.close()
