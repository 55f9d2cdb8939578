"""From a ticket back to its target.

Decides how many bytes are read to find one row again, and what is reported if the list has changed. Runs in the
engine's thread while another thread still reads the lists.
"""

from __future__ import annotations

from ..errors import InvalidURLError, ListError
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


class Lookup:
    """Finds rows by their tickets. For one thread."""

    def __init__(self, index: TicketIndex, settings: InputSettings) -> None:
        self._index = index
        self._base_url = settings.base_url
        self._source: ListSource | None = None
        self._label: str | None = None
        self._in_text = False  # whether ``_source`` is a list of lines
        self._start = 0
        self._window = b""
        self._hosts = HostCache()

    def target(self, ticket: int) -> Target | Skipped:
        """Parse the ticket's row again. Raises ListError if it cannot be read."""
        span, offset, line = self._index.locate(ticket)
        source = span.source
        number = line if source.numbered else None
        rows = source.rows
        if source is self._source and self._in_text and (found := self._clean(offset, number)) is not None:
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
            raise ListError(source.name, error.strerror or str(error)) from error
        return rejected("", number, source.name, CHANGED, unit=source.unit, source=source.label)

    def row(self, ticket: int) -> tuple[ListSource, bytes | None]:
        """Return the list of a ticket, and its row as bytes, None if the list has changed. Raises ListError."""
        span, offset, _ = self._index.locate(ticket)
        source = span.source
        assert source.rows is not None  # noqa: S101  # a ticket was given for one of its rows
        try:
            return source, self._row(source, source.rows, offset)
        except OSError as error:
            raise ListError(source.name, error.strerror or str(error)) from error

    def _clean(self, offset: int, number: int | None) -> Target | None:
        """Return the target of a line in the window that is a verbatim URL of a known host; None for any other."""
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
        return Target(url, known[0], url[cut - 1 :], number, source=self._label)

    def _row(self, source: ListSource, rows: RowFormat, offset: int) -> bytes | None:
        """Find the row at this offset; None if no row begins there any more."""
        at = offset - self._start
        if source is not self._source or not 0 < at < len(self._window) or rows.end(self._window, at) < 0:
            self._source, self._start, self._in_text = source, max(0, offset - 1), isinstance(rows, TextRows)
            self._label = source.label
            at = offset - self._start
            for size in (source.window, rows.max_row // 8, rows.max_row + source.window):
                self._window = source.read_at(self._start, size)
                if len(self._window) < size or rows.end(self._window, at) >= 0:
                    break
        window = self._window
        if offset != rows.start and window[at - 1 : at] != b"\n":
            return None
        end = rows.end(window, at)
        if end < 0:  # the last line of a list may have no line feed
            end = len(window)
        return window[at:end]
