"""Writes bytes to a file or standard output: whole records at a time, unbuffered.

Decides what happens when an output is full, deleted or blocked. Knows nothing about the content.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress

from ...errors import OutputError
from ...fallbacks import OUT, PIPE_BUF, poll
from .durability import Durable, Fsync, sync_folder
from .lock import is_open_as, is_ours, open_locked
from .unfinished_mark import mark

STANDARD_OUTPUT = "standard output"

# Between two looks at should_stop while a reader takes nothing: soon for a person, nothing for the machine.
_LOOK_EVERY = 0.1


class StalledError(BrokenPipeError):
    """The reader of a pipe no longer reads, and the run stops waiting for it."""


def never() -> bool:
    """Be the ``should_stop`` of an output that waits for its reader as long as it takes."""
    return False


class Output:
    """A file descriptor to which whole records are written.

    path: file to create or overwrite, locked against other runs; None writes to ``fd``, which stays open on ``close``.
    Devices, pipes and terminals are written to as they are. The file is opened here, so that a run which cannot write
    fetches nothing, and emptied by the first write, so that a run which writes nothing destroys nothing.
    fd: with a path, the file of that name, open, locked and to be appended to. marked: the file tells of itself that
    its run is under way (``unfinished``). on_note: gets what a person should know of the file.
    should_stop: asked ten times per second while the reader of a pipe or terminal takes nothing. True gives up with
    StalledError, and the line that was begun may stay torn: a caller says True only once it waits no longer.
    fsync: when a file's bytes are seen onto the disk.
    Raises OutputError where the file cannot be opened, a folder included, LockedError where another run writes it.

    A file of its own that is deleted, renamed, replaced or truncated during the run is noticed within a second of
    writing, and at the end.

    size: bytes that a file of its own has, all of them whole records; 0 for other outputs, and for a file that is to
    be overwritten. replaces: whether there is something in the file that the first write overwrites.
    """

    def __init__(
        self,
        path: str | None,
        *,
        fd: int | None = None,
        should_stop: Callable[[], bool] = never,
        fsync: Fsync = "second",
        marked: bool = False,
        on_note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.name = STANDARD_OUTPUT if path is None else path
        self.size = 0
        self.replaces = False
        self._marked = marked
        self._on_note: Callable[[str], None] | None = on_note
        self._end: int | None = None  # where the last write to a file that is not ours ended
        self._shared = path is None  # a descriptor that the shell opened
        self._owned = path is not None
        self._should_stop = should_stop
        self._broken = False
        self._durable: Durable | None = None
        try:
            self._fd = (1 if fd is None else fd) if path is None else open_locked(path) if fd is None else fd
            self._regular = stat.S_ISREG(os.fstat(self._fd).st_mode)
            if path is not None and self._regular and is_ours(path):
                if fsync != "never":
                    sync_folder(path)  # the name of a new file is to survive as well
                found = os.fstat(self._fd).st_size
                self.replaces = fd is None and found > 0
                self.size = 0 if self.replaces else found
                self._durable = Durable(self._fd, fsync, self._check)
        except ValueError as error:  # a NUL in the path
            raise OutputError(self.name, str(error)) from None
        except OSError as error:
            raise self._error(error) from None

    def __repr__(self) -> str:
        return f"<Output {self.name!r} fd={self._fd}>"

    def write(self, records: Sequence[bytes]) -> None:
        """Write whole records in as few system calls as the output allows.

        Raises OutputError, after which a file of its own ends with its last whole record; BrokenPipeError where the
        reader left; StalledError where it took nothing and ``should_stop`` said so.
        """
        data = memoryview(b"".join(records))
        written = 0
        try:
            if data:
                self._prepare()
            while written < len(data):
                if self._regular:
                    written += os.write(self._fd, data[written:])
                else:
                    self._await_reader()
                    written += os.write(self._fd, data[written : written + PIPE_BUF])
            if self._durable is not None and written:
                self.size += written
                self._durable.wrote()
                self._tell_unsupported(self._durable)
            elif self._regular and self._shared and written:
                self._end = os.lseek(self._fd, 0, os.SEEK_CUR)
        except BrokenPipeError:
            self._broken = True
            raise
        except OSError as error:
            self._broken = True
            if written < len(data):
                self._cut_torn_record(records, written)
            raise self._error(error) from error

    def close(self) -> None:
        """See the bytes onto the disk and close the file; standard output stays open. Raises OutputError."""
        if self._shared:
            self._check_length()
        if not self._owned:
            return
        self._owned = False
        try:
            try:
                if self._durable is not None and not self._broken:
                    self._durable.finish()  # a disk that is full or failing may only say so here
                    self._tell_unsupported(self._durable)
            finally:
                if self._durable is not None:
                    self._durable.end()
                os.close(self._fd)
        except OSError as error:
            raise self._error(error) from error

    def cut(self, size: int) -> None:
        """After an error, give up what was written behind ``size`` bytes of a file of its own."""
        if self._durable is not None:
            self.size = size
            with suppress(OSError):  # as below
                os.ftruncate(self._fd, size)

    def _prepare(self) -> None:
        """Empty the file before the first write. Raises OSError."""
        if self._shared:
            self._check_length()
        if self._durable is None:
            return
        if self.replaces:
            self.replaces = False
            os.ftruncate(self._fd, 0)
        if self._marked:
            self._marked = False
            mark(self._fd)

    def _tell_unsupported(self, durable: Durable) -> None:
        if durable.unsupported and self._on_note is not None:
            self._on_note(
                f"{self.name}: the file system does not support fsync; a power failure may lose the last records"
            )
            self._on_note = None

    def _check(self) -> None:
        """See that the file is still there under its name, with all that was written. Raises OSError."""
        size = self.size  # before the look: another thread may write meanwhile
        if not is_open_as(self._fd, self.name):
            raise OSError(None, "it was renamed or replaced during the run; its records are in the file that was moved")
        found = os.fstat(self._fd).st_size
        if found < size:
            raise OSError(None, f"it was truncated during the run, to {found} of the {size} bytes that were written")

    def _check_length(self) -> None:
        """See that a file that the shell opened has all that was written. Raises OutputError."""
        if self._end is not None and os.fstat(self._fd).st_size < self._end:
            self._end = None
            raise OutputError(self.name, "the file was truncated during the run")

    def _await_reader(self) -> None:
        poller = poll()
        poller.register(self._fd, OUT)
        while not poller.poll(_LOOK_EVERY * 1000):
            if self._should_stop():
                raise StalledError(f"the reader of {self.name} takes nothing")

    def _cut_torn_record(self, records: Sequence[bytes], written: int) -> None:
        if self._durable is None:
            return
        for record in records:
            if len(record) > written:
                break
            written -= len(record)
            self.size += len(record)
        with suppress(OSError):  # the disk is in trouble already, and --resume drops a torn last line
            os.ftruncate(self._fd, self.size)

    def _error(self, error: OSError) -> OutputError:
        return OutputError.from_error(self.name, error)
