import errno
import os

import pytest

from scrapepool.errors import LockedError
from scrapepool.record.safe_io import rewrite_records
from scrapepool.record.safe_io.lock import open_locked
from scrapepool.record.safe_io.output import never
from scrapepool.record.safe_io.rewrite_records import rewrite


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "out"
    path.write_bytes(b"0123456789")
    path.chmod(0o640)
    return path


def test_only_what_is_kept_is_left(path):
    """Under the same name, with the same mode, and locked; the descriptor appends."""
    fd = rewrite(str(path), open_locked(str(path), read=True), [(0, 2), (5, 9)], never)
    assert path.read_bytes() == b"015678"
    assert path.stat().st_mode & 0o777 == 0o640
    with pytest.raises(LockedError):
        open_locked(str(path))
    os.write(fd, b"!")
    os.close(fd)
    assert path.read_bytes() == b"015678!"
    assert [file.name for file in path.parent.iterdir()] == ["out"]


def test_a_link_keeps_pointing_to_its_file(path, tmp_path):
    """The file that the name leads to is replaced, wherever it lies."""
    link = tmp_path / "link"
    link.symlink_to("out")
    os.close(rewrite(str(link), open_locked(str(link), read=True), [(9, 10)], never))
    assert link.is_symlink()
    assert path.read_bytes() == b"9"


@pytest.mark.parametrize("call", ["write", "fsync", "replace", "fchmod"])
def test_what_fails_changes_nothing(path, call, monkeypatch):
    """The file is as it was, under its lock, and no copy is left behind."""
    fd = open_locked(str(path), read=True)

    def fails(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, fails)
    with pytest.raises(OSError, match="No space"):
        rewrite(str(path), fd, [(0, 2), (5, 9)], never)
    assert path.read_bytes() == b"0123456789"
    assert [file.name for file in path.parent.iterdir()] == ["out"]
    os.close(fd)


def test_a_stop_ends_the_copying(path, monkeypatch):
    """Ctrl-C need not wait for a large file; nothing is changed."""
    monkeypatch.setattr(rewrite_records, "COPY_STEP", 1)
    answers = iter([False, False, True])
    fd = open_locked(str(path), read=True)
    with pytest.raises(KeyboardInterrupt):
        rewrite(str(path), fd, [(0, 9)], lambda: next(answers))
    assert path.read_bytes() == b"0123456789"
    assert [file.name for file in path.parent.iterdir()] == ["out"]
    os.close(fd)


def test_the_copy_of_a_killed_run_is_overwritten(path):
    """What a run left behind that was killed while it copied is of no meaning."""
    path.with_name(".out.resume").write_bytes(b"rubbish that is longer than the copy")
    os.close(rewrite(str(path), open_locked(str(path), read=True), [(1, 2)], never))
    assert path.read_bytes() == b"1"
