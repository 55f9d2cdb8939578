"""Opens all outputs of a run: archive and stores, then the records, then standard output.

Decides which outputs the settings name, the order in which they are opened and written, and which of them is the
journal that ``--resume`` reads. ``record`` decides how each is written, ``resume`` how a run continues.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...engine import Stop
from ...errors import InvalidURLError, OutputError, UsageError
from ...frozen import frozen
from ...model import Apart, Outcome
from ...plural import counted
from ...ports import Archive, Sink, Store
from ...read.seen.finished import Finished
from ...read.seen.target_id import recorded_target_id
from ...record import Fanout, record_format, sink_for, template_sink
from ...record.safe_io.unfinished_mark import unmark
from ...settings import OutputSettings, Settings
from ...storage.urls import is_storage
from .open_archive import open_archive
from .resume import pass_over, records_sink

if TYPE_CHECKING:
    from ...record.body_files.body_store import Files
    from ...record.body_files.known_files import FileOwners
    from .ordered_output import ListOrder
    from .part_output import Parts


@frozen
class Outputs:
    """A ``ports.Sink`` over all outputs.

    archive: receives transcripts, None without ``--warc``. on_complete: marks the records as complete. files: names the
    files of bodies, None if bodies are not saved.
    """

    sink: Sink
    archive: Archive | None
    on_complete: Callable[[], None]
    files: Files | None = None

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """As ``ports.Sink``."""
        self.sink.write(outcomes)

    def close(self) -> None:
        """As ``ports.Sink``; the archive is one of the stores."""
        try:
            self.sink.close()
        finally:
            if self.files is not None:
                self.files.end()

    def complete(self) -> None:
        """Note that every target has its record, so there is nothing to resume. Called after ``close``."""
        self.on_complete()


def open_outputs(
    settings: Settings,
    finished: Finished,
    *,
    stop: Stop,
    should_stop: Callable[[], bool],
    on_note: Callable[[str], None],
    order: ListOrder | None = None,
    owners: FileOwners | None = None,
) -> Outputs:
    """Open every output of a run, to be written in ``order``; where one cannot be opened, none stays open.

    owners: which targets have which file, by earlier records; None where these are not known. The other parameters
    and errors are ``journal.records_sink``'s. To add a store, open it in ``stores``.
    """
    opening = _Opening(settings, finished, stop, should_stop, on_note)
    with ExitStack() as opened:
        empty = opening.empty()
        passing = opening.passing()  # what cannot be meant is said before a file is emptied
        files = opening.files(opened, owners)
        stores = [*([] if files is None else [files]), *opening.stores(opened)]
        archive = open_archive(settings, stop, on_note)
        if archive is not None:
            opened.callback(archive.close)
            stores.append(archive)
        sinks = [*opening.journal(), *passing]
        opening.compare(empty)
        if files is not None:
            files.settle(opening.is_finished)
        opened.pop_all()
    if not stores and len(sinks) == 1:
        sink = sinks[0]
    else:
        sink = Fanout(stores, sinks, *([] if files is None else [files.recorded]))
    if files is not None and settings.input.dedupe:
        from .duplicate_records import DuplicatesSink  # noqa: PLC0415 - as for the files

        method = settings.request.method
        sink = DuplicatesSink(sink, method=method, is_finished=opening.is_finished, paths=finished.paths)
    if order is not None:
        from .ordered_output import OrderedSink  # noqa: PLC0415 - an option

        sink = OrderedSink(sink, order)
    return Outputs(sink, archive, opening.on_complete(), files)


@frozen
class _Opening:
    """Opens the outputs. The fields are the parameters of ``open_outputs``."""

    settings: Settings
    finished: Finished
    stop: Stop
    should_stop: Callable[[], bool]
    on_note: Callable[[str], None]
    parts: list[Parts] = field(default_factory=list)

    @property
    def output(self) -> OutputSettings:
        return self.settings.output

    def passing(self) -> list[Sink]:
        """Open the sinks that write to standard output."""
        output, method = self.output, self.settings.request.method
        if output.template is not None:
            return [template_sink(output, method=method, should_stop=self.should_stop)]
        if not output.to_stdout:
            return []
        if output.resume is not None and not output.tables:
            self._pass_over()
        return [sink_for(replace(output, path="-"), method=method, should_stop=self.should_stop)]

    def files(self, opened: ExitStack, owners: FileOwners | None) -> Files | None:
        """Return the store that names files: the first, since others write the names. opened: closes it.

        owners: see ``open_outputs``.
        """
        if self.settings.files.save_dir is None:
            return None
        from ...record.body_files.body_store import Files  # noqa: PLC0415 - rarely needed

        output = self.output
        files = Files(
            self.settings.files,
            method=self.settings.request.method,
            records=output.journal,
            goes_on=output.resume is not None,
            repeats=not self.settings.input.dedupe,
            synced=output.fsync == "always",
            owners=owners,
            keep_versions=self.settings.since.keep_versions or 0,
            on_note=self.on_note,
        )
        opened.callback(files.end)
        return files

    def is_finished(self, url: str, apart: Apart | None) -> bool:
        """Whether a target has its final record already; True if that is not known."""
        try:
            return self.finished.each or recorded_target_id(url, apart) in self.finished
        except InvalidURLError:
            return True

    def stores(self, opened: ExitStack) -> list[Store]:
        """Open the stores that records refer to. opened: closes them."""
        output, method = self.output, self.settings.request.method
        stores: list[Store] = []
        if output.sqlite is not None:
            from ...record.stores.sqlite import SqliteStore  # noqa: PLC0415 - rarely needed

            if not self.settings.input.dedupe:
                raise UsageError("--sqlite holds one record per URL, and --no-dedupe may fetch a URL more than once")
            stores.append(
                SqliteStore(
                    output.sqlite,
                    output,
                    method=method,
                    keep_versions=self.settings.since.keep_versions,
                    should_stop=self.should_stop,
                    on_note=self.on_note,
                )
            )
            opened.callback(stores[-1].close)
        return stores

    def journal(self) -> list[Sink]:
        """Open the records that ``--resume`` reads; an empty list if they are in a store, or nowhere."""
        output = self.output
        if output.parquet is not None:
            return [self._parquet(output.parquet)]
        if output.file is not None:
            return [self._records(output)]
        if output.resume is not None:
            self._pass_over()
        return []

    def empty(self) -> list[str]:
        """Return the paths of ``--save-dir`` and ``--warc`` that are empty. Called before these are opened."""
        return [path for path in (self.settings.files.save_dir, self.settings.warc.path) if path and _is_empty(path)]

    def compare(self, empty: Sequence[str]) -> None:
        """Note which outputs lack records that stay in the journal, because an earlier run did not write them."""
        output, stay = self.output, len(self.finished)
        journal = output.journal
        if output.resume is None or not stay:
            return
        for path in empty:
            self.on_note(f"{path}: holds none of the {counted(stay, 'record')} kept in {journal}; they are not added")
        if output.sqlite in (None, journal):
            return
        from ...results.journal import count_finished  # noqa: PLC0415
        from ...results.record_database import RecordDatabase  # noqa: PLC0415 - most runs go on with none

        database = RecordDatabase(output.sqlite, should_stop=lambda: self.stop.requested)
        has = count_finished(database, self.finished, method=self.settings.request.method)
        if has < stay:
            kept = f"{has:,} of the {counted(stay, 'record')} kept in {journal}"
            self.on_note(f"{output.sqlite}: has {kept}; the others are not added")

    def on_complete(self) -> Callable[[], None]:
        """Return what is called when every target has its record, and all outputs are closed."""
        if self.parts:
            return self.parts[0].complete
        file = self.output.file
        return _nothing if file is None or is_storage(file) else partial(unmark, file)

    def _records(self, output: OutputSettings) -> Sink:
        if output.in_parts:
            from .part_output import Parts  # noqa: PLC0415 - rarely needed

            self.parts.append(Parts(self.settings, self.finished, self.stop, self.on_note))
            return self.parts[0].open()
        if output.file is not None and is_storage(output.file):
            from .part_output import open_object  # noqa: PLC0415 - rarely needed

            return open_object(self.settings, self.on_note)
        return records_sink(
            replace(self.settings, output=output),
            self.finished,
            stop=self.stop,
            should_stop=self.should_stop,
            on_note=self.on_note,
        )

    def _pass_over(self) -> None:
        pass_over(self.settings, self.finished, stop=self.stop, on_note=self.on_note)

    def _parquet(self, path: str) -> Sink:
        from ...record.stores.parquet import PART, ParquetSink, check_parquet, unpack  # noqa: PLC0415 - rarely needed

        check_parquet(path)
        output = self.output
        records = output
        if output.file is None:
            fields = ("+tls",) if output.tls else None
            records = replace(output, path=path + PART, format="jsonl", fields=fields, template=None)
        elif record_format(output) != "jsonl":
            raise UsageError("--parquet is made from the records in --output, so these must be JSON Lines")
        source = str(records.path)

        def open_records() -> Sink:
            if records.resume is not None and output.file is None and Path(path).exists() and not Path(source).exists():
                try:
                    unpack(path, source)
                except (OSError, ValueError, TypeError) as error:
                    raise OutputError(source, f"the records in {path} cannot be read: {error}") from error
            return self._records(records)

        return ParquetSink(
            open_records,
            source,
            path,
            passing=output.file is None,
            goes_on=output.resume is not None,
            should_stop=lambda: self.stop.now,
            on_note=self.on_note,
        )


def _nothing() -> None:
    pass


def _is_empty(path: str) -> bool:
    """Whether a file or folder is missing or empty; hidden files do not count."""
    try:
        with os.scandir(path) as entries:
            return all(entry.name.startswith(".") for entry in entries)
    except NotADirectoryError:
        return not os.path.getsize(path)  # noqa: PTH202
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False  # opening it will say what is wrong
