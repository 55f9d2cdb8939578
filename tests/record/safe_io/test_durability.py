import errno
import os
import threading

import pytest

from scrapepool.record.safe_io import durability
from scrapepool.record.safe_io.durability import Durable, sync_folder


class Fsync:
    """Counts calls and fails on request."""

    def __init__(self):
        self.calls = 0
        self.called = threading.Semaphore(0)
        self.fails = False

    def __call__(self, fd):
        self.calls += 1
        self.called.release()
        if self.fails:
            raise OSError(errno.EIO, "Input/output error")


@pytest.fixture
def fsync(monkeypatch):
    fake = Fsync()
    monkeypatch.setattr(os, "fsync", fake)
    return fake


@pytest.fixture
def fd(tmp_path):
    fd = os.open(tmp_path / "out", os.O_CREAT | os.O_WRONLY)
    yield fd
    os.close(fd)


def test_always_is_after_each_write_and_never_is_never(fsync, fd):
    """What the words say."""
    for when, calls in (("always", 4), ("never", 0)):
        fsync.calls = 0
        file = Durable(fd, when)
        for _ in range(3):
            file.wrote()
        file.finish()
        assert fsync.calls == calls


def test_a_second_is_long_enough_for_many_writes(fsync, fd):
    """The first write is seen to at once, what follows within the second is one more, at the end."""
    file = Durable(fd, "second")
    file.wrote()
    assert fsync.called.acquire(timeout=10)
    for _ in range(100):
        file.wrote()
    file.finish()
    assert fsync.calls == 2


def test_nothing_written_nothing_to_wait_for(fsync, fd):
    """A run without a record has no thread."""
    before = threading.active_count()
    file = Durable(fd, "second")
    assert threading.active_count() == before
    file.finish()


def test_activity_is_seen_to_again(fsync, fd, monkeypatch):
    """A write after the second is up needs no other one to reach the disk."""
    monkeypatch.setattr(durability, "FSYNC_INTERVAL", 0.01)
    file = Durable(fd, "second")
    for _ in range(3):
        file.wrote()
        assert fsync.called.acquire(timeout=10)
    file.finish()


def test_a_failed_fsync_is_told_and_not_tried_again(fsync, fd):
    """The kernel drops what it could not write, and the next fsync would say that all is well."""
    fsync.fails = True
    file = Durable(fd, "always")
    for attempt in (file.wrote, file.wrote, file.finish):
        with pytest.raises(OSError, match="Input/output"):
            attempt()
    assert fsync.calls == 1


def test_a_failure_in_between_is_told_by_the_next_call(fsync, fd):
    """The thread that writes hears of it, at the end of the run if not before."""
    fsync.fails = True
    file = Durable(fd, "second")

    def write_and_finish():
        file.wrote()
        assert fsync.called.acquire(timeout=10)
        file.finish()

    with pytest.raises(OSError, match="Input/output"):
        write_and_finish()
    file.end()
    assert fsync.calls == 1


def test_a_folder_that_cannot_be_synced_need_not_be(tmp_path, monkeypatch):
    """Some file systems say EINVAL; other errors are raised."""
    for number, raises in ((errno.EINVAL, False), (errno.EIO, True)):

        def fails(fd, number=number):
            raise OSError(number, "no")

        monkeypatch.setattr(os, "fsync", fails)
        if raises:
            with pytest.raises(OSError, match="no"):
                sync_folder(str(tmp_path / "out"))
        else:
            sync_folder(str(tmp_path / "out"))


def test_without_a_thread_each_write_is_seen_to(fsync, fd, monkeypatch):
    """Where the system gives no more threads, the writer waits."""

    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    written = Durable(fd, "second")
    written.wrote()
    written.wrote()
    assert fsync.calls == 2
    written.finish()
    assert fsync.calls == 3
