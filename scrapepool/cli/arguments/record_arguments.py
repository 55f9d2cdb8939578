"""Records as arguments of a command. ``results.record_parts`` has the rule which files an argument stands for.

Decides how a terminal shows that records are being read.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...plural import counted
from ...text import printable
from ..standard_streams import warn

if TYPE_CHECKING:
    from ...results.record_parts import RecordParts
    from ...results.record_summary import RecordSummary

COUNT_EVERY = 1.0
"""Seconds between two updates of the number of records read."""

CLOCK_EVERY = 1000
"""Records between two looks at the clock."""


def named_records(
    names: Sequence[str],
    on_note: Callable[[str], None] = warn,
    *,
    without: Collection[Path] = (),
    bodies: bool = False,
) -> RecordParts:
    """Open the records that arguments name. The parameters and errors are those of ``RecordParts``."""
    from ...results.record_parts import RecordParts  # noqa: PLC0415 - a quick --help needs none of it

    stdin = None if sys.stdin is None else sys.stdin.buffer
    return RecordParts(names, stdin, on_note, without=without, bodies=bodies)


def watched_records(
    name: str, on_note: Callable[[str], None], without: Collection[Path] = ()
) -> Iterator[tuple[RecordSummary, dict[str, Any]]]:
    """Yield every record that an argument names. A terminal shows how many records were read.

    Values have the types of the format: cells of CSV are text. The parameters and errors are those of ``RecordParts``.
    """
    counter = _Counter(name) if sys.stderr.isatty() else None
    try:
        for pair in named_records([name], on_note, without=without).with_records():
            yield pair
            if counter is not None:
                counter.count()
    finally:
        if counter is not None:
            counter.end()


class _Counter:
    """Shows on one line of the terminal how many records were read, and removes the line at the end."""

    def __init__(self, name: str) -> None:
        from ...results.record_parts import name_of  # noqa: PLC0415 - as above

        self._name = printable(name_of(name))
        self._read = 0
        self._due = time.monotonic() + COUNT_EVERY
        self._shown = False

    def count(self) -> None:
        self._read += 1
        if not self._read % CLOCK_EVERY and time.monotonic() >= self._due:
            self._due, self._shown = time.monotonic() + COUNT_EVERY, True
            click.echo(f"\r{self._name}: {counted(self._read, 'record')} read", err=True, nl=False)

    def end(self) -> None:
        if self._shown:
            click.echo("\r\033[K", err=True, nl=False)
