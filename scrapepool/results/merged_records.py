"""Finds the last record of each target in several files, in constant memory: ``merge``.

Decides which record of a target counts, and when records get the name of their file, because the line numbers of
several lists collide. All files are read twice: first to find out which records count, then for these records. What is
known of each record in between is in a temporary file, if there are many.
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, repeat
from pathlib import PurePath
from typing import Any, Self

from ..errors import ListError
from ..read.seen.target_id import is_origin
from ..record_fields import FIELDS
from ..temporary_tables import TemporaryTables
from .find import typed_record
from .journal import is_regenerated, request_id
from .line_shapes import Fields, summary_of
from .number_buckets import MASK, NumberBuckets
from .record_database import RecordDatabase
from .record_file import RecordFile
from .record_parts import RecordParts, name_of
from .record_summary import RecordSummary

Source = RecordFile | RecordDatabase

MAX_HELD = 1 << 16
"""Records of which what is known is in memory, in up to 40 bytes each."""

MAX_ORIGINS = 16_384
"""Origins of URLs that are remembered as those of plain URLs."""


class MergedRecords:
    """The records that count, of all files: call ``read``, then once ``lines`` or ``records``.

    total: the number of records. kept: of those that count. fields, data: names of the fields that some record has, and
    of the keys of its field ``data``. names_lists: whether records without a list get the name of their file as
    ``list``, as the same line number stands for different URLs in different files. Raises what reading the files
    raises, and ListError if a file changes meanwhile, or if the disk for temporary files is full.
    """

    def __init__(self, parts: RecordParts) -> None:
        self.total = self.kept = 0
        self.names_lists = False
        self._parts = parts
        self._names: dict[str, None] = {}
        self._data: dict[str, None] = {}
        self._ends: list[int] = []  # number of records up to the end of each file
        self._bare: list[bool] = []  # of each file, see ``RecordFile``
        self._tables = TemporaryTables("the temporary file of this merge", "CREATE TABLE replaced (number INTEGER)")
        self._targets = NumberBuckets(self._tables, "targets", 2)  # of each record: target, number of the record
        self._rows = NumberBuckets(self._tables, "rows", 2)  # the same for records of rows that are no target
        self._lines = NumberBuckets(self._tables, "lines", 3)  # line, target, number of the record

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tables.close()

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of all fields, in the order of records; those of other programs last."""
        names = {**self._names, "list": None} if self.names_lists else self._names
        return (*(name for name in FIELDS if name in names), *(name for name in names if name not in FIELDS))

    @property
    def data(self) -> tuple[str, ...]:
        """The keys of the field ``data``."""
        return tuple(self._data)

    def read(self) -> None:
        """Read all files, and find out which records count."""
        for file in self._parts.opened():
            if isinstance(file, RecordFile):
                self._read_file(file)
            else:
                for summary, record in file.with_records():
                    self._add(summary, record)
            self._ends.append(self.total)
            self._bare.append(isinstance(file, RecordFile) and file.bare)
        self.names_lists = any(map(self._collide, self._lines.columns()))
        self._tables.insert("INSERT INTO replaced VALUES (?)", self._replaced())
        (replaced,) = self._tables.row("SELECT count(*) FROM replaced")
        self.kept = self.total - replaced

    def lines(self) -> Iterator[bytes]:
        """Yield the records that count as lines of JSON, many at a time, as far as possible as in their files."""
        from ..record.formats.jsonl import json_text  # noqa: PLC0415 - few runs need it

        for records in self._counting():
            if isinstance(records, bytes) and not self.names_lists:
                yield records
            else:
                yield b"".join(f"{json_text(record)}\n".encode() for record in self._complete(records))

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the records that count as JSON values."""
        return chain.from_iterable(map(self._complete, self._counting()))

    def _read_file(self, file: RecordFile) -> None:
        get, origins, targets, lines = hash("GET"), set[bytes](), self._targets.buckets, self._lines.buckets
        several = len(self._parts.files) > 1
        for found in file.found():
            if isinstance(found, RecordSummary):
                self._add(found, _typed(file.current()))
                continue
            _, url, origin, line, source, outcome, _, _, method, request, data, _ = found
            if origin not in origins and origin and is_origin(origin.decode()):
                if len(origins) == MAX_ORIGINS:
                    origins.clear()
                origins.add(origin)
            if origin not in origins or outcome == b"skipped" or request or data:
                self._add(summary_of(found, 0), _fields_of(found))
                continue
            # What ``_add`` does stands here for most records, of which there may be millions.
            self.total = number = self.total + 1
            target = hash(url) ^ (hash(method.decode()) if method else get)
            bucket = targets[target & MASK]
            bucket.append(target)
            bucket.append(number)
            if several and line and not source:
                known = int(line)
                bucket = lines[known & MASK]
                bucket.append(known)
                bucket.append(target)
                bucket.append(number)
            if number % MAX_HELD == 0:
                self._store()

    def _add(self, summary: RecordSummary, record: Mapping[str, Any]) -> None:
        self.total += 1
        if not record.keys() <= self._names.keys():
            self._names.update(dict.fromkeys(record))
        if isinstance(data := record.get("data"), dict):
            self._data.update(dict.fromkeys(data))
        line, source, of_row = record.get("line"), record.get("list"), is_regenerated(summary)
        target = hash((summary.url, repr(line), repr(source))) if of_row else request_id(summary)
        buckets = self._rows if of_row else self._targets
        buckets.add(target, self.total)
        if isinstance(line, int) and source is None and len(self._parts.files) > 1:
            self._lines.add(hash(line), target, self.total)
        if self.total % MAX_HELD == 0:
            self._store()

    def _store(self) -> None:
        for buckets in (self._targets, self._rows, self._lines):
            buckets.store()

    def _collide(self, columns: Sequence[array[int]]) -> bool:
        """Whether a line has several targets, and several files have it."""
        lines, targets, numbers = columns
        if len(distinct := set(lines)) == len(lines) or len(distinct) == len(set(zip(lines, targets, strict=True))):
            return False
        found: defaultdict[int, tuple[set[int], set[int]]] = defaultdict(lambda: (set(), set()))
        for line, target, number in zip(lines, targets, numbers, strict=True):
            of_line = found[line]
            of_line[0].add(target)
            of_line[1].add(self._file_of(number))
        return any(len(of_line) > 1 < len(files) for of_line, files in found.values())

    def _replaced(self) -> Iterator[tuple[int]]:
        """Yield the records that do not count. Those of rows that are no target are one per row, not per URL."""
        for targets, numbers in self._targets.columns():
            last = dict(zip(targets, numbers, strict=True))
            if len(last) < len(targets):
                yield from (
                    (number,) for target, number in zip(targets, numbers, strict=True) if last[target] != number
                )
        for targets, numbers in self._rows.columns():
            files = map(self._file_of, numbers) if self.names_lists else repeat(0, len(numbers))
            rows = list(zip(targets, files, strict=True))
            last_of_row = dict(zip(rows, numbers, strict=True))
            yield from ((number,) for row, number in zip(rows, numbers, strict=True) if last_of_row[row] != number)

    def _file_of(self, number: int) -> int:
        return bisect_left(self._ends, number)

    def _counting(self) -> Iterator[bytes | Mapping[str, Any]]:
        """Read all files again. Yield lines of JSON unread, many at a time, and other records one by one."""
        replaced = (number for (number,) in self._tables.rows("SELECT number FROM replaced ORDER BY number"))
        due, number = next(replaced, 0), 0
        for file, end, bare in zip(self._parts.opened(), self._ends, self._bare, strict=True):
            if number == end:
                continue
            for records in _contents(file, bare=bare):
                last = number + (records.count(b"\n") if isinstance(records, bytes) else 1)
                if last <= end and not number < due <= last:
                    yield records
                elif isinstance(records, bytes):
                    kept = []
                    for line in records.split(b"\n")[: min(last, end) - number]:
                        number += 1
                        if number == due:
                            due = next(replaced, 0)
                        else:
                            kept.append(line + b"\n")
                    yield b"".join(kept)
                else:
                    due = next(replaced, 0)
                number = min(last, end)
                if number == end:  # what a run has added since then is not read
                    break
            if number < end:
                name = name_of(self._parts.current_file)
                raise ListError(name, "it became shorter while it was merged")

    def _complete(self, records: bytes | Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        if isinstance(records, bytes):
            for line in records.split(b"\n")[:-1]:
                yield self._named(json.loads(line))
        else:
            yield self._named(dict(records))

    def _named(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return a record with the name of its file as list, if it needs one."""
        if not self.names_lists or values.get("list") is not None or values.get("line") is None:
            return values
        source = PurePath(name_of(self._parts.current_file)).name
        named: dict[str, Any] = {}
        for name, value in values.items():
            if name != "list":
                named[name] = value
            if name == "line":
                named["list"] = source
        return named


def _fields_of(found: Fields) -> dict[str, Any]:
    """Return the fields of a record that ``_add`` needs."""
    _, _, _, line, source, _, _, _, _, _, data, _ = found
    fields: dict[str, Any] = {}
    if line:
        fields["line"] = int(line)
    if source:
        fields["list"] = source.decode()
    if data:
        fields["data"] = json.loads(data)
    return fields


def _contents(file: Source, *, bare: bool) -> Iterator[bytes | Mapping[str, Any]]:
    if isinstance(file, RecordFile):
        yield from file.unread_blocks(bare=bare)
        yield from (_typed(record) for _, record in file.with_records())
    else:
        yield from file.records()


def _typed(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Convert the text cells of CSV to values, with the columns of entries of ``data`` in one field."""
    typed = typed_record(record)
    if typed is record:
        return record
    found = dict(typed)
    if entries := [name for name in found if name.startswith("data.")]:
        found["data"] = {name.removeprefix("data."): found.pop(name) for name in entries}
    return found
