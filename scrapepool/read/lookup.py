"""From a ticket back to its target.

Decides how many bytes are read to find one row again, and what is reported if the list has changed. Runs in the
engine's thread while another thread still reads the lists.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator

from ..errors import InvalidURLError, ListError, system_reason
from ..model import Skipped, Target
from ..settings import InputSettings
from ..text import without_password
from .entries import rejected, target_url
from .formats.rows import RowError, RowFormat, TextRows
from .host_cache import VERBATIM, HostCache
from .sources import ListSource
from .tickets import TicketIndex

LINE_FEED = ord("\n")
CHANGED = "the list changed during the run"

MAX_BLOCKS = 128
"""Blocks of one list that are kept: hosts take turns, and so the rows of a while are in few blocks, in any order."""

AHEAD = 256 * 1024
"""Bytes of a list of lines that are read at once when its rows come in order."""

ROW_ROOM = 512
"""Bytes that are read beyond a block, so that its last row is seldom cut."""


class Lookup:
    """Finds rows by their tickets. For one thread. hosts: what the reading thread has read off its rows."""

    def __init__(self, index: TicketIndex, settings: InputSettings, hosts: HostCache) -> None:
        self._index = index
        self._base_url = settings.base_url
        self._source: ListSource | None = None
        self._label: str | None = None
        self._in_text = False  # whether ``_source`` is a list of lines
        self._start = 0
        self._window = b""
        self._blocks: OrderedDict[int, bytes] = OrderedDict()  # of ``_source``, by number; the last used one is last
        self._hosts = hosts

    def target(self, ticket: int) -> Target | Skipped:
        """Parse the ticket's row again. Raises ListError if it cannot be read."""
        span, offset, line = self._index.locate(ticket)
        source = span.source
        number = source.number(line)
        rows = source.rows
        if source is self._source and self._in_text and (found := self._clean(source, offset, number)) is not None:
            return found
        assert rows is not None  # noqa: S101  # a ticket was given for one of its rows
        try:
            row = self._row(source, rows, offset)
            if row is not None and self._in_text and (found := self._verbatim(row, number)) is not None:
                return found
            entry = rows.parse(row) if row is not None else None
            if entry is not None:
                url, (host, path, userinfo) = target_url(entry.url, self._base_url)
                if row is not None and userinfo is None and isinstance(rows, TextRows):
                    self._hosts.learn(row, host)
                place, row_input = (number, source.label), entry.input
                if entry.request is not None and entry.request.place is not None:
                    place, row_input = entry.request.place, entry.input or None
                target = Target(url, host, path, place[0], userinfo, row_input, entry.request, source=place[1])
                target.bare = url is not entry.url and url in (f"https://{entry.url}", f"https:{entry.url}")
                if userinfo is not None:
                    target.url = without_password(url)
                    target.occurrence = self._index.occurrences.get(ticket, 1)
                return target
        except (RowError, InvalidURLError):
            pass
        except OSError as error:
            raise ListError(source.name, system_reason(error)) from error
        return rejected("", number, source.name, CHANGED, unit=source.unit, source=source.label)

    def rows(self, tickets: Iterable[int]) -> Iterator[tuple[ListSource, int, bytes | None]]:
        """Yield the list of each ticket, its line, and its row as bytes; None if the list has changed.

        tickets: in ascending order. Raises ListError.
        """
        locate, current, window, start = self._index.locate, None, b"", 0
        for ticket in tickets:
            span, offset, line = locate(ticket)
            source = span.source
            rows = source.rows
            assert rows is not None  # noqa: S101  # a ticket was given for one of its rows
            try:
                if not isinstance(rows, TextRows):
                    yield source, line, self._row(source, rows, offset)
                    continue
                end = window.find(b"\n", offset - start) if source is current else -1
                if end < 0:
                    current, start = source, max(0, offset - 1)
                    window = source.read_at(start, AHEAD)
                    end = window.find(b"\n", offset - start)
            except OSError as error:
                raise ListError(source.name, system_reason(error)) from error
            at = offset - start
            whole = offset == rows.start or window[at - 1 : at] == b"\n"
            yield source, line, window[at : len(window) if end < 0 else end] if whole else None

    def _clean(self, source: ListSource, offset: int, number: int | None) -> Target | None:
        """Return the target of a line in a known block that is a verbatim URL of a known host; None for any other."""
        window, at = self._window, offset - self._start
        if not 0 < at < len(window):
            if not self._recall(source, offset):
                return None
            window, at = self._window, offset - self._start
        if not 0 < at <= len(window) or window[at - 1] != LINE_FEED or (end := window.find(b"\n", at)) < 0:
            return None
        return self._verbatim(window[at:end], number)

    def _verbatim(self, row: bytes, number: int | None) -> Target | None:
        cut = row.find(b"/", 8) + 1
        known = self._hosts.by_prefix.get(row[:cut]) or self._hosts.read(row[:cut])
        if known is None or row.translate(None, VERBATIM):
            return None
        url = row.decode("ascii")
        target = Target(url, known[0], url[cut - 1 :], number)
        target.source = self._label
        return target

    def _row(self, source: ListSource, rows: RowFormat, offset: int) -> bytes | None:
        """Find the row at this offset; None if no row begins there any more."""
        if source is not self._source:
            self._source, self._in_text, self._label = source, isinstance(rows, TextRows), source.label
            self._window = b""
            self._blocks.clear()
        if not self._has(rows, offset) and not (self._recall(source, offset) and self._has(rows, offset)):
            self._load(source, rows, offset)
        window, at = self._window, offset - self._start
        if offset != rows.start and window[at - 1 : at] != b"\n":
            return None
        end = rows.end(window, at)
        if end < 0:  # the last line of a list may have no line feed
            end = len(window)
        return window[at:end]

    def _has(self, rows: RowFormat, offset: int) -> bool:
        """Return whether the whole row at this offset is in the window."""
        at = offset - self._start
        return 0 < at < len(self._window) and rows.end(self._window, at) >= 0

    def _recall(self, source: ListSource, offset: int) -> bool:
        """Make the known block with this offset the window; return False if it is not known."""
        number = offset // source.window
        block = self._blocks.get(number)
        if block is None:
            return False
        self._blocks.move_to_end(number)
        self._window, self._start = block, _block_start(number, source.window)
        return True

    def _load(self, source: ListSource, rows: RowFormat, offset: int) -> None:
        """Read the block with this offset, and more where the row is longer, into the window."""
        number = offset // source.window
        start = _block_start(number, source.window) if source.rereadable else max(0, offset - 1)
        self._start, at = start, offset - start
        for room in (ROW_ROOM, rows.max_row // 8, rows.max_row + source.window):
            size = source.window + room
            self._window = source.read_at(start, size)
            if len(self._window) < size or rows.end(self._window, at) >= 0:
                break
        if source.rereadable and room == ROW_ROOM:
            self._blocks[number] = self._window
            self._blocks.move_to_end(number)
            if len(self._blocks) > MAX_BLOCKS:
                self._blocks.popitem(last=False)


def _block_start(number: int, size: int) -> int:
    """Return where a block begins: at the line feed before its first row."""
    return max(0, number * size - 1)
