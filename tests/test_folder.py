"""Which files are ours, with descriptors of folders and, where a system has none, with paths."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from scrapepool import folder as module
from scrapepool import owned_file
from scrapepool.folder import Folder
from scrapepool.owned_file import ForeignFileError

WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


@pytest.fixture(params=[True, False], ids=["descriptors", "paths"], autouse=True)
def has_dir_fd(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    if not request.param:
        monkeypatch.setattr(module, "HAS_DIR_FD", False)
    return bool(request.param)


def write(folder: Folder, name: str, data: bytes) -> None:
    with os.fdopen(folder.open(name, WRITE), "wb") as file:
        file.write(data)


def names(path: Path) -> list[str]:
    return sorted(file.name for file in path.iterdir())


def test_a_private_folder_is_listed(tmp_path: Path) -> None:
    """It is made for its user alone, and is the same one the next time."""
    with Folder(str(tmp_path)) as folder:
        with folder.private("inner") as inner:
            write(inner, "file", b"")
        with folder.private("inner") as inner:
            assert inner.names() == ["file"]
    assert (tmp_path / "inner").stat().st_mode & 0o777 == 0o700


def test_files_are_made_read_moved_and_deleted(tmp_path: Path, has_dir_fd: bool) -> None:
    """Below a folder that is made where it is missing."""
    with Folder.made(str(tmp_path / "a" / "b")) as outer, outer.below(["c", "d"]) as inner:
        assert (inner.dir_fd is not None) == has_dir_fd
        write(inner, "one", b"1")
        write(inner, "one", b"12")
        assert inner.check("one").st_size == 2
        inner.replace("one", outer, "two")
        outer.link("two", inner, "three")
        inner.move("three", outer, "four")
        with pytest.raises(FileExistsError):
            outer.move("two", outer, "four")
        assert names(tmp_path / "a/b") == ["c", "four", "two"]
        outer.remove("four")
        outer.check_in_place()
    (tmp_path / "a/b/c/d").rmdir()
    with Folder(str(tmp_path / "a/b")) as outer:
        outer.remove_folder("c")
        assert names(tmp_path / "a/b") == ["two"]
        with pytest.raises(FileNotFoundError), outer.below(["c"], make=False):
            pass
    assert (tmp_path / "a/b/two").read_bytes() == b"12"


def test_no_link_is_followed(tmp_path: Path) -> None:
    """Neither as a file, nor as a folder, nor as a private folder; the message says where it leads."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours/file").symlink_to(tmp_path / "victim")
    (tmp_path / "ours/folder").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "victim").write_bytes(b"victim")
    with Folder(str(tmp_path / "ours")) as ours:
        with pytest.raises(ForeignFileError, match="it is a link"):
            ours.open("file", WRITE)
        with pytest.raises(ForeignFileError, match=f"a link to {tmp_path}/elsewhere"), ours.below(["folder"]):
            pass
        with pytest.raises(ForeignFileError, match="it is a link to"):
            ours.private("folder")
        with pytest.raises(NotADirectoryError), ours.below(["no-folder"]) as inner:
            write(inner, "file", b"")
            with inner.below(["file"]):
                pass
    assert (tmp_path / "victim").read_bytes() == b"victim"


@pytest.mark.parametrize(
    ("kind", "said"),
    [("fifo", "a FIFO"), ("socket", "a socket"), ("folder", "Is a directory"), ("names", "a hard link")],
)
def test_what_is_no_file_of_ours_is_not_opened(kind: str, said: str, tmp_path: Path) -> None:
    """And is as it was."""
    there = tmp_path / "it"
    if kind == "fifo":
        os.mkfifo(there)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.path.relpath(there))  # the absolute name may be too long
    elif kind == "folder":
        there.mkdir()
    else:
        (tmp_path / "other").write_bytes(b"other")
        os.link(tmp_path / "other", there)
    with Folder(str(tmp_path)) as folder, pytest.raises(ForeignFileError, match=said) as raised:
        folder.open("it", WRITE)
    assert raised.value.filename == str(there)
    if kind == "names":
        assert there.read_bytes() == b"other"
        with Folder(str(tmp_path)) as folder:
            os.close(folder.open("it", os.O_RDONLY, names=True))


def test_another_users_file_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the file system gives all that we make to that user; a private folder is judged likewise."""
    with Folder(str(tmp_path)) as folder:
        write(folder, "file", b"theirs")
        folder.private("inner").close()
        monkeypatch.setattr(owned_file, "user_id", lambda: os.geteuid() + 1)
        os.close(folder.open("file", os.O_RDONLY))  # a file that is made here now belongs to its owner too
        folder.private("inner").close()
        monkeypatch.setattr(owned_file, "_owner_in", lambda *_: None)
        with pytest.raises(ForeignFileError, match=rf"it belongs to another user \(id {os.geteuid()}\)"):
            folder.open("file", WRITE)
        with pytest.raises(ForeignFileError, match="another user"):
            folder.private("inner")
    assert (tmp_path / "file").read_bytes() == b"theirs"
    assert names(tmp_path) == ["file", "inner"]  # what was made to find out is gone


def test_a_folder_or_file_that_is_swapped_is_noticed(tmp_path: Path) -> None:
    """For another one, or for nothing."""
    (tmp_path / "ours").mkdir()
    with Folder(str(tmp_path / "ours")) as folder:
        fd = folder.open("file", WRITE)
        try:
            folder.check_is("file", fd)
            (tmp_path / "ours/new").touch()
            (tmp_path / "ours/new").replace(tmp_path / "ours/file")
            with pytest.raises(ForeignFileError, match="it was replaced during the run"):
                folder.check_is("file", fd)
        finally:
            os.close(fd)
        (tmp_path / "ours").rename(tmp_path / "moved")
        with pytest.raises(ForeignFileError, match="moved or deleted"):
            folder.check_in_place()
        (tmp_path / "ours").mkdir()
        with pytest.raises(ForeignFileError, match="replaced by another one"):
            folder.check_in_place()


def test_a_file_system_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is moved all the same, and never over another one."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Folder, "link", refuse)
    with Folder(str(tmp_path)) as folder:
        write(folder, "one", b"1")
        folder.move("one", folder, "two")
        write(folder, "one", b"another")
        with pytest.raises(FileExistsError):
            folder.move("one", folder, "two")
        assert names(tmp_path) == ["one", "two"]
    assert (tmp_path / "two").read_bytes() == b"1"


def test_a_folder_whose_name_a_file_has(tmp_path: Path) -> None:
    """It is an error that says so, and the file stays."""
    (tmp_path / "it").write_bytes(b"mine")
    with pytest.raises(NotADirectoryError, match="Not a directory"):
        Folder.made(str(tmp_path / "it"))
    assert (tmp_path / "it").read_bytes() == b"mine"
