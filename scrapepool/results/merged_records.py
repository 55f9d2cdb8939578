"""Finds the last record of each target in several files, in constant memory: ``merge``.

Decides which record of a target counts, and when records get the name of their file, because the line numbers of
several lists collide. All files are read twice: first to find out which records count, then for these records. What is
known of each record in between is in a temporary database, which SQLite sorts on disk.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath
from typing import Any, Self

from ..errors import ListError
from ..record_fields import FIELDS
from ..temporary_tables import TemporaryTables
from .find import typed_record
from .journal import is_regenerated, request_id
from .record_database import RecordDatabase
from .record_file import BOM, RecordFile
from .record_parts import RecordParts, name_of

Source = RecordFile | RecordDatabase

_COUNTS = "SELECT max(place) AS place FROM told GROUP BY row, target, CASE WHEN row THEN {part} ELSE 0 END"
"""The records that count. Those of rows that are no target are one per row, not per URL."""


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
        self._counts: list[int] = []  # of the records of each file
        self._tables = TemporaryTables(
            "the temporary file of this merge",
            "CREATE TABLE told (target INTEGER, row INTEGER, part INTEGER, place INTEGER, line INTEGER)",
            "CREATE TABLE counting (place INTEGER)",
        )

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
        for part, file in enumerate(self._parts.opened()):
            before = self.total
            self._tables.insert("INSERT INTO told VALUES (?, ?, ?, ?, ?)", self._rows(part, file))
            self._counts.append(self.total - before)
        collision = (
            "SELECT 1 FROM told WHERE line IS NOT NULL GROUP BY line "
            "HAVING min(target) <> max(target) AND min(part) <> max(part) LIMIT 1"
        )
        self.names_lists = self._tables.row(collision) is not None
        counts = _COUNTS.format(part="part" if self.names_lists else "0")
        self._tables.execute(f"INSERT INTO counting {counts} ORDER BY 1", "DROP TABLE told")
        (self.kept,) = self._tables.row("SELECT count(*) FROM counting")

    def lines(self) -> Iterator[bytes]:
        """Yield the records that count as lines of JSON, as far as possible as they are in their files."""
        from ..record.formats.jsonl import json_text  # noqa: PLC0415 - few runs need it

        for record in self._counting():
            if isinstance(record, bytes) and not self.names_lists:
                yield record
            else:
                yield f"{json_text(self._complete(record))}\n".encode()

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the records that count as JSON values."""
        return map(self._complete, self._counting())

    def _rows(self, part: int, file: Source) -> Iterator[tuple[int, bool, int, int, int | None]]:
        for summary, read in file.with_records():
            record = _typed(read)
            if not record.keys() <= self._names.keys():
                self._names.update(dict.fromkeys(record))
            if isinstance(data := record.get("data"), dict):
                self._data.update(dict.fromkeys(data))
            self.total += 1
            line, of_row = record.get("line"), is_regenerated(summary)
            known = isinstance(line, int) and record.get("list") is None
            target = hash((summary.url, line, record.get("list"))) if of_row else request_id(summary)
            yield target, of_row, part, self.total, line if known else None

    def _counting(self) -> Iterator[bytes | Mapping[str, Any]]:
        """Read all files again. Records of JSON Lines are not parsed."""
        places = (place for (place,) in self._tables.rows("SELECT place FROM counting"))
        due, place = next(places, 0), 0
        for number, file in enumerate(self._parts.opened()):
            end = place + self._counts[number]
            for record in _contents(file):
                place += 1
                if place == due:
                    yield record
                    due = next(places, 0)
                if place == end:  # what a run has added since then is not read
                    break
            if place < end:
                name = name_of(self._parts.current_file)
                raise ListError(name, "it became shorter while it was merged")

    def _complete(self, record: bytes | Mapping[str, Any]) -> dict[str, Any]:
        values = json.loads(record) if isinstance(record, bytes) else dict(record)
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


def _contents(file: Source) -> Iterable[bytes | Mapping[str, Any]]:
    if isinstance(file, RecordFile):
        return _lines_or_cells(file)
    return file.records()


def _lines_or_cells(file: RecordFile) -> Iterator[bytes | Mapping[str, Any]]:
    for line in file.unread_lines():
        yield line.removeprefix(BOM)
    for _, record in file.with_records():
        yield _typed(record)


def _typed(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Convert the text cells of CSV to values, with the columns of entries of ``data`` in one field."""
    typed = typed_record(record)
    if typed is record:
        return record
    found = dict(typed)
    if entries := [name for name in found if name.startswith("data.")]:
        found["data"] = {name.removeprefix("data."): found.pop(name) for name in entries}
    return found
