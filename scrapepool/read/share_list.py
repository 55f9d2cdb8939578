"""The rows of one share of the hosts in a file of their own, and how they are read as if from the lists they are of.

Decides that a row keeps its list and the numbers of its lines, so that records are those of a run over the whole lists.
The first line of the file describes the lists as JSON. Chunks follow, in any order: each is a line of JSON with the
number of its list, its bytes and the numbers of its lines, and then rows of that list as they are.
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import groupby
from operator import itemgetter
from typing import Any

from ..errors import ListError, system_reason
from ..fallbacks import pread
from ..settings import InputSettings
from .documents.link_rows import LinkRows
from .formats.detect import DOCUMENTS, row_format
from .formats.rows import RowFormat, TextRows
from .sources import ListSource
from .streams.pieces import PIECE

ATTRIBUTES = ("name", "label", "unit", "numbered", "deduped", "format")
"""What is kept of a list, beside the bytes before its first row."""


ListRow = tuple[int, int, bytes]
"""The number of a row's list, its line, and its bytes."""


def head_line(sources: Sequence[ListSource]) -> bytes:
    """Return the line that describes the lists, in the order of their numbers. Raises ListError."""
    return json.dumps([_described(source) for source in sources]).encode() + b"\n"


def _described(source: ListSource) -> dict[str, Any]:
    assert source.rows is not None  # noqa: S101 - it has rows in the file
    try:
        head = source.read_at(0, source.rows.start)
    except OSError as error:
        raise ListError(source.name, system_reason(error)) from error
    return {**{name: getattr(source, name) for name in ATTRIBUTES}, "head": head.decode("latin-1")}


def chunks(sources: Sequence[ListSource], rows: Iterable[ListRow]) -> bytes:
    """Return the chunks of some rows. Those of one list are in the order of their lines.

    sources: the lists, by their numbers. Rows are judged as they would be in their lists, also if they are too long or
    have a quote that is not closed.
    """
    written: list[bytes] = []
    for place, some in groupby(rows, itemgetter(0)):
        found = sources[place].rows
        assert found is not None  # noqa: S101 - it has rows
        lines, waiting = list[int](), list[bytes]()
        if isinstance(found, TextRows):
            most = found.max_row + 1
            for _, line, row in some:
                lines.append(line)
                waiting.append(row[:most])
        else:
            for _, line, row in some:
                cut, end = found.cut(row + b"\n")
                if len(cut) == 1 and end == len(row) + 1:
                    lines.extend(range(line, line + row.count(b"\n") + 1))
                    waiting.append(row)
                else:
                    first = row.partition(b"\n")[0][: found.max_row + 1]
                    written.append(_chunk(place, [line], [first], alone=True))
        if waiting:
            written.append(_chunk(place, lines, waiting))
    return b"".join(written)


def _chunk(place: int, lines: Sequence[int], rows: Sequence[bytes], *, alone: bool = False) -> bytes:
    """Return a chunk. alone: no other row may follow it in its list."""
    content = b"\n".join(rows)
    about = {"list": place, "alone": alone, "bytes": len(content) + 1, "lines": lines}
    return b"%b\n%b\n" % (json.dumps(about, separators=(",", ":")).encode(), content)


def share_sources(path: str, settings: InputSettings) -> list[ListSource]:
    """Open the lists in a file. Each row that has to be alone is a list of its own. Raises ListError."""
    with ExitStack() as opened:
        try:
            file = opened.enter_context(closing(_ShareFile(path)))
            found = _sources(file, settings)
        except OSError as error:
            raise ListError(path, system_reason(error)) from error
        except (ValueError, LookupError, TypeError) as error:
            raise ListError(path, "is not the list of a shard") from error
        opened.pop_all()
        return found


def _sources(file: _ShareFile, settings: InputSettings) -> list[ListSource]:
    described = json.loads(file.head)
    whole = [_ShareSource(file, about, settings) for about in described]
    alone = []
    for about, start in file.chunks():
        source = whole[about["list"]]
        if about["alone"]:
            source = _ShareSource(file, described[about["list"]], settings)
            alone.append(source)
        source.add(start, about["bytes"], about["lines"])
    return [*whole, *alone]


class _ShareFile:
    """The open file of all of its lists. head: its first line. ``close`` may be called more than once."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "rb")  # noqa: PTH123, SIM115 - ``close`` closes it
        self.head = self._file.readline()

    def chunks(self) -> Iterator[tuple[dict[str, Any], int]]:
        """Yield what each chunk says of itself, and where its rows begin."""
        while line := self._file.readline():
            about = json.loads(line)
            start = self._file.tell()
            yield about, start
            self._file.seek(start + about["bytes"])

    def read_at(self, offset: int, size: int) -> bytes:
        """Read bytes at an offset."""
        return pread(self._file.fileno(), size, offset)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _ShareSource(ListSource):
    """The rows of one list. Its bytes are those before the first row of the list, and then its chunks."""

    def __init__(self, file: _ShareFile, about: dict[str, Any], settings: InputSettings) -> None:
        for name in ATTRIBUTES:
            setattr(self, name, about[name])
        self._file = file
        self._head: bytes = about["head"].encode("latin-1")
        self.rows = _rows_of(self.name, self.format, self._head, settings)
        self._numbers = array("Q")
        self._starts: list[int] = []  # of the chunks, in the bytes of the list
        self._places: list[int] = []  # of the chunks, in the file
        self._end = len(self._head)

    def add(self, place: int, size: int, lines: Sequence[int]) -> None:
        """Add a chunk of ``size`` bytes, which begins at ``place`` in the file."""
        self._starts.append(self._end)
        self._places.append(place)
        self._end += size
        self._numbers.extend(lines)

    def number(self, line: int) -> int | None:
        """As ``ListSource``: the number that the line had."""
        assert self.rows is not None  # noqa: S101 - it is set above
        return self._numbers[line - self.rows.first_line] if self.numbered else None

    def blocks(self) -> Iterator[bytes]:
        """As ``ListSource``."""
        for offset in range(0, self._end, PIECE):
            try:
                yield self.read_at(offset, PIECE)
            except OSError as error:
                raise ListError(self.name, system_reason(error)) from error

    def read_at(self, offset: int, size: int) -> bytes:
        """As ``ListSource``."""
        end = min(offset + size, self._end)
        pieces = [self._head[offset:end]]
        offset += len(pieces[0])
        while offset < end:
            chunk = bisect_right(self._starts, offset) - 1
            until = self._starts[chunk + 1] if chunk + 1 < len(self._starts) else self._end
            start = self._places[chunk] + offset - self._starts[chunk]
            piece = self._file.read_at(start, min(end, until) - offset)
            if not piece:
                break
            pieces.append(piece)
            offset += len(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """As ``ListSource``."""
        self._file.close()


def _rows_of(name: str, kind: str | None, head: bytes, settings: InputSettings) -> RowFormat:
    if kind in DOCUMENTS:
        return LinkRows()
    return TextRows(plain=True) if kind is None else row_format(name, kind, head, settings)
