"""What earlier archives hold: ``--warc-dedup``.

Decides which files are read, WARC, CDX or CDXJ, and which of their responses a new one may point to. They are kept in a
temporary database, so that memory does not grow with the archives.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from glob import glob
from pathlib import Path

from ...errors import ListError, OutputError, UsageError, system_reason
from ...fallbacks import CLOEXEC, NONBLOCK, pread
from ...lazy_pattern import lazy_pattern
from ...temporary_tables import TemporaryTables
from .reader import BEGIN, RecordReader, sha1_digest
from .serialize import Place
from .stream import DamagedError, GzipStream, PlainStream, Stream, TornError

ARCHIVES = (".warc", ".warc.gz")
INDEXES = (".cdxj", ".cdx", ".cdxj.gz", ".cdx.gz")
READ = ARCHIVES + INDEXES
"""How names end of what is read in a folder, beside which other files may lie."""

GZIP = b"\x1f\x8b"

MAX_LINE = 1024 * 1024
"""Bytes of an index's line: it holds two URLs at most."""

KEY = 8
"""Bytes of a digest by which it is looked up; the rest is compared."""

NO_ARCHIVE = "it is no WARC, CDX or CDXJ file"

EMPTY = "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"
"""The digest of no bytes, which no record points to."""

Row = tuple[int, bytes, str, str, str | None]
"""Two parts of a digest, and where its body is: URL, date, id of the record where that is known."""

_DATE = lazy_pattern(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z", re.ASCII)
_URL = lazy_pattern(r"[!-~]+")
_UUID = lazy_pattern(r"<urn:uuid:([0-9A-Fa-f-]{36})>")
_BASE32 = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789abcdefghijklmnopqrstuv")  # as int has them


class EarlierBodies:
    """The bodies of earlier archives, by payload digest; the first archive that has one counts."""

    def __init__(self) -> None:
        self._tables = TemporaryTables(
            "the temporary file of --warc-dedup",
            "CREATE TABLE found (key INTEGER, rest BLOB, url TEXT, date TEXT, id TEXT)",
            "CREATE TABLE bodies (key INTEGER PRIMARY KEY, rest BLOB, url TEXT, date TEXT, id TEXT)",
        )

    def add(self, path: str, should_stop: Callable[[], bool], on_note: Callable[[str], None]) -> None:
        """Take what a file holds. should_stop: True gives up with KeyboardInterrupt. Raises UsageError, ListError."""
        try:
            fd = os.open(path, os.O_RDONLY | NONBLOCK | CLOEXEC)
            try:
                file = _EarlierFile(path, fd, should_stop)
                self._tables.insert("INSERT INTO found VALUES (?, ?, ?, ?, ?)", file)
            finally:
                os.close(fd)
        except OSError as error:
            raise dedup_error(path, system_reason(error)) from None
        if file.skipped:
            on_note(f"--warc-dedup {path}: {file.skipped:,} responses without SHA-1 digest, URL or date are skipped")

    def settle(self) -> int:
        """Take no more, from now on ``find`` may be called; how many bodies there are. Raises ListError."""
        self._tables.execute(
            # In the order of the keys, which writes each page of the table once.
            "INSERT OR IGNORE INTO bodies SELECT key, rest, url, date, id FROM found ORDER BY key, rowid",
            "DROP TABLE found",
        )
        return int(self._tables.row("SELECT count(*) FROM bodies")[0])

    def find(self, digest: str) -> Place | None:
        """Return where a body is, by its payload digest as ``serialize`` writes it. Raises OutputError."""
        key, rest = _split(digest)
        try:
            row = self._tables.row("SELECT rest, url, date, id FROM bodies WHERE key = ?", key)
        except ListError as error:
            raise OutputError(error.source, error.reason) from None
        return Place(row[3], row[1], row[2]) if row is not None and row[0] == rest else None

    def close(self) -> None:
        """Give the temporary file up."""
        self._tables.close()


def earlier_files(names: Sequence[str], own: Collection[str]) -> list[str]:
    """Return the files that names, patterns and folders mean, each once, without those of the new archive.

    own: files that the new archive replaces. Of a file and its index in a folder or a pattern, the index is read unless
    the file is newer. Raises UsageError for a name or pattern of nothing.
    """
    files: dict[str, None] = {}
    own = {os.path.realpath(name) for name in own}
    for name in names:
        found = sorted(_matching_files(name))
        indexed = {_stem(path): path for path in found if path.endswith(INDEXES)}
        taken = [path for path in found if not _is_indexed(path, indexed) and os.path.realpath(path) not in own]
        if not found and not os.path.isdir(name):  # noqa: PTH112
            raise dedup_error(name, "no archive or index is there")
        files.update(dict.fromkeys(taken))
    return list(files)


def dedup_error(name: str, reason: str) -> UsageError:
    """Return the error for a file that cannot be used."""
    return UsageError(f"--warc-dedup {name}: {reason}")


def _matching_files(name: str) -> Iterator[str]:
    try:
        there = os.path.lexists(name)
    except ValueError as error:  # a NUL in the path
        raise dedup_error(name, str(error)) from None
    if not there:
        yield from filter(os.path.isfile, glob(name, recursive=True))  # noqa: PTH207 - an absolute pattern
    elif os.path.isdir(name):  # noqa: PTH112
        for folder, _, files in os.walk(name):
            yield from (f"{folder}/{file}" for file in files if file.endswith(READ))
    else:
        yield name


def _stem(path: str) -> str:
    return next((path.removesuffix(suffix) for suffix in READ if path.endswith(suffix)), path)


def _is_indexed(path: str, indexed: dict[str, str]) -> bool:
    index = indexed.get(_stem(path))
    if index is None or not path.endswith(ARCHIVES):
        return False
    try:
        return Path(index).stat().st_mtime_ns >= Path(path).stat().st_mtime_ns
    except OSError:
        return False


class _EarlierFile:
    """One file; iterating gives the rows of its responses. Raises UsageError, OSError.

    skipped: responses whose digest is none that can be compared.
    """

    def __init__(self, path: str, fd: int, should_stop: Callable[[], bool]) -> None:
        self.skipped = 0
        self._path, self._fd, self._should_stop = path, fd, should_stop
        self._compressed = pread(fd, len(GZIP), 0) == GZIP
        self._line = 0

    def __iter__(self) -> Iterator[Row]:
        try:
            stream = self._stream()
            while len(stream.data) < len(BEGIN) and stream.fill():
                pass
            if stream.data.startswith(BEGIN):
                yield from self._of_archive()
            elif stream.data[1:4] == b"CDX":
                yield from self._of_cdx(self._lines(stream))
            else:
                yield from self._of_cdxj(self._lines(stream))
        except DamagedError as error:
            at = error.offset
            raise dedup_error(self._path, f"it is damaged behind byte {at}" if at else NO_ARCHIVE) from None
        except TornError:
            raise dedup_error(self._path, "it is torn: its compressed data ends too early") from None

    def _stream(self) -> Stream:
        if self._compressed:
            return GzipStream(self._fd, self._should_stop, members=False)
        return PlainStream(self._fd, self._should_stop)

    def _of_archive(self) -> Iterator[Row]:
        reader = RecordReader(
            self._fd, compressed=self._compressed, should_stop=self._should_stop, ours=False, digests=True
        )
        for record in reader:
            if record.kind == "response" and record.head and "warc-truncated" not in record.fields:
                record_id = record.fields.get("warc-record-id", "")
                yield from self._row(record.digest, record.url, record.fields.get("warc-date", ""), record_id)
        if reader.torn:
            at = reader.end
            cut = f"the record at byte {at} is torn; truncate -s {at} cuts it off"
            raise dedup_error(self._path, cut if at else "its first record is torn")

    def _of_cdx(self, lines: Iterator[bytes]) -> Iterator[Row]:
        header = next(lines)
        delimiter = header[:1]
        letters = header[1:].decode("latin-1").split(delimiter.decode("latin-1"))[1:]
        if not {"a", "b", "k"} <= set(letters):
            raise dedup_error(self._path, "its header line names no column for URL (a), date (b) or digest (k)")
        for line in lines:
            values = line.decode("utf-8", "replace").split(delimiter.decode("latin-1"))
            if len(values) != len(letters):
                raise self._bad_line(f"{len(values)} columns, not {len(letters)}")
            entry = dict(zip(letters, values, strict=True))
            if entry.get("m") != "warc/revisit":
                yield from self._row(sha1_digest(entry["k"]), entry["a"], entry["b"], entry.get("u", ""))

    def _of_cdxj(self, lines: Iterator[bytes]) -> Iterator[Row]:
        for line in lines:
            if line.startswith(b"!"):  # what the file says of itself
                continue
            key, _, text = line.partition(b"{")
            words = key.split()
            try:
                entry = json.loads(b"{" + text)
                date = words[1].decode("ascii")
            except (ValueError, IndexError, RecursionError):
                raise self._bad_line("no CDXJ") from None
            kind = words[2] if len(words) > 2 else b"response"  # OpenWayback's has it before the braces
            if entry.get("mime") != "warc/revisit" and kind == b"response":
                digest, url = entry.get("digest", entry.get("sha", "")), entry.get("url", entry.get("uri", ""))
                yield from self._row(sha1_digest(str(digest)), str(url), date, "")

    def _row(self, digest: str | None, url: str, date: str, record_id: str) -> Iterator[Row]:
        """Yield the row of a response; none where nothing can or will point to it."""
        date = _dated(date)
        if digest is None or not _URL.fullmatch(url) or not _DATE.fullmatch(date):
            self.skipped += 1
            return
        if digest == EMPTY:
            return
        known = _UUID.fullmatch(record_id)
        yield *_split(digest), url, date, None if known is None else known[1]

    def _lines(self, stream: Stream) -> Iterator[bytes]:
        while stream.data or stream.fill():
            while (end := stream.data.find(b"\n")) < 0 and len(stream.data) <= MAX_LINE and stream.fill():
                pass
            self._line += 1
            end = len(stream.data) if end < 0 else end + 1
            line, stream.data = stream.data[:end].rstrip(b"\r\n"), stream.data[end:]
            if line:
                yield line

    def _bad_line(self, reason: str) -> UsageError:
        if self._line == 1:
            return dedup_error(self._path, NO_ARCHIVE)
        return dedup_error(self._path, f"line {self._line}: {reason}")


def _split(digest: str) -> tuple[int, bytes]:
    raw = int(digest.removeprefix("sha1:").translate(_BASE32), 32).to_bytes(20, "big")
    return int.from_bytes(raw[:KEY], "big", signed=True), raw[KEY:]


def _dated(date: str) -> str:
    """Return a date of an index, which has 14 digits, as in a record."""
    if len(date) != 14 or not date.isdigit():
        return date
    return f"{date[:4]}-{date[4:6]}-{date[6:8]}T{date[8:10]}:{date[10:12]}:{date[12:]}Z"
