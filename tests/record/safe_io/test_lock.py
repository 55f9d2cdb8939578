import os

import pytest

from scrapepool.errors import LockedError
from scrapepool.record.safe_io.lock import is_ours, open_locked


def test_a_lock_goes_with_its_descriptor(tmp_path):
    """As the kernel sees to it, a killed run leaves no lock behind."""
    path = str(tmp_path / "out")
    fd = open_locked(path)
    with pytest.raises(LockedError) as caught:
        open_locked(path)
    assert caught.value.path == path
    os.close(fd)
    os.close(open_locked(path))


def test_a_file_that_was_replaced_in_between_is_opened_again(tmp_path, monkeypatch):
    """A lock on the file that had the name before would lock nobody out."""
    path = tmp_path / "out"
    path.write_bytes(b"old")
    other = tmp_path / "other"
    other.write_bytes(b"new")
    opened = os.open

    def open_and_replace(name, *arguments):
        fd = opened(name, *arguments)
        if other.exists():
            other.rename(path)
        return fd

    monkeypatch.setattr(os, "open", open_and_replace)
    fd = open_locked(str(path), read=True)
    assert os.pread(fd, 9, 0) == b"new"
    os.close(fd)


def test_what_somebody_else_has_open_is_not_ours(tmp_path):
    """Pipes, devices, and names of descriptors are neither locked nor cut; a file in /dev/shm is a file."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert [is_ours(name) for name in ("/dev/stdout", "/dev/fd/1", "/dev/null", str(fifo), str(tmp_path))] == [
        False
    ] * 5
    assert is_ours(str(tmp_path / "new"))
    assert is_ours("/dev/shm/new")
    for _ in range(2):
        os.close(open_locked("/dev/null"))
