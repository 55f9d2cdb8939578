"""Bodies as files: what a full or changed disk does, and what ``--fsync always`` waits for."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from scrapepool.errors import OutputError
from scrapepool.model import ErrorKind, Failed, Fetched, HostKey, Saved, Target
from scrapepool.record.body_files import body_store
from scrapepool.record.body_files.body_store import Files
from scrapepool.record.body_files.placed_files import Placed
from scrapepool.settings import FileSettings

TARGET = Target("http://a.test/1", HostKey("http", "a.test", 80), "/1", 1)


def outcome(saved: Saved) -> Fetched:
    return Fetched(target=TARGET, saved=saved)


@pytest.mark.parametrize("is_file", [False, True])
def test_a_body_is_on_the_disk_before_its_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_file: bool
) -> None:
    """Whether it came in memory or in a temporary file."""
    synced: list[bytes] = []
    monkeypatch.setattr(body_store, "fsync", lambda fd: synced.append(os.pread(fd, 99, 0) if is_file else b"body"))
    files = Files(FileSettings(save_dir=str(tmp_path), name_template="{line}.html"), synced=True)
    if is_file:
        (tmp_path / ".scrapepool" / "7.tmp").write_bytes(b"body")
    done = outcome(Saved(file="7.tmp") if is_file else Saved(data=b"body"))
    files.write([done])
    files.end()
    assert synced == [b"body"]
    assert (done.path, (tmp_path / "1.html").read_bytes()) == (str(tmp_path / "1.html"), b"body")


def test_a_disk_that_fails_is_an_error_with_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the transport, in the list of bodies, and at the end."""
    files = Files(FileSettings(save_dir=str(tmp_path)))
    with pytest.raises(OutputError, match="no space"):
        files.write([Failed(target=TARGET, error=ErrorKind.DISK, detail="no space")])

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    for name in ("recorded", "settle", "close"):
        monkeypatch.setattr(Placed, name, fail)
    for call in (lambda: files.recorded(1), lambda: files.settle(lambda *_: True)):
        with pytest.raises(OutputError, match=f"{tmp_path}.*Input/output error"):
            call()


def test_where_a_name_is_taken_too_often_the_body_gets_the_usual_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers are not tried for ever."""
    monkeypatch.setattr(body_store, "MAX_NAME_TRIES", 3)
    for name in ("a.test.html", "a.test-2.html"):
        (tmp_path / name).write_bytes(b"mine")
    files = Files(FileSettings(save_dir=str(tmp_path), name_template="{host}.html"))
    done = outcome(Saved(data=b"body"))
    files.write([done])
    files.end()
    assert done.path is not None
    assert Path(done.path).parent == tmp_path / "a.test"
    assert Path(done.path).read_bytes() == b"body"
