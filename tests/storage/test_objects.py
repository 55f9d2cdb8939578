"""Objects by their URLs, and what is said when there are none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scrapepool.errors import ListError, OutputError, UsageError
from scrapepool.storage.objects import Objects, reason_of


def test_objects_are_written_listed_read_and_deleted(tmp_path: Path) -> None:
    """Objects of folders in the folder are not listed."""
    folder = Objects("memory://objects/a/")
    assert (folder.names(), folder.is_folder(), folder.is_there("x")) == ([], False, False)
    folder.write("x", b"1")
    (tmp_path / "y").write_bytes(b"22")
    folder.upload(str(tmp_path / "y"), "y")
    folder.write("deep/z", b"")
    assert (folder.names(), folder.is_folder(), folder.is_there("x")) == (["x", "y"], True, True)
    assert b"".join(Objects("memory://objects/a/y").pieces()) == b"22"
    folder.remove("x")
    assert folder.names() == ["y"]
    assert repr(folder) == "<Objects 'memory://objects/a/'>"


def test_an_object_is_created_once(tmp_path: Path) -> None:
    """Also in storage whose library cannot be asked for that; what cannot be written is an error."""
    for url in ("memory://created/", f"file://{tmp_path}/"):
        folder = Objects(url)
        assert (folder.create("x", b"1"), folder.create("x", b"2")) == (True, False)
        assert b"".join(folder.pieces("x")) == b"1"
    files = folder._files

    class Simple:
        """A library without conditional requests."""

        exists = files.exists

        def pipe_file(self, path: str, data: bytes, **options: str) -> None:
            if options:
                raise NotImplementedError
            files.pipe_file(path, data)

    folder._files = Simple()
    assert (folder.create("y", b"1"), folder.create("y", b"2")) == (True, False)
    with pytest.raises(OutputError, match=r"^cannot write file:///dev/null/x/"):
        Objects("file:///dev/null/x/").create("x", b"")


def test_storage_without_atomic_objects_renames(tmp_path: Path) -> None:
    """A file is written under another name first."""
    folder = Objects(f"file://{tmp_path}/new/")
    folder.write("x", b"1")
    assert (folder.names(), (tmp_path / "new" / "x").read_bytes()) == (["x"], b"1")


def test_what_is_missing_is_named() -> None:
    """With the URL, and what is wrong."""
    with pytest.raises(ListError, match=r"^memory://objects/none/x: there is no such object or bucket$"):
        list(Objects("memory://objects/none").pieces("x"))
    with pytest.raises(OutputError, match=r"^cannot write memory://objects/none: there is no such object or bucket$"):
        Objects("memory://objects").remove("none")


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra, and the package of the storage, which is not part of it."""
    with pytest.raises(UsageError, match=r"^gs://bucket/x: .*gcsfs"):
        Objects("gs://bucket/x")
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(UsageError, match=r"^s3://bucket/x needs fsspec: .*\.\[storage\]'$"):
        Objects("s3://bucket/x")


def test_a_url_that_is_none() -> None:
    """Whatever the library says is one sentence."""
    with pytest.raises(UsageError, match=r"^smb://: "):
        Objects("smb://")


def test_reasons_are_one_line_without_passwords() -> None:
    """Messages of libraries are long, and repeat URLs."""
    assert reason_of(PermissionError("Forbidden")) == "access is denied: Forbidden"
    assert reason_of(ValueError("no https://me:secret@example.org/x\nmore")) == "no https://me:***@example.org/x"
    assert reason_of(ValueError()) == "ValueError"
