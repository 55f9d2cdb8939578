"""Folders of parts, on this machine and in storage: both do the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from scrapepool.errors import LockedError, OutputError
from scrapepool.record.parts.part_folder import LocalParts, PartFolder, StoredParts, part_folder


@pytest.fixture(params=["local", "stored"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> PartFolder:
    url = f"{tmp_path}/out/" if request.param == "local" else f"memory://folders/{tmp_path.name}/"
    return part_folder(url, ".lock")


def test_a_part_appears_when_it_is_published(folder: PartFolder) -> None:
    """A copy of it may be changed and published again."""
    path = folder.working_path("part-00000.jsonl")
    Path(path).write_bytes(b"1\n")
    assert "part-00000.jsonl" not in folder.names()
    folder.publish(path, "part-00000.jsonl")
    assert "part-00000.jsonl" in folder.names()
    copy = folder.fetch("part-00000.jsonl")
    assert Path(copy).read_bytes() == b"1\n"
    Path(copy).write_bytes(b"2\n")
    folder.publish(copy, "part-00000.jsonl")
    assert folder.read("part-00000.jsonl") == b"2\n"
    folder.discard(folder.fetch("part-00000.jsonl"))
    assert folder.read("part-00000.jsonl") == b"2\n"
    folder.remove("part-00000.jsonl")
    folder.remove("part-00000.jsonl")
    assert folder.read("part-00000.jsonl") is None
    folder.close()
    assert not Path(path).exists()
    assert folder.name in repr(folder)


def test_small_files(folder: PartFolder) -> None:
    """They are there at once."""
    folder.write("_run.json", b"{}")
    assert (folder.read("_run.json"), folder.read("_SUCCESS")) == (b"{}", None)
    folder.close()


def test_a_local_folder_is_locked(tmp_path: Path) -> None:
    """By name of the lock, so that shards do not hold each other up; it is released at the end."""
    first = LocalParts(f"{tmp_path}/out", ".lock")
    with pytest.raises(LockedError, match=f"another run is writing {tmp_path}/out"):
        LocalParts(f"{tmp_path}/out", ".lock")
    LocalParts(f"{tmp_path}/out", ".lock-00001").close()
    first.close()
    assert list((tmp_path / "out").iterdir()) == []


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file where a folder belongs, a folder where a file belongs, and a folder that is gone."""
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="Not a directory"):
        LocalParts(f"{tmp_path}/file/", ".lock")
    (tmp_path / "out" / ".lock").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"cannot write .*\.lock"):
        LocalParts(f"{tmp_path}/out", ".lock")
    folder = LocalParts(f"{tmp_path}/gone", ".x")
    folder.close()
    (tmp_path / "gone").rmdir()
    (tmp_path / "gone").touch()
    for act in (
        folder.names,
        lambda: folder.read("x"),
        lambda: folder.write("x", b""),
        lambda: folder.remove("x"),
        lambda: folder.publish(str(tmp_path / "gone"), "x"),
    ):
        with pytest.raises(OutputError, match="Not a directory"):
            act()


def test_an_upload_that_fails_keeps_its_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says where they are, and they stay there."""
    folder = StoredParts(f"memory://folders/{tmp_path.name}/")
    path = Path(folder.working_path("part-00000.jsonl"))
    path.write_bytes(b"1\n")
    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem.put_file", _refuse)
    with pytest.raises(OutputError, match=f"access is denied: no; its records are in {path.parent}$"):
        folder.publish(str(path), "part-00000.jsonl")
    folder.close()
    assert path.read_bytes() == b"1\n"
    path.unlink()
    path.parent.rmdir()


def test_storage_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Listing, reading and copying tell why."""
    folder = StoredParts(f"memory://folders/{tmp_path.name}/")
    for name in ("ls", "exists", "open"):
        monkeypatch.setattr(f"fsspec.implementations.memory.MemoryFileSystem.{name}", _refuse)
    for act in (folder.names, lambda: folder.read("x"), lambda: folder.fetch("x")):
        with pytest.raises(OutputError, match="access is denied: no"):
            act()
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent")
    with pytest.raises(OutputError, match="/nonexistent"):
        StoredParts("memory://folders/").working_path("x")
    Path(folder.working_path("y")).mkdir()
    with pytest.raises(OutputError, match="Is a directory"):
        folder.fetch("y")
    folder.close()


def _refuse(*args: object, **options: object) -> None:
    raise PermissionError("no")
