"""Reads record files: JSON Lines, CSV or TSV, written by ``record`` and perhaps changed by other tools.

Decides what is a record and where it ends. Does not know where the bytes come from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain
from typing import Any

from ..errors import UsageError
from ..model import OUTCOMES
from ..settings import RecordFormat
from ..text import brief
from .line_blocks import line_blocks, split_lines
from .line_shapes import Fields, LineShapes, summary_of, unread
from .record_summary import RecordSummary, apart

BOM = b"\xef\xbb\xbf"
CELLS = {
    "csv": re.compile(rb'(?:"([^"]*+(?>(?:""[^"]*+)*))"|([^",\r\n]*+))(,|\r?\n)'),
    "tsv": re.compile(rb'(?:"([^"]*+(?>(?:""[^"]*+)*))"|([^"\t\r\n]*+))(\t|\r?\n)'),
}
"""A cell and the delimiter behind it (RFC 4180). csv.reader rejects cells above 128 KiB; bodies may be longer."""

NEEDED = ("url", "outcome")
WORDS = frozenset(OUTCOMES)
SUMMARY_FIELDS = ("url", "outcome", "error", "method", "status", "request")


class RecordFile:
    """Iterates over the records of a file, once.

    name: for messages. pieces: its bytes. form: the format, None to detect it. columns: the required header row of a
    CSV file, None for any header row with the necessary columns. spoken: formats a column for messages. added: columns
    that may be missing, because earlier versions did not write them. shapes: of files that were read before this one.
    While it is iterated over, it raises UsageError, which names the line, for anything that is not a record.

    start: bytes of the header row. whole: bytes up to the end of the last complete record. torn: bytes behind that, of
    a record that was not completely written; set when the iteration ends. bare: whether JSON Lines so far had no empty
    lines and no byte order marks. lacks: columns of ``added`` that are missing.
    """

    def __init__(
        self,
        name: str,
        pieces: Iterable[bytes],
        form: RecordFormat | None = None,
        columns: Iterable[str] | None = None,
        spoken: Callable[[str], str] = str,
        added: Collection[str] = (),
        shapes: LineShapes | None = None,
    ) -> None:
        self.start = 0
        self.whole = 0
        self.torn = 0
        self.bare = True
        self.lacks: list[str] = []
        self._name = name
        self._form = form
        self._pattern = CELLS["csv"]
        self._blocks = line_blocks(pieces)
        self._lines = split_lines(self._blocks)
        self._columns = None if columns is None else list(columns)
        self._added = added
        self._spoken = spoken
        self._line = 1
        self._names: list[str] = []
        self._last = b""  # the last row or line
        self._value: dict[str, Any] | None = None  # the last JSON object, None if its line was not parsed
        self._shapes = LineShapes() if shapes is None else shapes
        self._parses_all = False

    def __iter__(self) -> Iterator[RecordSummary]:
        for found in self.found():
            yield found if isinstance(found, RecordSummary) else summary_of(found, self.whole)

    def found(self) -> Iterator[Fields | RecordSummary]:
        """Yield the summary of each record, or the fields that its summary is made of, if its line was not parsed."""
        first = next(self._blocks, b"")
        if not first:
            return iter(())
        self._blocks = chain([first], self._blocks)
        if self._form is None:
            self._form = _form_by(first)
        if self._form == "jsonl":
            return self._objects()
        self._pattern = CELLS[self._form]
        self._lines = split_lines(self._blocks)
        return self._rows(next(self._lines, b""))

    @property
    def form(self) -> RecordFormat | None:
        """The format; None before the first record if it was not given."""
        return self._form

    def current(self) -> dict[str, Any]:
        """Return the complete last record: the values of a JSON object, or the cells of a row as text."""
        if self._form == "jsonl":
            if self._value is None:
                self._value = dict(json.loads(self._last))
            return self._value
        return dict(zip(self._names, self._cells(self._last, len(self._names)), strict=False))

    def with_records(self) -> Iterator[tuple[RecordSummary, dict[str, Any]]]:
        """Yield the summary of each record, and the complete record, as ``current`` returns it."""
        self._parses_all = True
        return ((summary, self.current()) for summary in self)

    def unread_blocks(self, *, bare: bool) -> Iterator[bytes]:
        """Yield the lines of records of JSON Lines unread, many at a time, in the place of records. None for tables.

        For a file whose records were read before. bare: as that has set it.
        """
        first = next(self._blocks, b"")
        self._blocks = chain([first], self._blocks)
        if (self._form or _form_by(first)) != "jsonl":
            return
        for block in self._blocks:
            if not block.endswith(b"\n"):
                return
            if bare:
                yield block
            else:
                lines = (line + b"\n" for line in block.split(b"\n")[:-1] if line and not line.isspace())
                yield b"".join(line.removeprefix(BOM) for line in lines)

    # -- JSON Lines --------------------------------------------------------------------------------

    def _objects(self) -> Iterator[Fields | RecordSummary]:
        for block in self._blocks:
            if not block.endswith(b"\n"):
                self._end_in(block, begun=_begins_object(block))
                return
            for fields in unread(block) if self._parses_all else self._shapes.read(block):
                line = fields[0]
                if fields[-1]:
                    self._last, self._value = line, None
                    self.whole += len(line)
                    yield fields
                else:
                    found = self._unread(line)
                    self.whole += len(line)
                    if found is not None:
                        yield found
                self._line += 1

    def _unread(self, line: bytes) -> Fields | RecordSummary | None:
        """Read a line that the main pattern does not match; None if there is nothing in it."""
        if not self._parses_all and (fields := self._shapes.read_other(line)) is not None:
            self._last, self._value = line, None
            return fields
        if line.isspace():
            self.bare = False
            return None
        self.bare = self.bare and not line.startswith(BOM)
        return self._object(line, self.whole + len(line))

    def _object(self, line: bytes, end: int) -> RecordSummary:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise self._error("no JSON") from None
        if not isinstance(value, dict):
            raise self._error("no JSON object")
        self._value = value
        summary = self._summary(value, end)
        if not self._parses_all:
            self._shapes.learn(line, value)
        return summary

    # -- CSV ---------------------------------------------------------------------------------------

    def _rows(self, line: bytes) -> Iterator[RecordSummary]:
        names = self._header(line)
        if not names:
            return
        places = {name: names.index(name) for name in SUMMARY_FIELDS if name in names}
        enough = max(places.values()) + 1
        while row := self._row():
            if not row.endswith(b"\n") or row.count(b'"') % 2:
                self._end_in(row, begun=not self._holds_row(row, names))
                return
            end = self.whole + len(row)
            if not row.isspace():
                cells = self._cells(row, enough)
                if len(cells) < enough:
                    raise self._error(f"{len(cells)} of {len(names)} cells")
                values: dict[str, Any] = {name: cells[place] or None for name, place in places.items()}
                values["url"] = values["url"] or ""  # of an empty cell
                summary = self._summary(values, end)
                self.whole, self._last = end, row
                yield summary
            self.whole = end
            self._line += row.count(b"\n")

    def _header(self, line: bytes) -> list[str]:
        """Return the names of the columns; an empty list if the header row itself is torn."""
        names = self._cells(line.removeprefix(BOM), len(line))
        if self._columns is not None and line.endswith(b"\n"):
            self.lacks = [name for name in self._columns if name in self._added and name not in names]
            self._columns = [name for name in self._columns if name not in self.lacks]
        if self._columns is not None and names != self._columns:
            wanted = ("\t" if self._form == "tsv" else ",").join(self._columns)
            if not line.endswith(b"\n") and wanted.startswith(line.decode(errors="replace")):
                self._end_in(line, begun=True)
                return []
            raise self._error(f"its columns are not those of this run{self._other(names, self._columns)}")
        for needed in NEEDED:
            if needed not in names:
                raise self._error(f"no column {needed}")
        self.whole = self.start = len(line)
        self._names = names
        self._line = 2
        return names

    def _other(self, there: list[str], wanted: list[str]) -> str:
        """Describe the difference between the columns of the file and those of this run."""
        lacking = ", ".join(self._spoken(name) for name in wanted if name not in there)
        beside = ", ".join(self._spoken(name) for name in there if name not in wanted)
        parts = (f"; it lacks {lacking}" if lacking else "", f"; only it has {beside}" if beside else "")
        return "".join(parts) or f", which are {','.join(wanted)}"

    def _row(self) -> bytes:
        """Read lines until no quote is open, or until the file ends."""
        row = next(self._lines, b"")
        if row.count(b'"') % 2:
            parts = [row]
            for line in self._lines:
                parts.append(line)
                if line.count(b'"') % 2:
                    break
            row = b"".join(parts)
        return row

    def _holds_row(self, rest: bytes, names: list[str]) -> bool:
        """Whether an apparently torn row contains complete rows: then a quote in the file was not closed."""
        outcome = names.index("outcome")
        return any(
            len(cells := self._cells(line + b"\n", len(names))) == len(names) and cells[outcome] in WORDS
            for line in rest.split(b"\n")[1:]
        )

    def _cells(self, row: bytes, most: int) -> list[str]:
        """Return a row's first cells, up to the first invalid one."""
        cells: list[str] = []
        at = 0
        while len(cells) < most and (found := self._pattern.match(row, at)) is not None:
            quoted, bare, end = found.groups()
            cells.append((bare if quoted is None else quoted.replace(b'""', b'"')).decode(errors="replace"))
            if end in (b"\n", b"\r\n"):
                break
            at = found.end()
        return cells

    # -- both --------------------------------------------------------------------------------------

    def _summary(self, value: dict[str, Any], end: int) -> RecordSummary:
        for needed in NEEDED:
            if not isinstance(value.get(needed), str):
                raise self._error(f"no field {needed}")
        if value["outcome"] not in WORDS:
            raise self._error(f"no outcome: {brief(value['outcome'])}")
        error = value.get("error")
        if "error" not in value and value["outcome"] == "http_error":
            error = "http_5xx" if str(value.get("status")) >= "500" else "http_4xx"
        method, status = value.get("method"), str(value.get("status"))
        return RecordSummary(
            value["url"],
            value["outcome"],
            error if isinstance(error, str) else None,
            method if isinstance(method, str) else "GET",
            end,
            apart(value.get("request")),
            int(status) if status.isdecimal() else None,
        )

    def _end_in(self, rest: bytes, *, begun: bool) -> None:
        if not begun and rest.strip(b"\0"):  # after a power loss, a file may end with NULs
            raise self._error("no JSON" if self._form == "jsonl" else "a quote that is not closed")
        self.torn = len(rest)

    def _error(self, reason: str) -> UsageError:
        return UsageError(f"{brief(self._name, 500)}:{self._line}: not a record of scrapepool ({reason})")


def _form_by(block: bytes) -> RecordFormat:
    """Return the format of a file by its first line."""
    if block.removeprefix(BOM).startswith((b"{", b"\n", b"\r")):
        return "jsonl"
    return "tsv" if b"\t" in block.partition(b"\n")[0] else "csv"


def _begins_object(text: bytes) -> bool:
    """Whether this may be the beginning of a record that was not completely written."""
    return re.fullmatch(rb'\{(?:"(?:[a-z_0-9]*|[a-z_0-9]+"(?::.*)?))?', text, re.DOTALL) is not None
