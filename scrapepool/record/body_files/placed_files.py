"""Bodies that have their names while their records are not written yet: a list, should this process be killed.

Decides which files a run that goes on deletes: those of the list whose targets have no record, which are fetched again.
A name alone is not enough for that, since another run may have given it to another file: the list holds what tells the
file from others.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress

from ...fallbacks import pread
from ...folder import Folder
from ...model import Apart, Target
from ...named_tuple import NamedTuple

PLACED = "placed"
"""The list's name in the folder for work."""

MAX_LIST_SIZE = 64 * 1024 * 1024
"""Bytes of a list that are read. One that a run leaves has a second of bodies, as a rule."""

REWRITTEN = 1024 * 1024
"""Bytes of a list that is shortened where some of its bodies have no record yet."""

IsFinished = Callable[[str, Apart | None], bool]
"""Gets a target's URL, as its record has it, and what tells it from others of that; whether it has its record."""


class _Entry(NamedTuple):
    url: str
    apart: Apart | None
    mark: list[int]
    name: str


class Placed:
    """The list. It belongs to one thread.

    records: where the records of the run go, which a later run has to go on with as well; None keeps no list.
    method: of the run's requests. goes_on: whether this run goes on with the one that left the list.
    Raises ForeignFileError, OSError.
    """

    def __init__(self, work: Folder, records: str | None, *, method: str, goes_on: bool) -> None:
        self._work = work
        self._method = method
        self._records = None if records is None else os.path.realpath(records)
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._size = 0
        self._fd = work.open(PLACED, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        if not goes_on:
            os.ftruncate(self._fd, 0)

    def __repr__(self) -> str:
        return f"<Placed {len(self._waiting)} without a record>"

    def settle(self, root: Folder, is_finished: IsFinished) -> None:
        """Delete the bodies that a run before this one left without a record. Raises OSError."""
        for url, apart, mark, name in self._entries():
            if is_finished(url, apart):
                continue
            *folders, last = name.split("/")
            with suppress(FileNotFoundError, NotADirectoryError), root.below(folders, make=False) as folder:
                if mark_of(folder.stat(last)) == mark:
                    folder.check(last, names=True)
                    folder.remove(last)
        self._empty()

    def add(self, number: int, target: Target, found: os.stat_result, name: str) -> None:
        """Note the name that a body is about to get. number: of its outcome, as ``recorded`` counts. Raises OSError."""
        if self._records is None:
            return
        line = _line([target.url, target.apart(self._method), mark_of(found), name])
        self._waiting.append((number, line))
        self._write(line)

    def recorded(self, count: int) -> None:
        """Forget the first so many outcomes: their records are written. Raises OSError."""
        waiting = self._waiting
        while waiting and waiting[0][0] <= count:
            waiting.popleft()
        if not self._size or (waiting and self._size < REWRITTEN):
            return
        self._empty()
        self._write(b"".join(line for _, line in waiting))

    def close(self) -> None:
        """Close the list, which goes where every body has its record. Raises OSError."""
        if self._fd < 0:
            return
        try:
            if not self._waiting:
                self._work.check_is(PLACED, self._fd)
                self._work.remove(PLACED)
        finally:
            os.close(self._fd)
            self._fd = -1

    def _write(self, lines: bytes) -> None:
        data = memoryview(lines if self._size or not lines else _line({"records": self._records}) + lines)
        while data:
            written = os.write(self._fd, data)
            self._size += written
            data = data[written:]

    def _empty(self) -> None:
        os.ftruncate(self._fd, 0)
        self._size = 0

    def _entries(self) -> Iterator[_Entry]:
        """Yield what the list of a run before this one holds, where its records are those of this run."""
        lines = pread(self._fd, MAX_LIST_SIZE, 0).split(b"\n")[:-1]  # a last line without its end was not written whole
        try:
            if not lines or json.loads(lines[0])["records"] != self._records:
                return
            for line in lines[1:]:
                url, apart, mark, name = json.loads(line)
                if all(part and part not in (".", "..") for part in name.split("/")):
                    yield _Entry(url, None if apart is None else Apart(*apart), mark, name)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
            return  # not as this program writes it


def mark_of(found: os.stat_result) -> list[int]:
    """Return what a file keeps when it gets another name, and no other file has."""
    return [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns]


def _line(value: object) -> bytes:
    return f"{json.dumps(value)}\n".encode("ascii")
