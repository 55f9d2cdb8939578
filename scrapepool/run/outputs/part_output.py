"""Opens records that go into a folder of parts, or into one object of object storage, and resumes such a folder.

Decides which folders a run may write to, and what stays of the parts of an earlier run. ``results.journal`` decides
about records, ``record.parts`` about files; this module connects the two.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...engine import Stop
from ...errors import OutputError, UsageError, system_reason
from ...extras import how_to_install
from ...ports import Sink
from ...read.seen.finished import Finished
from ...read.seen.hash_tables import HashSet
from ...record import open_locked, record_format, record_sink, rewrite
from ...record.formats.fields import with_option
from ...record.formats.serializer import RecordSink
from ...record.parts.part_folder import PartFolder, StoredParts, part_folder
from ...record.parts.part_names import ABOUT, BUCKETS, SUCCESS, PartName, PartNames, any_part
from ...record.parts.part_sink import MAX_AGE, PartSink
from ...record.safe_io.durability import fsync
from ...record.safe_io.unfinished_mark import unmark
from ...record_fields import LATER
from ...settings import Settings
from ...storage.urls import is_storage
from ...version import __version__
from .resume import check_fields, report, stoppable_pieces

if TYPE_CHECKING:
    from ...results.journal import Journal

ANOTHER = "another folder is needed, or --resume to continue that run"


class Parts:
    """The parts of a run. ``open`` begins or resumes them; ``complete`` marks them after the sink was closed.

    Raises as ``part_folder`` does.
    """

    def __init__(
        self, settings: Settings, finished: Finished, stop: Stop, on_note: Callable[[str], None] = lambda _: None
    ) -> None:
        self._settings = settings
        self._output = settings.output
        self._finished = finished
        self._stop = stop
        self._on_note = on_note
        self._format = record_format(self._output)
        suffix = "parquet" if self._output.format == "parquet" else self._format
        shard = settings.input.shard
        self._names = PartNames(None if shard is None else shard.number - 1, suffix)
        self._shards = None if shard is None else shard.count
        self._lines = replace(self._output, format=self._format)
        if suffix == "parquet":
            from ...record.stores.parquet import has_pyarrow  # noqa: PLC0415 - an extra

            if not has_pyarrow():
                raise UsageError(f"--format parquet needs pyarrow: {how_to_install('parquet')}")
        path = str(self._output.path)
        self._on_cluster = shard is not None and shard.packed
        # On a cluster the run holds the folder's lock. One of a shard would outlive a worker that is lost.
        unlocked = self._on_cluster and is_storage(path)
        self._folder: PartFolder = part_folder(path, None if unlocked else self._names.lock)

    def open(self) -> Sink:
        """Open the sink, behind the records that stay. Raises UsageError for a folder of another run, OutputError."""
        try:
            first = self._first_number()
        except BaseException:
            self._folder.close()
            raise
        return PartSink(
            self._folder,
            first,
            self._open_part,
            self._publish,
            size=self._output.part_size,
            age=float("inf") if self._folder.lasts else MAX_AGE,
        )

    def complete(self) -> None:
        """Mark that every target has its record."""
        self._folder.write(self._names.success, b"")

    def _first_number(self) -> int:
        names = self._folder.names()
        parts = self._names.among(names)
        about = about_run(self._folder)
        if self._output.resume is None:
            if parts or (any_part(names) and about.get("shards") != self._shards):
                raise UsageError(f"{self._folder.name} holds the parts of another run: {ANOTHER}")
        elif any_part(names):
            self._check_same(about)
            check_fields(self._output, self._settings.request.method)
        if not self._on_cluster:  # else the run on the cluster has described it
            describe_run(self._folder, self._names.suffix, self._shards)
        for marker in (self._names.success, SUCCESS):
            if marker in names:
                self._folder.remove(marker)
        if self._output.resume is not None:
            self._take_up(parts)
        return max((part.number for part in parts), default=-1) + 1

    def _check_same(self, about: dict[str, object]) -> None:
        """Refuse to resume a run of another format or of other shards, whose parts would not be found."""
        if BUCKETS in about and not self._on_cluster:
            raise UsageError(
                f"{self._folder.name} holds the parts of a run on a cluster; continue it with --cluster, for which "
                "local:1 is enough"
            )
        for name, ours in (("format", self._names.suffix), ("shards", self._shards)):
            theirs = about.get(name, ours)
            if theirs != ours:
                what = f"{name} {theirs}" if theirs is not None else f"no {name}"
                raise UsageError(
                    f"{self._folder.name} holds the parts of a run with {what}, which this run with "
                    f"{'no ' + name if ours is None else f'{name} {ours}'} cannot continue"
                )

    # -- parts of an earlier run -------------------------------------------------------------------

    def _take_up(self, parts: list[PartName]) -> None:
        """Drop the records that do not stay, from the last part to the first: the last record of a target counts."""
        to_fetch = HashSet()
        complete = {part.number for part in parts if not part.unfinished}
        kept = again = duplicates = torn = 0
        for part in reversed(parts):
            if part.unfinished and (part.number in complete or part.suffix == "parquet"):
                self._folder.remove(part.name)  # the run was killed while it made the part of its lines, or after that
                continue
            journal = self._reread(part, to_fetch)
            kept, again = kept + journal.kept, again + journal.again
            duplicates, torn = duplicates + journal.duplicates, torn + journal.torn
        if parts:
            from ...results.journal import Journal  # noqa: PLC0415 - most runs go on with none

            report(Journal((), 0, kept, again, duplicates, torn), self._folder.name, self._finished, self._on_note)

    def _reread(self, part: PartName, to_fetch: HashSet) -> Journal:
        path = self._folder.fetch(part.name)
        lines = path
        try:
            if part.suffix == "parquet":
                from ...record.stores.parquet import unpack  # noqa: PLC0415 - an extra

                lines = self._folder.working_path(self._names.part(part.number, self._format))
                unpack(path, lines)
            journal = self._rewritten(part, lines, to_fetch)
        except (OSError, ValueError, TypeError) as error:
            raise OutputError(part.name, f"cannot read it: {system_reason(error)}") from error
        if not journal.kept:
            self._folder.remove(part.name)
        elif not journal.whole or part.unfinished:
            self._publish(lines, part.number)
        for copy in {path, lines}:
            self._folder.discard(copy)
        return journal

    def _rewritten(self, part: PartName, path: str, to_fetch: HashSet) -> Journal:
        """Read a part as a journal, and rewrite the file at ``path`` if not all of its records stay."""
        from ...record.formats.csv import columns_of  # noqa: PLC0415
        from ...results.failures import refetched  # noqa: PLC0415
        from ...results.journal import read_journal  # noqa: PLC0415
        from ...results.record_file import RecordFile  # noqa: PLC0415 - most runs go on with none

        method = self._settings.request.method
        columns = None if self._format == "jsonl" else columns_of(self._output, method)
        fd = open_locked(path, read=True)
        try:
            records = RecordFile(part.name, stoppable_pieces(fd, self._stop), self._format, columns, with_option, LATER)
            refetch = refetched(str(self._output.resume))
            journal = read_journal(records, self._finished, refetch=refetch, method=method, to_fetch=to_fetch)
            if journal.kept and not journal.whole:
                fd = rewrite(path, fd, journal.keep, lambda: self._stop.requested)
        finally:
            os.close(fd)
        return journal

    # -- parts of this run -------------------------------------------------------------------------

    def _open_part(self, number: int) -> tuple[str, RecordSink]:
        path = self._folder.working_path(self._names.part(number, self._format))
        method = self._settings.request.method
        return path, record_sink(replace(self._lines, path=path), method=method, on_note=self._on_note)

    def _publish(self, path: str, number: int) -> None:
        unmark(path)
        name = self._names.part(number)
        if self._names.suffix != "parquet":
            self._folder.publish(path, name)
            return
        self._folder.publish(self._packed(path, name), name)
        self._folder.discard(path)

    def _packed(self, lines: str, name: str) -> str:
        """Make a Parquet file of the lines; its path."""
        from ...record.stores.parquet import write_parquet  # noqa: PLC0415 - an extra

        path = self._folder.working_path(name)
        try:
            with open(lines, "rb") as records, open(path, "wb") as out:  # noqa: PTH123
                write_parquet(map(json.loads, records), out)
                out.flush()
                fsync(out.fileno())
        except (OSError, ValueError, TypeError) as error:
            raise OutputError(path, f"{system_reason(error)}; its records are in {lines}") from error
        return path


def about_run(folder: PartFolder) -> dict[str, object]:
    """Return what a folder says about its run; empty if it says nothing."""
    with suppress(ValueError):
        found = json.loads(folder.read(ABOUT) or b"{}")
        if isinstance(found, dict):
            return found
    return {}


def describe_run(folder: PartFolder, suffix: str, shards: int | None, buckets: Sequence[int] | None = None) -> None:
    """Write what a folder says about its run, unless it says so already. Raises OutputError if it cannot be written.

    buckets: the shard of each bucket of hosts, where a run on a cluster has divided them so.
    """
    said: dict[str, Any] = {"version": __version__, "format": suffix, "shards": shards}
    if buckets is not None:
        said[BUCKETS] = list(buckets)
    if about_run(folder) != said:
        folder.write(ABOUT, json.dumps(said).encode() + b"\n")


def open_object(settings: Settings, on_note: Callable[[str], None]) -> Sink:
    """Open one object of object storage, which appears when the run ends.

    Raises UsageError with ``--resume``, because an object cannot be appended to; OutputError.
    """
    output = settings.output
    folder_url, _, name = str(output.path).rpartition("/")
    if output.resume is not None:
        raise UsageError(
            f"--resume cannot continue {output.path}, because an object is written at the end of a run; "
            f"write a folder of parts, as in -o {folder_url}/{name.partition('.')[0]}/"
        )
    folder = StoredParts(f"{folder_url}/")
    probe = f"{name}.unfinished"
    folder.write(probe, b"")  # shows that the object will be written
    folder.remove(probe)

    def open_part(_: int) -> tuple[str, RecordSink]:
        path = folder.working_path(name)
        return path, record_sink(replace(output, path=path), method=settings.request.method, on_note=on_note)

    def publish(path: str, _: int) -> None:
        folder.publish(path, name)

    return PartSink(folder, 0, open_part, publish, size=float("inf"), age=float("inf"))
