"""An archive of a run: which records go into which file, and which bodies are only pointed to.

Decides that the records of one exchange lie together in one file, when a file is full, what becomes of the files of an
earlier run, and how many bodies are remembered. How records are spelt and packed is ``spell``'s and ``pack``'s to say.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import count, takewhile

from ...errors import OutputError, UsageError
from ...folder import open_own
from ...model import Span, Transcript
from ...settings import WarcSettings
from ..durable import Fsync
from ..lock import is_ours, lock, open_locked
from ..output import Output, never
from .pack import packed, packed_bytes
from .spell import Place, Record, exchange_records, read, warcinfo, weighed
from .whole import DamagedError, whole_end

PRIVATE = 0o600
"""Mode of a file that is made: it holds requests as they were sent, with credentials."""

REMEMBERED = 100_000
"""Bodies that are known when they come again, the newest ones: about 50 MB."""

AT_ONCE = 4 * 1024 * 1024
"""Bytes of records that wait to be written together."""


class WarcArchive:
    """Keeps ``ports.Archive`` as WARC files: FILE.warc.gz, FILE-00001.warc.gz and so on, each begun when one is full.

    said: what each file says of the run at its beginning. resume: append to the last file, behind its last whole
    record. settings.overwrite: the first exchange replaces the files of an earlier run.
    should_stop: True gives up reading them with KeyboardInterrupt. on_note: gets what a person should know.
    Raises OutputError where a file cannot be opened or is no WARC file, LockedError where another run writes it,
    UsageError for an archive that is there and neither to be appended to nor replaced.
    """

    def __init__(
        self,
        settings: WarcSettings,
        said: Mapping[str, str],
        *,
        resume: bool = False,
        fsync: Fsync = "second",
        should_stop: Callable[[], bool] = never,
        on_note: Callable[[str], None] = lambda _: None,
    ) -> None:
        assert settings.path is not None  # noqa: S101  # else nobody wants an archive
        self._stem, self._suffix = _parts(settings.path)
        self._most = settings.size
        self._said = said
        self._fsync = fsync
        self._compress = self._suffix.lower().endswith(".gz")
        self._seen: dict[str, Place] = {}  # by payload digest, the oldest first
        self._waiting: list[bytes] = []  # whole records
        self._size = 0  # bytes of them
        self._number = 0
        self._fresh = True  # the file has no exchange yet
        self._stale: list[str] | None = None  # the later files of an archive that is to be replaced
        with ExitStack() as undo, self._named():
            self._folder = os.path.dirname(os.path.realpath(settings.path))  # noqa: PTH120  # of its disk
            self._first = _open(settings.path)  # kept open: its lock is the whole archive's
            undo.callback(os.close, self._first)
            later = list(takewhile(os.path.lexists, map(self._name, count(1))))
            if resume:
                self._number = len(later)
                self._output = self._opened(lambda fd: self._cut_torn_end(fd, should_stop, on_note))
                self._fresh = not self._output.size
            else:
                if not settings.overwrite:
                    _check_new(settings.path)
                self._output = self._opened()
                self._stale = later if later or self._output.size else None
            undo.callback(self._output.close)
            if self._stale is None:
                self._begin()
                self._flush()
            undo.pop_all()

    def __repr__(self) -> str:
        return f"<WarcArchive {self._output!r} {self._output.size} bytes, {len(self._seen)} bodies known>"

    def keep(self, transcripts: Sequence[Transcript], *, hurry: bool = False) -> None:
        """Write the records of some exchanges. Raises OutputError, after which each file ends with a whole record.

        hurry: others wait already.
        """
        with self._named():
            if self._stale is not None and transcripts:
                self._replace(self._stale)
            for transcript in transcripts:
                records = self._records(transcript)
                self._add([packed(record, self._folder, compress=self._compress, hurry=hurry) for record in records])
                if not isinstance(transcript.reply, bytes):
                    transcript.reply.file.close()
            self._flush()

    def close(self) -> None:
        """Finish the last file. Raises OutputError."""
        if self._first < 0:
            return
        try:
            self._output.close()
        finally:
            os.close(self._first)
            self._first = -1

    # -- records -----------------------------------------------------------------------------------

    def _records(self, transcript: Transcript) -> list[Record]:
        reply, seen = weighed(transcript), self._seen
        if not reply.payload or transcript.cut is not None:
            return exchange_records(transcript, reply, None)[0]
        original = seen.get(reply.payload_digest)
        records, place = exchange_records(transcript, reply, original)
        if original is None:
            if len(seen) >= REMEMBERED:
                del seen[next(iter(seen))]
            seen[reply.payload_digest] = place
        return records

    def _add(self, records: Sequence[bytes | Span]) -> None:
        """Let an exchange's records wait to be written, to another file where this one would be over its size."""
        size = sum(len(record) if isinstance(record, bytes) else record.size for record in records)
        if self._output.size + self._size + size > self._most and not self._fresh:
            self._next_file()
        self._fresh = False
        for record in records:
            if isinstance(record, bytes):
                self._waiting.append(record)
                self._size += len(record)
            else:
                self._flush()
                self._copy(record)
        if self._size > AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        waiting, self._waiting, self._size = self._waiting, [], 0
        if waiting:
            self._output.write(waiting)

    def _copy(self, record: Span) -> None:
        """Write a record out of a temporary file; where that fails, nothing of it stays."""
        before = self._output.size
        try:
            with record.file:
                for piece in read(record):
                    self._output.write([piece])
        except (OutputError, OSError):
            self._output.cut(before)
            raise

    def _replace(self, later: Sequence[str]) -> None:
        """Delete what an earlier run archived, now that there is something to archive."""
        self._stale = None
        for path in later:
            os.unlink(path)  # noqa: PTH108
        self._output.size = 0
        os.ftruncate(self._first, 0)
        self._begin()

    def _begin(self) -> None:
        """Say whose the records are that follow: at a file's beginning, and where a run goes on with it."""
        name = os.path.basename(self._name(self._number))  # noqa: PTH119
        self._waiting.append(packed_bytes(warcinfo(name, time.time(), self._said), compress=self._compress))

    # -- files -------------------------------------------------------------------------------------

    def _name(self, number: int) -> str:
        return f"{self._stem}-{number:05}{self._suffix}" if number else f"{self._stem}{self._suffix}"

    def _opened(self, mend: Callable[[int], None] = lambda _: None) -> Output:
        """The file of this number, to be appended to; ``mend`` gets its descriptor first."""
        name = self._name(self._number)
        fd = _open_next(name) if self._number else os.dup(self._first)
        try:
            mend(fd)
            return Output(name, fd=fd, fsync=self._fsync)
        except BaseException:
            os.close(fd)
            raise

    def _next_file(self) -> None:
        self._flush()
        self._output.close()
        self._number += 1
        while os.path.lexists(self._name(self._number)):  # whatever it is, it is not this run's
            self._number += 1
        self._output, self._fresh = self._opened(lambda fd: os.ftruncate(fd, 0)), True
        self._begin()

    def _cut_torn_end(self, fd: int, should_stop: Callable[[], bool], on_note: Callable[[str], None]) -> None:
        name = self._name(self._number)
        try:
            end = whole_end(fd, compressed=self._compress, should_stop=should_stop)
        except DamagedError as error:
            at = error.offset
            where = f" from byte {at} on; cut it there (truncate -s {at}) or name another" if at else ""
            raise OutputError(name, f"it is no WARC file{where}") from None
        torn = os.fstat(fd).st_size - end
        if torn:
            os.ftruncate(fd, end)
            on_note(f"{name}: the last record was not whole, its {torn} bytes were cut off")

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Say which file it was that the system refused."""
        try:
            yield
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            reason = getattr(error, "strerror", None) or str(error)
            raise OutputError(self._name(self._number), reason) from error


def check_archive(path: str) -> None:
    """See that no archive of that name would be lost. Raises UsageError, LockedError where another run writes it."""
    try:
        _check_new(path)
    except UsageError:
        with suppress(OSError), open(path, "rb") as file:  # noqa: PTH123 - a Path of its own would say no more
            lock(file.fileno(), path, shared=True)
        raise


def _check_new(path: str) -> None:
    stem, suffix = _parts(path)
    for name in (path, f"{stem}-00001{suffix}"):
        if os.path.isfile(name) and os.path.getsize(name):  # noqa: PTH113, PTH202
            does = "--resume appends to it, --overwrite replaces it, and another name keeps both"
            raise UsageError(f"{name}: there is an archive already: {does}")


def _parts(path: str) -> tuple[str, str]:
    """A path before and from its ``.warc`` or ``.warc.gz`` on."""
    at = len(path) - len(".warc.gz" if path.lower().endswith(".gz") else ".warc")
    return path[:at], path[at:]


def _open_next(path: str) -> int:
    """Open a file whose name the archive makes, which is no link. Raises OSError, ForeignFileError."""
    return open_own(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, PRIVATE)


def _open(path: str) -> int:
    """Open and lock a file for reading and appending. Raises OSError, LockedError, OutputError for what is no file."""
    if not is_ours(path):
        raise OutputError(path, "an archive is a regular file")
    return open_locked(path, read=True, mode=PRIVATE)
