"""Resumes a run: reads its record file as a journal, drops what is fetched again, and appends to it.

``results.journal`` decides about records, ``record`` about files; this module connects the two. At every moment the
file contains all records that stay, so a run that resumes may be killed like any other.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ...engine import Stop
from ...errors import OutputError, UsageError
from ...ports import Sink
from ...read.seen.finished import Finished
from ...read.streams.pieces import file_pieces
from ...record import is_ours, open_locked, record_format, rewrite, sink_for
from ...record.formats.fields import GET, chosen_fields, with_option
from ...record.safe_io.durability import fsync
from ...record.safe_io.lock import await_reader, is_fifo
from ...record.safe_io.unfinished_mark import is_unfinished
from ...record_fields import LATER
from ...settings import OutputSettings, Settings

if TYPE_CHECKING:
    from ...results.journal import Journal

RETRY = "retry"
"""The ``resume`` of a run whose list is made of the failures in its own output: all records stay until
``drop_replaced`` is called after the run, so that one that is killed loses no target."""

NOTHING_TO_RESUME = "--resume needs --output, --sqlite or --parquet: the records of the run to continue"


def records_sink(
    settings: Settings,
    finished: Finished,
    *,
    stop: Stop,
    should_stop: Callable[[], bool],
    on_note: Callable[[str], None],
) -> Sink:
    """Open the records of a run, as ``sink_for`` does; with ``--resume`` behind the records that stay.

    finished: receives the targets that are finished. on_note: receives lines for the user. Raises UsageError for a file
    that cannot be resumed, OutputError, LockedError; KeyboardInterrupt if the run is stopped while the file is read.
    """
    output, method = settings.output, settings.request.method
    if output.resume is None:
        path = output.file
        interrupted = path is not None and is_unfinished(path)
        try:
            fd = _opened_fifo(path, stop, on_note)
        except OSError as error:
            raise OutputError.from_error(str(path), error) from error
        sink = sink_for(output, method=method, fd=fd, should_stop=should_stop, on_note=on_note)
        if interrupted:  # and no other run is writing them
            on_note(f"{path}: this replaces the records of an interrupted run; --resume would continue it")
        return sink
    path = _resumable(output, method)
    try:
        fd = open_locked(path, read=True)
        try:
            fd, lacks = _in_order(path, fd, settings, finished, stop, on_note)
        except BaseException:
            os.close(fd)
            raise
    except (OSError, ValueError) as error:
        named = getattr(error, "filename", None) or path  # may be the copy beside the file
        raise OutputError.from_error(str(named), error) from error
    if lacks:
        output = replace(output, fields=tuple(name for name in chosen_fields(output, method) if name not in lacks))
    return sink_for(output, method=method, fd=fd, should_stop=should_stop, on_note=on_note)


def drop_replaced(path: str, since: int) -> None:
    """Drop the records that those behind the offset ``since`` replace. Raises OutputError, LockedError."""
    from ...results.journal import without_replaced  # noqa: PLC0415 - most runs replace none
    from ...results.record_file import RecordFile  # noqa: PLC0415

    try:
        fd = open_locked(path, read=True)
        try:
            journal = without_replaced(RecordFile(path, file_pieces(fd)), since)
            if not journal.whole:
                fd = rewrite(path, fd, journal.keep, lambda: False)
        finally:
            os.close(fd)
    except (OSError, ValueError) as error:
        raise OutputError.from_error(path, error) from error


def _opened_fifo(path: str | None, stop: Stop, on_note: Callable[[str], None]) -> int | None:
    """Open a FIFO when it has a reader; None for any other file."""
    if path is None or not is_fifo(path):
        return None
    return await_reader(path, lambda: stop.requested, lambda: on_note(f"{path}: waiting for a reader of this FIFO"))


def pass_over(settings: Settings, finished: Finished, *, stop: Stop, on_note: Callable[[str], None]) -> None:
    """Resume from the records of the database, which stay until others replace them. Raises as ``records_sink``."""
    from ...results.failures import refetched  # noqa: PLC0415
    from ...results.journal import read_journal  # noqa: PLC0415
    from ...results.record_database import RecordDatabase  # noqa: PLC0415 - most runs go on with none

    output = settings.output
    assert output.resume is not None  # noqa: S101 - see the caller
    if output.resume == RETRY:
        return  # its list is what failed, and rows of the database are replaced one by one
    if output.sqlite is None:
        raise UsageError(NOTHING_TO_RESUME)
    records = RecordDatabase(output.sqlite, should_stop=lambda: stop.requested)
    journal = read_journal(records, finished, refetch=refetched(output.resume), method=settings.request.method)
    if journal.size:
        report(journal, output.sqlite, finished, on_note)


def _resumable(output: OutputSettings, method: str) -> str:
    path = output.path
    if path is None or path == "-":
        raise UsageError(NOTHING_TO_RESUME)
    try:
        ours = is_ours(path)
    except (OSError, ValueError):
        ours = True  # opening it will say what is wrong
    if not ours:
        raise UsageError(f"--resume needs a regular file, and {path} is not one")
    check_fields(output, method)
    return path


def check_fields(output: OutputSettings, method: str) -> None:
    """Refuse records without the fields that tell which targets are done. Raises UsageError."""
    fields = chosen_fields(output, method)
    for needed in ("url", "outcome") if method == GET else ("url", "outcome", "method"):
        if needed not in fields:
            raise UsageError(f"--resume needs the field {needed} in --fields")


def _in_order(
    path: str, fd: int, settings: Settings, finished: Finished, stop: Stop, on_note: Callable[[str], None]
) -> tuple[int, list[str]]:
    """Drop the records that do not stay. Return the descriptor to append to, and the columns that the file lacks."""
    from ...record.formats.csv import columns_of  # noqa: PLC0415
    from ...results.failures import refetched  # noqa: PLC0415 - most runs go on with none
    from ...results.journal import read_journal, read_to_append  # noqa: PLC0415
    from ...results.record_file import RecordFile  # noqa: PLC0415

    output, method = settings.output, settings.request.method
    assert output.resume is not None  # noqa: S101  # see the caller
    form = record_format(output)
    columns = None if form == "jsonl" else columns_of(output, method)
    records = RecordFile(path, stoppable_pieces(fd, stop), form, columns, with_option, LATER)
    if output.resume == RETRY:
        journal = read_to_append(records)
    else:
        journal = read_journal(records, finished, refetch=refetched(output.resume), method=method)
        if journal.size:
            report(journal, path, finished, on_note)
    if journal.whole:
        return fd, records.lacks
    if journal.end is None:
        return rewrite(path, fd, journal.keep, lambda: stop.requested), records.lacks
    os.ftruncate(fd, journal.end)
    fsync(fd)
    return fd, records.lacks


def report(journal: Journal, name: str, finished: Finished, on_note: Callable[[str], None]) -> None:
    """Tell the user what happens to earlier records."""
    for note in journal.notes(name):
        on_note(note)
    now = time.time()
    ahead = sum(until > now for until in finished.not_before.values())
    if ahead:
        on_note(f"{name}: hosts whose requested pause is not over yet: {ahead:,}")


def stoppable_pieces(fd: int, stop: Stop) -> Iterator[bytes]:
    """Read a file. Raises KeyboardInterrupt if the run is stopped meanwhile."""
    for piece in file_pieces(fd):
        if stop.requested:
            raise KeyboardInterrupt
        yield piece
