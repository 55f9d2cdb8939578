"""Divides lists into one list per share of the hosts: ``split``.

Decides what the files are called, and which rows can be copied. Rows are copied as they are, under the header of their
list; the entries of documents (sitemaps, feeds, pages, Parquet) become JSON Lines. The files appear together, once all
are complete.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

from ..errors import ListError, OutputError, UsageError, system_reason
from ..folder import make_folder
from ..frozen import frozen
from ..host_share import NO_HOST_SHARE, share_of
from ..model import HostKey
from ..named_tuple import NamedTuple
from ..ports import Batch
from ..read import TargetList
from ..read.formats.detect import DOCUMENTS
from ..read.formats.rows import RowError, RowFormat
from ..read.sources import ListSource
from ..text import strict_json

MAX_BUFFERED = 16 * 1024 * 1024
"""Bytes of rows in memory. The files are opened, appended to and closed in turn, so there may be thousands of them."""

SPLIT_SUFFIXES = {"text": "txt", "csv": "csv", "tsv": "tsv", "jsonl": "jsonl"}


@frozen
class SplitResult:
    """What was written.

    rows: the number of rows in each file. files: their names; none are written if no row has a URL. no_urls: rows
    without a URL, which are in the first file. lost: places of rows that cannot be copied: too long, or with a quote
    that is not closed.
    """

    rows: tuple[int, ...]
    files: tuple[str, ...]
    no_urls: int
    lost: tuple[str, ...]


class _Form(NamedTuple):
    """How rows are written. kind: the format of the list. suffix: of the files. header: what precedes the rows."""

    kind: str
    suffix: str
    header: bytes


def split(targets: TargetList, count: int, folder: str) -> SplitResult:
    """Read all lists to their end and write ``count`` files into the folder, which is created.

    targets: the lists, read as a whole, with their duplicates. Raises ListError, OutputError, UsageError for lists of
    different formats and for a folder that holds shards.
    """
    with _writing(folder):
        make_folder(folder)
    with _ShardFiles(folder, count) as files:
        no_urls, lost = 0, []
        for ticket, share, source, _, row in rows_with_shares(targets, lambda host, _: share_of(host.host, count)):
            if row is not None and source.rows is not None and _is_whole(source.rows, row):
                files.add(source, NO_HOST_SHARE if share is None else share, row)
                no_urls += share is None
            else:
                lost.append(targets.place_of(ticket))
        names = files.publish() if sum(files.rows) > no_urls else ()
        return SplitResult(tuple(files.rows), names, no_urls, tuple(lost))


ShareRow = tuple[int, int | None, ListSource, int, bytes | None]
"""A row: its ticket, its share (None if it has no URL), list and line, and its bytes (None if the list has changed)."""


def rows_with_shares(targets: TargetList, share_of_host: Callable[[HostKey, int], int]) -> Iterator[ShareRow]:
    """Read all lists to their end, and yield their rows but for empty ones, in order. Raises ListError.

    share_of_host: returns the share of a host; called with a number of its URLs, once for each batch of rows.
    """
    for batch in _batches(targets):
        shares: dict[int, int | None] = dict.fromkeys(batch.places)
        for host, tickets in batch.added.items():
            shares.update(dict.fromkeys(tickets, share_of_host(host, len(tickets))))
        tickets = sorted(shares)
        for ticket, (source, line, row) in zip(tickets, targets.rows(tickets), strict=True):
            yield ticket, shares[ticket], source, line, row


def _batches(targets: TargetList) -> Iterator[Batch]:
    woken = Event()
    targets.wake = woken.set
    while not targets.exhausted:
        woken.clear()
        batch = targets.poll()
        if batch is not None:
            yield batch
        elif not targets.exhausted:
            woken.wait()


def _is_whole(rows: RowFormat, row: bytes) -> bool:
    """Whether these bytes are one row of its format, and would be one anywhere else."""
    found, end = rows.cut(row + b"\n")
    return len(row) <= rows.max_row and len(found) == 1 and end == len(row) + 1


class _ShardFiles:
    """The files of all shards. They are written in a hidden folder below theirs, and moved at the end.

    rows: the number of rows of each.
    """

    def __init__(self, folder: str, count: int) -> None:
        self.rows = [0] * count
        self._folder = folder
        self._form: _Form | None = None
        self._form_of: ListSource | None = None  # the list whose rows have that form
        self._waiting: dict[int, list[bytes]] = {}
        self._bytes = 0
        with _writing(folder):
            if there := sorted(path.name for path in Path(folder).glob("shard-*")):
                raise UsageError(f"{folder} holds shards already, such as {there[0]}; name another folder")
            self._beside = Path(tempfile.mkdtemp(prefix=".split-", dir=folder))

    def __enter__(self) -> _ShardFiles:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            shutil.rmtree(self._beside)

    def add(self, source: ListSource, share: int, row: bytes) -> None:
        """Add a row to a share. Raises UsageError for a row of another format than those before."""
        if source is not self._form_of:
            self._check_form(source)
        if source.format in DOCUMENTS:
            row = _as_json(source, row)
        self.rows[share] += 1
        self._waiting.setdefault(share, []).append(row)
        self._bytes += len(row) + 1
        if self._bytes >= MAX_BUFFERED:
            self._flush()

    def publish(self) -> tuple[str, ...]:
        """Complete all files, empty ones too, and move them into the folder. Return their paths."""
        for share in range(len(self.rows)):
            self._waiting.setdefault(share, [])
        self._flush()
        paths = []
        with _writing(self._folder):
            for name in map(self._name, range(len(self.rows))):
                path = os.path.join(self._folder, name)  # noqa: PTH118
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))  # if nobody has made it meanwhile
                os.replace(self._beside / name, path)  # noqa: PTH105
                paths.append(path)
        return tuple(paths)

    def _name(self, share: int) -> str:
        return f"shard-{share + 1}.{'txt' if self._form is None else self._form.suffix}"

    def _flush(self) -> None:
        header = b"" if self._form is None else self._form.header
        with _writing(self._folder):
            for share, rows in self._waiting.items():
                with open(self._beside / self._name(share), "ab") as file:  # noqa: PTH123
                    if not file.tell():
                        file.write(header)
                    file.writelines(row + b"\n" for row in rows)
        self._waiting.clear()
        self._bytes = 0

    def _check_form(self, source: ListSource) -> None:
        form = _form_of(source)
        if self._form is None:
            self._form = form
        elif (form.suffix, form.header) != (self._form.suffix, self._form.header):
            first, second = self._form.kind, form.kind
            what = f"{second} and not {first}, as the lists before it" if first != second else "has other columns"
            raise UsageError(f"{source.name}: {what}; split lists of one kind at a time")
        self._form_of = source


def _form_of(source: ListSource) -> _Form:
    kind = source.format or "text"
    header = b""
    if kind in ("csv", "tsv") and source.rows is not None:
        try:
            header = source.read_at(0, source.rows.start)
        except OSError as error:
            raise ListError(source.name, system_reason(error)) from error
    return _Form(kind, SPLIT_SUFFIXES.get(kind, "jsonl"), header)


def _as_json(source: ListSource, row: bytes) -> bytes:
    """Write the entry of a document as a row of JSON Lines, with its other values."""
    assert source.rows is not None  # noqa: S101 - the row was found by it
    try:
        entry = source.rows.parse(row)
        url, values = ("", None) if entry is None else (entry.url, entry.input)
    except RowError as error:
        url, values = error.shown or "", error.input
    return strict_json(json.dumps({**(values or {}), "url": url}, separators=(",", ":"))).encode()


@contextmanager
def _writing(folder: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise OutputError.from_error(folder, error) from error
