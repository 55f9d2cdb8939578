"""Lists that may never end: how far ahead they are read, and what is kept of them."""

from __future__ import annotations

import gc
import io
import os
import tempfile
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.errors import ListError
from scrapepool.model import Target
from scrapepool.read import TargetList, batch_queue, sources
from scrapepool.read.streams.spool import RollingSpool
from scrapepool.settings import InputSettings
from tests.read.reading import Reading, Waiting

AHEAD = 500
"""Targets that are read ahead in these tests."""

PIECE = 20
"""Rows that the endless stream gives at a time."""


class Endless(io.RawIOBase):
    """A stream of rows without an end. given: rows so far. last: the number of the last row, for one that does end."""

    def __init__(self, row: str, last: int | None = None) -> None:
        self._row = row
        self._numbers = count(1)
        self._last = last
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        rows = [self._row.format(next(self._numbers)) for _ in range(PIECE) if self.given != self._last]
        self.given += len(rows)
        return "".join(f"{row}\n" for row in rows).encode()


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small measures, so that few rows reach them."""
    monkeypatch.setattr(batch_queue.BatchQueue.__init__, "__kwdefaults__", {"batches": 8, "ahead": AHEAD})
    monkeypatch.setattr(RollingSpool.__init__, "__defaults__", (1000,))


def opened() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("auto", "http://h{}.example/"),
        ("jsonl", '{{"url": "http://a.example/{}", "n": "x"}}'),
        ("prose", "see http://h{}.example."),
    ],
)
def test_endless_standard_input_is_read_as_it_is_used(kind: str, row: str, short: None) -> None:
    """No more than agreed is read ahead, every row is found, and what was looked up is dropped."""
    stream = Endless(row)
    gc.collect()  # files of other tests, which would be closed meanwhile
    before = opened()
    targets = TargetList(["-"], InputSettings(format=kind), stdin=stream)
    reading = Reading(targets)
    for rows in (1000, 2000, 4000):
        reading.some(rows)
        assert stream.given <= len(reading.found) + AHEAD + 10 * PIECE
    numbers = [int("".join(filter(str.isdigit, target.url))) for target in reading.found]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    assert opened() - before < 50
    targets.close()
    assert opened() == before


def test_nothing_is_read_ahead_of_targets_that_are_not_used(short: None) -> None:
    """Where nobody looks targets up, reading stops, and begins again with the first that are."""
    stream = Endless("http://h{}.example/")
    targets = TargetList(["-"], InputSettings(), stdin=stream)
    waiting = Waiting()
    targets.wake = waiting
    tickets: list[int] = []

    def polled() -> bool:
        while (batch := targets.poll()) is not None:
            tickets.extend(ticket for some in batch.added.values() for ticket in some)
        return len(tickets) >= AHEAD

    waiting.until(polled)
    assert stream.given < AHEAD + 3 * PIECE
    before = len(tickets)
    for ticket in tickets[: 3 * PIECE]:
        assert isinstance(targets.target(ticket), Target)
    waiting.until(lambda: polled() and len(tickets) > before)
    targets.close()


def test_a_row_that_is_not_used_keeps_what_it_needs(short: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """One row of a host that is not requested holds a stretch of the list, and bounds how much is kept of the rest."""
    monkeypatch.setattr(sources, "AHEAD_BYTES", 20_000)
    row = "http://h{}.example/" + "x" * 100
    targets = TargetList(["-"], InputSettings(), stdin=Endless(row))
    waiting = Waiting()
    targets.wake = waiting
    left: list[int] = []
    used: list[str] = []

    def polled() -> bool:
        while (batch := targets.poll()) is not None:
            for some in batch.added.values():
                for ticket in some:
                    if len(used) % 500 == 0 and len(left) < 3:
                        left.append(ticket)
                    found = targets.target(ticket) if ticket not in left else None
                    used.append(found.url if isinstance(found, Target) else "")
        return len(used) > 3000

    waiting.until(polled)
    late = [targets.target(ticket) for ticket in left]
    assert [target.url for target in late if isinstance(target, Target)] == [
        row.format(place + 1) for place, url in enumerate(used) if not url
    ]
    targets.close()


def test_a_list_that_is_to_be_read_whole_is(short: None) -> None:
    """A plan counts all rows before it looks any up."""
    targets = TargetList(["-"], InputSettings(), stdin=Endless("http://h{}.example/", 3000), whole=True)
    waiting = Waiting()
    targets.wake = waiting
    found: list[int] = []

    def polled() -> bool:
        while (batch := targets.poll()) is not None:
            found.extend(ticket for some in batch.added.values() for ticket in some)
        return targets.exhausted

    waiting.until(polled)
    assert not targets.lazy
    assert [target.line for target in map(targets.target, found)] == list(range(1, 3001))  # type: ignore[union-attr]
    targets.close()


def test_an_interrupted_pipe_is_left(tmp_path: Path, short: None) -> None:
    """A named pipe is read as standard input is, and its writer gets an error once it is no longer read."""
    os.mkfifo(path := tmp_path / "fifo")
    targets = TargetList([str(path)], InputSettings())
    assert targets.lazy
    writer = os.open(path, os.O_WRONLY)
    os.write(writer, b"http://a.example/1\n")
    assert len(Reading(targets).some(1).found) == 1
    targets.close()
    with pytest.raises(BrokenPipeError):
        os.write(writer, b"http://a.example/2\n")
    os.close(writer)


@given(st.lists(st.lists(st.binary(max_size=12).map(lambda row: row.replace(b"\n", b"")), max_size=8)), st.randoms())
def test_a_rolling_spool_keeps_what_is_to_be_read(pieces: list[list[bytes]], random: object) -> None:
    """Every row is there until it was read, in any order, with the byte before it; and then its segment goes."""
    spool = RollingSpool("x", 30)
    waiting: list[tuple[int, bytes]] = []
    whole = b""
    try:
        for rows in pieces:
            for row in rows:
                waiting.append((len(whole), row))
                whole += row + b"\n"
                spool.append(row + b"\n")
            spool.append(b"unfinis")
            spool.on_rows_found(len(whole), len(rows))
            whole += b"unfinis"
            if rows:
                spool.append(b"hed\n")
                whole += b"hed\n"
                spool.on_rows_found(len(whole), 0)
            random.shuffle(waiting)  # type: ignore[attr-defined]
            for _ in range(len(waiting) // 2):
                offset, row = waiting.pop()
                before = max(0, offset - 1)
                assert spool.read_at(before, offset - before + len(row) + 1) == whole[before : offset + len(row) + 1]
                spool.release_row(offset)
            held = {offset for offset, _ in waiting}
            assert len(spool) <= (len(held) + 1) * (30 + 150)
    finally:
        spool.close()


def test_no_room_for_a_rolling_spool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A temporary folder that cannot be written is an error of the list."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    spool = RollingSpool("x", 10)
    spool.append(bytes(11))
    with pytest.raises(ListError, match="cannot be kept in a temporary file: No such file or directory"):
        spool.on_rows_found(11, 1)
