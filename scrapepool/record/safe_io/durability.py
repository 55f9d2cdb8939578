"""When written records are flushed to disk: ``--fsync``.

Decides how much a power loss may cost: a second of records, no record, or as much as the system has not flushed. Also
decides how soon a change to the file by another program is noticed.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from errno import EINVAL, ENOENT, ENOSYS, ENOTSUP
from pathlib import Path
from typing import Literal

from ...fallbacks import CLOEXEC, DIRECTORY

Fsync = Literal["never", "second", "always"]

NOT_SUPPORTED = frozenset({EINVAL, ENOSYS, ENOTSUP})
"""Errors of fsync on file systems that do not support it: some of FUSE, networks and containers."""

FSYNC_INTERVAL = 1.0
"""Seconds between two fsyncs at least: databases choose the same (Redis, ``appendfsync everysec``)."""


class Durable:
    """Sees a file's bytes onto the disk; ``when`` decides when. One thread writes; a second one calls fsync, as that
    may take longer than a second request of each lease.

    unsupported: whether the file system knows no fsync, which the first one finds out.

    check: looks whether the file is still as it was written, each time its bytes are seen to, and raises OSError.

    An fsync that failed is not tried again, since the kernel may have dropped what it could not write: the error is
    raised by the next call, and by every one after it.
    """

    def __init__(self, fd: int, when: Fsync, check: Callable[[], None] = lambda: None) -> None:
        self._fd = fd
        self._when = when
        self._check = check
        self._at_once = when == "always"
        self._wrote = threading.Event()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._error: OSError | None = None
        self.unsupported = False

    def wrote(self) -> None:
        """Take note of a write. Raises OSError where bytes cannot be kept, FileNotFoundError for a deleted file."""
        if not self._at_once and self._thread is None:
            self._begin()
        if self._at_once:
            self._sync()
        self._wrote.set()
        self._raise()

    def end(self) -> None:
        """Touch the file no more."""
        self._ended.set()
        self._wrote.set()
        if self._thread is not None:
            self._thread.join()

    def finish(self) -> None:
        """See the last bytes onto the disk, and end. Raises OSError as ``wrote`` does."""
        self.end()
        self._sync()
        self._raise()

    def _begin(self) -> None:
        thread = threading.Thread(target=self._every_second, name="scrapepool-fsync", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system gives no more threads
            self._at_once = True
        else:
            self._thread = thread

    def _every_second(self) -> None:
        while self._error is None:
            self._wrote.wait()
            if self._ended.is_set():
                return
            self._wrote.clear()
            self._sync()
            self._ended.wait(FSYNC_INTERVAL)

    def _sync(self) -> None:
        if self._error is not None:
            return
        try:
            if self._when != "never" and not self.unsupported:
                self.unsupported = not fsync(self._fd)
            if os.fstat(self._fd).st_nlink == 0:
                raise FileNotFoundError(ENOENT, "it was deleted during the run")
            self._check()
        except OSError as error:
            self._error = error

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error


def fsync(fd: int) -> bool:
    """See a file's bytes onto the disk; False where the file system knows no such thing. Raises OSError."""
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in NOT_SUPPORTED:
            raise
        return False
    return True


def sync_folder(path: str) -> None:
    """See the name of a new or renamed file onto the disk. Raises OSError; some file systems cannot, and need not."""
    if not DIRECTORY:  # there folders cannot be opened
        return
    fd = os.open(Path(path).parent, os.O_RDONLY | DIRECTORY | CLOEXEC)
    try:
        fsync(fd)
    finally:
        with suppress(OSError):
            os.close(fd)
