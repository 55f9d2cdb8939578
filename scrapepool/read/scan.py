"""The one pass over a list: finds its targets and duplicates, and keeps no row.

Decides which rows are targets. The loop over the verbatim URLs of a text list is the hot path for lists of millions: it
decodes no row, and reads a host off the bytes where it is spelled as usual; any other spelling is parsed once. Runs in
the reading thread. This file is long because the hot path does in one loop what other rows do by function calls.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from ..errors import InvalidURLError
from ..model import Apart, ErrorKind, RowRequest, Skipped, Target, Unchanged
from ..settings import InputSettings
from ..text import without_password
from ..url import ParsedURL, parse
from ..validators import Known
from .batch_queue import PendingBatch
from .entries import place, rejected, target_url
from .formats.rows import MAX_LINE, Entry, RowError, RowFormat, TextRows
from .host_cache import VERBATIM, HostCache
from .seen.finished import Finished
from .seen.hash_tables import UNKNOWN_PLACE, FirstSeen
from .seen.occurrences import Occurrences
from .seen.target_id import target_id
from .tickets import LINE_BITS, LINE_MASK, MAX_OFFSET, ListSpan

SHOWN_BYTES = 2_000
"""Bytes of a row that is too long that its record shows."""

MANY_KINDS = 16
"""A block with more than so many different rows of white space is parsed row by row."""


class Scan:
    """Goes through lists one after another, and finds duplicates across all of them.

    hosts: receives the hosts of rows. finished: targets to pass over; None for none. method: the run's.
    occurrences: receives the occurrences of tickets, see ``TicketIndex``. fresh: given a request id
    (``results.failures.request_id``), returns what is known of a page that need not be requested again, None for any
    other page.

    With ``settings.shard``, lines of hosts in other shares are passed over. Lines that name no host are in the first
    share.
    """

    def __init__(
        self,
        settings: InputSettings,
        publish: Callable[[PendingBatch, ListSpan], None],
        hosts: HostCache,
        finished: Finished | None = None,
        method: str = "GET",
        occurrences: dict[int, int] | None = None,
        fresh: Callable[[int], Known | None] | None = None,
    ) -> None:
        self._method = method
        self._method_number = hash(method)
        self._fresh = fresh
        self._occurrences = {} if occurrences is None else occurrences
        self._with_password = Occurrences()
        self._base_url = settings.base_url
        self._shard = settings.shard
        self.of_other_shards = 0  # lines that were passed over
        self._seen = FirstSeen() if settings.dedupe else None
        self._spans: list[tuple[int, ListSpan]] = []  # each with the number of lines in the lists before it
        self._place = 0  # the number of lines in the lists before the current one
        self._is_finished = finished.take if finished is not None and len(finished) else None
        self._publish = publish
        self._hosts = hosts
        self._pending = PendingBatch()
        self._empty = 0  # empty rows and comments of the current list

    def run(self, span: ListSpan) -> int:
        """Read a list to its end; return the number of its bytes. Raises ListError."""
        source = span.source
        self._empty = 0
        self._spans.append((self._place, span))
        carry = b""
        offset = 0  # of ``carry``
        line = 0  # number of the first row in ``carry``; 0 until the first row is reached
        endless = False
        for piece in source.blocks():
            rows = source.rows
            assert rows is not None  # noqa: S101  # it is set before the first block
            block = carry + piece if carry else piece
            if endless:
                cut = block.find(b"\n") + 1 or len(block)
                endless = block[cut - 1 : cut] != b"\n"
                block, offset, line = block[cut:], offset + cut, line + (not endless)
            if not line and len(block) >= rows.start:
                block, offset, line = block[rows.start :], rows.start, rows.first_line
            carry = block
            if line and block:
                carry, offset, line = self._block(span, rows, block, offset, line)
                if len(carry) > rows.max_row and b"\n" not in carry:
                    self._too_long(span, rows, carry, offset, line)
                    carry, offset, endless = b"", offset + len(carry), True
            self._flush(span, offset)
        rows = source.rows
        source.size = end = offset + len(carry)
        if carry and line and rows is not None:  # the last line has no line feed, or a quote was not closed
            carry, offset, line = self._block(span, rows, carry + b"\n", offset, line)
            while carry:
                carry, offset, line = self._unclosed(span, carry, offset, line)
                if carry:
                    carry, offset, line = self._block(span, rows, carry, offset, line)
            self._flush(span, end)
        self._place += line
        return end

    @property
    def empty(self) -> int:
        """Empty rows and comments of the list that was read last."""
        return self._empty

    def _flush(self, span: ListSpan, offset: int) -> None:
        """Publish what was found before the row at this offset."""
        span.source.on_rows_found(offset, self._pending.found)
        if len(self._pending):
            batch, self._pending = self._pending, PendingBatch()
            self._publish(batch, span)

    def _block(self, span: ListSpan, rows: RowFormat, block: bytes, offset: int, line: int) -> tuple[bytes, int, int]:
        """Go through a block's complete rows; return the rest of the block, its offset and its line number."""
        while True:
            found, end = rows.cut(block)
            if isinstance(rows, TextRows):
                self._text(span, rows, block[:end], found, offset, line)
                line += len(found)
            else:
                at = offset
                if block[:end].isspace() and _pass_over(rows, found):
                    self._empty += len(found)
                    line += len(found)
                    found = ()
                for row in found:
                    self._row(span, rows, row, at, line)
                    at += len(row) + 1
                    line += row.count(b"\n") + 1
            block, offset = block[end:], offset + end
            if len(block) <= rows.max_row or b"\n" not in block:
                return block, offset, line
            block, offset, line = self._unclosed(span, block, offset, line)

    def _unclosed(self, span: ListSpan, block: bytes, offset: int, line: int) -> tuple[bytes, int, int]:
        """Reject the first line of a CSV row that does not end; the next line may be a valid row."""
        first = block[: block.find(b"\n")]
        self._reject(span, first[:SHOWN_BYTES].decode(errors="replace"), offset, line, "a quote that is not closed")
        end = len(first) + 1
        return block[end:], offset + end, line + 1

    def _too_long(self, span: ListSpan, rows: RowFormat, row: bytes, offset: int, line: int) -> None:
        reason = f"longer than {rows.max_row // 1024} KiB"
        self._reject(span, row[:SHOWN_BYTES].decode(errors="replace"), offset, line, reason)

    def _text(  # noqa: PLR0912 - a function call per line would cost more than the line
        self, span: ListSpan, rows: TextRows, block: bytes, found: Sequence[bytes], offset: int, line: int
    ) -> None:
        if not found:
            return
        base = span.base
        feed = 1
        if b"\r" in block and block.count(b"\r\n") == len(found) == block.count(b"\r"):
            found, feed = block[:-2].split(b"\r\n"), 2
        all_clean = not block.translate(None, VERBATIM + b"\r\n" if feed == 2 else VERBATIM + b"\n")
        low = line & LINE_MASK
        epoch = line - low
        if low + len(found) > LINE_MASK or span.base + offset + len(block) >= MAX_OFFSET:
            self._each(span, rows, found, feed, offset, line)
            return
        if rows.hold_nothing(block) and len(max(found, key=len)) <= MAX_LINE:
            self._empty += len(found)  # half a megabyte of gzip may decompress to half a gigabyte of such lines
            return
        tickets_of = self._pending.added.setdefault
        spelling, read_host = self._hosts.by_prefix.get, self._hosts.read
        seen = self._seen.seen if self._seen is not None and span.source.deduped else _never
        at, step = self._place + line, 1
        if at + len(found) >= UNKNOWN_PLACE:
            at, step = UNKNOWN_PLACE, 0
        is_finished, is_fresh = self._is_finished, self._fresh
        count = 0
        spelled, known, cut = b"\n", None, 0  # of the previous row: most rows have the same host as the previous one
        tickets: list[int] | None = None  # of that host, once it has one in this block
        for row in found:
            if not row.startswith(spelled):
                cut = row.find(b"/", 8) + 1
                prefix, tickets = row[:cut], None
                known = spelling(prefix) or read_host(prefix)
                spelled = b"\n" if known is None else prefix
            size = len(row)
            if known is None or size > MAX_LINE or not (all_clean or not row.translate(None, VERBATIM)):
                self._text_row(span, rows, row, offset, epoch + low)
            else:
                host, usual = known
                number = hash(row if usual is None else usual + row[cut:])
                if first := seen(number, at):
                    self._duplicate(span, rows, row, offset, epoch + low, first)
                elif is_finished is not None and is_finished(number):
                    pass
                elif is_fresh is not None and (page := is_fresh(number ^ self._method_number)) is not None:
                    url = row.decode("ascii")
                    self._unchanged(span, url, parse(url), offset, epoch + low, page)
                else:
                    tickets = tickets or tickets_of(host, [])
                    tickets.append((base + offset) << LINE_BITS | low)
                    count += 1
            offset += size + feed
            low += 1
            at += step
        self._pending.found += count

    def _each(self, span: ListSpan, rows: TextRows, found: Sequence[bytes], feed: int, offset: int, line: int) -> None:
        """Take rows of which the line numbers pass a multiple of 2^24. feed: bytes of a line end."""
        for row in found:
            span.reach(offset, line)
            self._row(span, rows, row, offset, line)
            offset += len(row) + feed
            line += 1

    def _text_row(self, span: ListSpan, rows: TextRows, row: bytes, offset: int, line: int) -> None:
        """Parse one row of a text list, unless it is a verbatim URL of a host that is known to be in another shard."""
        if len(row) <= MAX_LINE and self._hosts.is_of_other(row):
            self.of_other_shards += 1
        else:
            self._row(span, rows, row, offset, line)

    def _row(self, span: ListSpan, rows: RowFormat, row: bytes, offset: int, line: int) -> None:
        """Parse one row of any format, and add it to the batch."""
        if len(row) > rows.max_row:
            self._too_long(span, rows, row, offset, line)
            return
        try:
            entry = rows.parse(row)
        except RowError as error:
            shown = row[:SHOWN_BYTES].decode(errors="replace") if error.shown is None else error.shown
            self._reject(span, shown, offset, line, str(error), error.input)
            return
        if entry is None:
            self._empty += 1
        else:
            self._entry(span, rows, row, entry, offset, line)

    def _entry(self, span: ListSpan, rows: RowFormat, row: bytes, entry: Entry, offset: int, line: int) -> None:
        """Judge what a row says."""
        try:
            url, parsed = target_url(entry.url, self._base_url)
        except InvalidURLError as error:
            self._reject(span, entry.url, offset, line, error, entry.input, entry.request)
            return
        if self._shard is not None and not self._shard.holds(parsed.host.host):
            self.of_other_shards += 1
            if parsed.userinfo is None and isinstance(rows, TextRows):
                self._hosts.learn(row, parsed.host, other=True)
            return
        apart = None if entry.request is None else entry.request.apart(self._method)
        number = target_id(parsed, apart)
        if self._seen is not None and span.source.deduped:
            first = self._seen.seen(number, min(self._place + line, UNKNOWN_PLACE))
            if first:
                self._repeat(span, url, parsed, offset, line, entry, first)
                return
        occurrence = 1
        if parsed.userinfo is not None:
            occurrence, number = self._with_password.count(parsed, apart or Apart())
        ticket = span.ticket(offset, line)
        is_fresh = self._fresh if entry.request is None else None
        if self._is_finished is not None and self._is_finished(number):
            pass
        elif is_fresh is not None and (page := is_fresh(number ^ self._method_number)) is not None:
            self._unchanged(span, url, parsed, offset, line, page, entry.input, occurrence)
        else:
            if occurrence > 1:
                self._occurrences[ticket] = occurrence
            if entry.request is not None and isinstance(rows, TextRows):
                rows.keep(row, entry)
            self._pending.added[parsed.host].append(ticket)
            self._pending.found += 1
        if parsed.userinfo is None and isinstance(rows, TextRows):
            self._hosts.learn(row, parsed.host)

    def _duplicate(self, span: ListSpan, rows: TextRows, row: bytes, offset: int, line: int, first: int) -> None:
        entry = rows.parse(row)
        assert entry is not None  # noqa: S101  # it is a clean URL
        self._repeat(span, entry.url, parse(entry.url), offset, line, entry, first)

    def _repeat(
        self, span: ListSpan, url: str, parsed: ParsedURL, offset: int, line: int, entry: Entry, first: int
    ) -> None:
        """Report a duplicate. first: the number of the earlier row among the lines of all lists."""
        target = _target(span, url, parsed, line, entry.input, request=entry.request)
        repeat = Skipped(target=target, error=ErrorKind.DUPLICATE, detail=f"the same as {self._described(first)}")
        self._pending.reject(repeat, span.ticket(offset, line))

    def _unchanged(
        self,
        span: ListSpan,
        url: str,
        parsed: ParsedURL,
        offset: int,
        line: int,
        page: Known,
        row: dict[str, Any] | None = None,
        occurrence: int = 1,
    ) -> None:
        """Report a row whose page need not be requested. row: its other columns."""
        target = _target(span, url, parsed, line, row, occurrence=occurrence, known=page)
        self._pending.reject(Unchanged(target=target, fresh=True), span.ticket(offset, line))

    def _described(self, first: int) -> str:
        """Describe where a row is, for messages. first: its number among the lines of all lists."""
        if first >= UNKNOWN_PLACE:
            return "an earlier line"
        before, span = self._spans[bisect_left(self._spans, first, key=itemgetter(0)) - 1]
        source = span.source
        number = source.number(first - before)
        return "an earlier argument" if number is None else place(source.name, number, source.unit)

    def _reject(
        self,
        span: ListSpan,
        text: str,
        offset: int,
        line: int,
        error: InvalidURLError | str,
        row: dict[str, Any] | None = None,
        request: RowRequest | None = None,
    ) -> None:
        if self._shard is not None and not self._shard.holds(""):
            self.of_other_shards += 1
            return
        source = span.source
        number = source.number(line)
        skipped = rejected(text, number, source.name, error, row, source.unit, source.label, request)
        self._pending.reject(skipped, span.ticket(offset, line))


def _target(
    span: ListSpan,
    url: str,
    parsed: ParsedURL,
    line: int,
    row: dict[str, Any] | None,
    *,
    request: RowRequest | None = None,
    occurrence: int = 1,
    known: Known | None = None,
) -> Target:
    """Make the target of a row that is not fetched. row: its other columns."""
    source, (host, path, userinfo) = span.source, parsed
    number = source.number(line)
    shown = without_password(url)
    return Target(shown, host, path, number, userinfo, row, request, occurrence, source.label, known=known)


def _never(_number: int, _place: int) -> int:
    return 0


def _pass_over(rows: RowFormat, found: Sequence[bytes]) -> bool:
    """Whether the format passes over all of these rows of white space."""
    kinds = set(found)
    if len(kinds) > MANY_KINDS or max(map(len, kinds)) > rows.max_row:
        return False
    try:
        return all(rows.parse(row) is None for row in kinds)
    except RowError:
        return False
