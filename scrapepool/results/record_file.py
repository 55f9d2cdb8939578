"""A record file, read back: JSON Lines, CSV or TSV, as ``record`` writes them and other tools hand them on.

Decides what is a record and where one ends. Knows neither what its reader makes of it nor where the bytes come from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from ..errors import UsageError
from ..groups import OUTCOMES
from ..settings import RecordFormat
from ..text import brief
from .record_summary import RecordSummary, apart

BOM = b"\xef\xbb\xbf"
CELLS = {
    "csv": re.compile(rb'(?:"([^"]*+(?>(?:""[^"]*+)*))"|([^",\r\n]*+))(,|\r?\n)'),
    "tsv": re.compile(rb'(?:"([^"]*+(?>(?:""[^"]*+)*))"|([^"\t\r\n]*+))(\t|\r?\n)'),
}
"""One cell of a row with what ends it (RFC 4180); csv.reader stops at 128 KiB of it, and a body may be longer."""

NEEDED = ("url", "outcome")
WORDS = frozenset(OUTCOMES)
TOLD = ("url", "outcome", "error", "method", "status", "request")


class RecordFile:
    """Iterates over the records of a file, once.

    name: for messages. pieces: its bytes. form: None finds out. columns: what the header row of a CSV file must be;
    None for any that names what is needed. spoken: a column as a person is told of it. added: columns that it may
    lack, as one of an earlier version does.
    Raises UsageError, while it is iterated over, for what is no record, and names the line.

    start: bytes of the header row. whole: bytes up to the end of the last whole record. torn: bytes after that, of a
    record that was not written to its end; known once the iteration is over. lacks: columns of ``added`` that it lacks.
    """

    def __init__(
        self,
        name: str,
        pieces: Iterable[bytes],
        form: RecordFormat | None = None,
        columns: Iterable[str] | None = None,
        spoken: Callable[[str], str] = str,
        added: Collection[str] = (),
    ) -> None:
        self.start = 0
        self.whole = 0
        self.torn = 0
        self.lacks: list[str] = []
        self._name = name
        self._form = form
        self._pattern = CELLS["csv"]
        self._lines = _lines(pieces)
        self._columns = None if columns is None else list(columns)
        self._added = added
        self._spoken = spoken
        self._line = 1
        self._names: list[str] = []
        self._last = b""  # the bytes of the row that was given last
        self._value: dict[str, Any] = {}  # the JSON object that was given last

    def __iter__(self) -> Iterator[RecordSummary]:
        first = next(self._lines, b"")
        if not first:
            return iter(())
        if self._form is None:
            self._form = _form_by(first.removeprefix(BOM))
        if self._form == "jsonl":
            return self._objects(first)
        self._pattern = CELLS[self._form]
        return self._rows(first)

    def current(self) -> dict[str, Any]:
        """The record that was given last, whole: a JSON object's values, or a row's cells as text."""
        if self._form == "jsonl":
            return self._value
        return dict(zip(self._names, self._cells(self._last, len(self._names)), strict=False))

    def with_records(self) -> Iterator[tuple[RecordSummary, dict[str, Any]]]:
        """Give what each record tells about its target, and the record whole, as ``current`` has it."""
        return ((told, self.current()) for told in self)

    # -- JSON Lines --------------------------------------------------------------------------------

    def _objects(self, line: bytes) -> Iterator[RecordSummary]:
        while line:
            if not line.endswith(b"\n"):
                self._end_in(line, begun=_begins_object(line))
                return
            end = self.whole + len(line)
            if line.isspace():
                self.whole = end
            else:
                told = self._object(line, end)
                self.whole = end
                yield told
            self._line += 1
            line = next(self._lines, b"")

    def _object(self, line: bytes, end: int) -> RecordSummary:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise self._error("no JSON") from None
        if not isinstance(value, dict):
            raise self._error("no JSON object")
        self._value = value
        return self._told(value, end)

    # -- CSV ---------------------------------------------------------------------------------------

    def _rows(self, line: bytes) -> Iterator[RecordSummary]:
        names = self._header(line)
        if not names:
            return
        places = {name: names.index(name) for name in TOLD if name in names}
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
                values["url"] = values["url"] or ""  # of a row that had none
                told = self._told(values, end)
                self.whole, self._last = end, row
                yield told
            self.whole = end
            self._line += row.count(b"\n")

    def _header(self, line: bytes) -> list[str]:
        """Read the names of the columns; none where the header row itself is torn."""
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
        """What tells the columns of the file from those that are wanted."""
        lacking = ", ".join(self._spoken(name) for name in wanted if name not in there)
        beside = ", ".join(self._spoken(name) for name in there if name not in wanted)
        parts = (f"; it lacks {lacking}" if lacking else "", f"; only it has {beside}" if beside else "")
        return "".join(parts) or f", which are {','.join(wanted)}"

    def _row(self) -> bytes:
        """Take lines until no quote is open; a row that the file ends in is what there is of it."""
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
        """Whether whole rows stand in what seems to be one torn row: a quote that somebody left open."""
        outcome = names.index("outcome")
        return any(
            len(cells := self._cells(line + b"\n", len(names))) == len(names) and cells[outcome] in WORDS
            for line in rest.split(b"\n")[1:]
        )

    def _cells(self, row: bytes, most: int) -> list[str]:
        """Read a row's first cells, up to the first that is none."""
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

    def _told(self, value: dict[str, Any], end: int) -> RecordSummary:
        for needed in NEEDED:
            if not isinstance(value.get(needed), str):
                raise self._error(f"no field {needed}")
        if value["outcome"] not in WORDS:
            raise self._error(f"no outcome: {brief(value['outcome'])}")
        error = value.get("error")
        if "error" not in value and value["outcome"] == "http_error":
            error = "http_5xx" if str(value.get("status")) >= "500" else "http_4xx"
        method = value.get("method")
        return RecordSummary(
            value["url"],
            value["outcome"],
            error if isinstance(error, str) else None,
            method if isinstance(method, str) else "GET",
            end,
            apart(value.get("request")),
        )

    def _end_in(self, rest: bytes, *, begun: bool) -> None:
        if not begun and rest.strip(b"\0"):  # a machine that lost its power may leave zeros
            raise self._error("no JSON" if self._form == "jsonl" else "a quote that is not closed")
        self.torn = len(rest)

    def _error(self, reason: str) -> UsageError:
        return UsageError(f"{brief(self._name, 500)}:{self._line}: no record of scrapepool ({reason})")


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Cut bytes after line feeds; the last line may have none."""
    begun: list[bytes] = []
    for piece in pieces:
        *lines, rest = piece.split(b"\n")
        for line in lines:
            if begun:
                yield b"".join([*begun, line, b"\n"])
                begun = []
            else:
                yield line + b"\n"
        if rest:
            begun.append(rest)
    if begun:
        yield b"".join(begun)


def _form_by(line: bytes) -> RecordFormat:
    """Tell the format by a file's first line."""
    if line.startswith((b"{", b"\n", b"\r")):
        return "jsonl"
    return "tsv" if b"\t" in line else "csv"


def _begins_object(text: bytes) -> bool:
    """Whether this may be the beginning of a record that was not written to its end."""
    return re.fullmatch(rb'\{(?:"(?:[a-z_0-9]*|[a-z_0-9]+"(?::.*)?))?', text, re.DOTALL) is not None
