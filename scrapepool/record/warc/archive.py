"""An archive of a run: which records go into which file, and which bodies are only pointed to.

Decides that the records of one exchange lie together in one file, when a file is full, what becomes of the files of an
earlier run, and when an index is written. ``serialize`` decides how records are written, ``pack`` how they are
compressed, and ``bodies`` which body an earlier record has.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import count, takewhile

from ...errors import OutputError
from ...fallbacks import CLOEXEC
from ...model import Span, Transcript
from ...plural import counted
from ...settings import WarcSettings
from ..safe_io.durability import Fsync
from ..safe_io.output import Output, never
from .bodies import ArchivedBodies
from .cdxj import Capture, Index, capture_of
from .earlier import earlier_files
from .names import PRIVATE, ArchiveNames, check_new, open_first, open_next, remove_empty
from .pack import packed, packed_bytes
from .reader import RecordReader
from .serialize import END, exchange_records, read, warcinfo, weighed
from .stream import DamagedError

BYTES_AT_ONCE = 4 * 1024 * 1024
"""Bytes of records that wait to be written together."""


class WarcArchive:
    """Keeps ``ports.Archive`` as WARC files: FILE.warc.gz, FILE-00001.warc.gz and so on, each begun when one is full.

    said: what each file says of the run at its beginning. resume: append to the last file, behind its last whole
    record. settings.overwrite: the first exchange replaces the files of an earlier run.
    should_stop: True gives up reading files with KeyboardInterrupt. on_note: gets what a person should know.
    An archive that has an index keeps one, whether the settings ask for it or not.
    Raises OutputError where a file cannot be opened or is no WARC file, LockedError where another run writes it,
    UsageError for an archive that is there and neither to be appended to nor replaced, and for an earlier one that
    cannot be read.
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
        self._names = ArchiveNames(settings.path)
        self._most = settings.size
        self._said = said
        self._fsync = fsync
        self._compress = self._names.compressed
        self._bodies = ArchivedBodies()
        self._index: Index | None = None
        self._waiting: list[bytes] = []  # whole records
        self._size = 0  # bytes of them
        self._number = 0
        self._fresh = True  # the file has no exchange yet
        self._stale: list[str] | None = None  # the later files of an archive that is to be replaced
        with ExitStack() as undo, self._named():
            self._folder = os.path.dirname(os.path.realpath(settings.path))  # noqa: PTH120  # of its disk
            later = list(takewhile(os.path.lexists, map(self._names.file, count(1))))
            own = [name(number) for number in range(len(later) + 1) for name in (self._names.file, self._names.index)]
            earlier = earlier_files(settings.dedup, own if settings.overwrite else ())
            if settings.cdx or ((resume or settings.overwrite) and os.path.lexists(self._names.index(0))):
                self._index = Index()
                undo.callback(self._index.close)
            if not os.path.lexists(settings.path):
                undo.callback(remove_empty, settings.path)
            self._first = open_first(settings.path)  # kept open: its lock is the whole archive's
            undo.callback(os.close, self._first)
            if resume:
                self._number = len(later)
                self._index_full_files(should_stop)
                self._output = self._opened(lambda fd: self._cut_torn_end(fd, should_stop, on_note))
                self._fresh = not self._output.size
            else:
                if not settings.overwrite:
                    check_new(self._names, indexed=settings.cdx)
                self._output = self._opened()
                self._stale = later if later or self._output.size else None
            undo.callback(self._output.close)
            if settings.dedup:
                self._bodies.read(earlier, should_stop, on_note)
            if self._stale is None:
                self._begin()
                self._flush()
            undo.pop_all()

    def __repr__(self) -> str:
        return f"<WarcArchive {self._output!r} {self._output.size} bytes, {self._bodies!r}>"

    def keep(self, transcripts: Sequence[Transcript], *, hurry: bool = False) -> None:
        """Write the records of some exchanges. Raises OutputError, after which each file ends with a whole record.

        hurry: others wait already.
        """
        with self._named():
            if self._stale is not None and transcripts:
                self._replace(self._stale)
            for transcript in transcripts:
                self._keep(transcript, hurry=hurry)
            self._flush()

    def close(self) -> None:
        """Finish the last file. Raises OutputError."""
        if self._first < 0:
            return
        try:
            self._output.close()
            if self._stale is None:
                self._write_index()
        finally:
            os.close(self._first)
            self._first = -1
            self._bodies.close()
            if self._index is not None:
                self._index.close()

    # -- records -----------------------------------------------------------------------------------

    def _keep(self, transcript: Transcript, *, hurry: bool) -> None:
        response = weighed(transcript)
        has_body = bool(response.payload) and transcript.cut is None
        original = self._bodies.find(response.payload_digest) if has_body else None
        records, place = exchange_records(transcript, response, original)
        whole = [packed(record, self._folder, compress=self._compress, hurry=hurry) for record in records]
        offset = self._add(whole)
        if has_body and original is None:
            self._bodies.add(response.payload_digest, place)
        if self._index is not None:
            payload = "" if transcript.not_modified else response.payload_digest  # a 304 has none of its own
            revisit = original is not None or transcript.not_modified
            capture = Capture(place.url, place.date, payload, response.head, revisit=revisit)
            self._index_record(self._index, capture, offset, _size(whole[0]))
        if not isinstance(transcript.response, bytes):
            transcript.response.file.close()

    def _index_record(self, index: Index, capture: Capture, offset: int, size: int) -> None:
        """Take a record of this file into its index; uncompressed, without the line ends behind it, as by others."""
        index.add(capture, offset, size if self._compress else size - len(END), self._base_name())

    def _add(self, records: Sequence[bytes | Span]) -> int:
        """Let an exchange's records wait to be written, to another file where this one would be over its size.

        The offset of the first one in its file.
        """
        size = sum(map(_size, records))
        if self._output.size + self._size + size > self._most and not self._fresh:
            self._next_file()
        self._fresh = False
        offset = self._output.size + self._size
        for record in records:
            if isinstance(record, bytes):
                self._waiting.append(record)
                self._size += len(record)
            else:
                self._flush()
                self._copy(record)
        if self._size > BYTES_AT_ONCE:
            self._flush()
        return offset

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
        if self._index is not None:
            for number in range(len(later) + 1):
                with suppress(FileNotFoundError):
                    os.unlink(self._names.index(number))  # noqa: PTH108
        self._output.size = 0
        os.ftruncate(self._first, 0)
        self._begin()

    def _begin(self) -> None:
        """Say whose the records are that follow: at a file's beginning, and where a run goes on with it."""
        info = packed_bytes(warcinfo(self._base_name(), time.time(), self._said), compress=self._compress)
        self._waiting.append(info)
        self._size += len(info)

    # -- files -------------------------------------------------------------------------------------

    def _base_name(self) -> str:
        return os.path.basename(self._names.file(self._number))  # noqa: PTH119

    def _opened(self, mend: Callable[[int], None] = lambda _: None) -> Output:
        """Return the file of this number, to be appended to; ``mend`` gets its descriptor first."""
        name = self._names.file(self._number)
        fd = open_next(name) if self._number else os.dup(self._first)
        try:
            mend(fd)
            return Output(name, fd=fd, fsync=self._fsync)
        except BaseException:
            os.close(fd)
            raise

    def _next_file(self) -> None:
        self._flush()
        self._output.close()
        self._write_index()
        self._number += 1
        while self._is_taken():
            self._number += 1
        self._output, self._fresh = self._opened(lambda fd: os.ftruncate(fd, 0)), True
        self._begin()

    def _is_taken(self) -> bool:
        """Whether there is a file of this number, or an index of one; whatever it is, it is not this run's."""
        indexed = self._index is not None and os.path.lexists(self._names.index(self._number))
        return indexed or os.path.lexists(self._names.file(self._number))

    def _cut_torn_end(self, fd: int, should_stop: Callable[[], bool], on_note: Callable[[str], None]) -> None:
        end = self._read(fd, should_stop)
        torn = os.fstat(fd).st_size - end
        if torn:
            os.ftruncate(fd, end)
            cut = counted(torn, "byte was", "bytes were")
            on_note(f"{self._names.file(self._number)}: the last record was not whole, its {cut} cut off")

    def _read(self, fd: int, should_stop: Callable[[], bool]) -> int:
        """Read the file of this number for its index; the offset behind its last whole record. Raises OutputError."""
        reader = RecordReader(fd, compressed=self._compress, should_stop=should_stop)
        try:
            for record in reader:
                if self._index is not None and (capture := capture_of(record)) is not None:
                    self._index_record(self._index, capture, record.offset, record.size)
        except DamagedError as error:
            at = error.offset
            where = f" from byte {at} on; cut it there (truncate -s {at}) or name another" if at else ""
            raise OutputError(self._names.file(self._number), f"it is not a WARC file{where}") from None
        return reader.end

    def _index_full_files(self, should_stop: Callable[[], bool]) -> None:
        """Write the indexes that are missing of the files before the last one."""
        last = self._number
        for number in range(last if self._index is not None else 0):
            self._number = number
            if not os.path.lexists(self._names.index(self._number)):
                fd = os.open(self._names.file(self._number), os.O_RDONLY | CLOEXEC)
                try:
                    self._write_index(self._read(fd, should_stop))
                finally:
                    os.close(fd)
        self._number = last

    def _write_index(self, end: int | None = None) -> None:
        """Write the index of this file, whose records end at ``end``. Raises OutputError."""
        if self._index is not None:
            self._index.write(self._names.index(self._number), self._output.size if end is None else end, PRIVATE)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Say which file it was that the system refused."""
        try:
            yield
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            raise OutputError.from_error(self._names.file(self._number), error) from error


def _size(record: bytes | Span) -> int:
    return len(record) if isinstance(record, bytes) else record.size
