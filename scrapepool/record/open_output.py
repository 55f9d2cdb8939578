"""Which output the settings mean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from ..ports import Sink
from ..settings import OutputSettings, RecordFormat, Settings
from .formats.fields import GET
from .formats.jsonl import encoder
from .formats.serializer import RecordSink, Serializer
from .safe_io.output import Output, never

SUFFIXES: dict[str, RecordFormat] = {".csv": "csv", ".tsv": "tsv"}


def record_format(settings: OutputSettings) -> RecordFormat:
    """Return the format in which records are written: ``settings.format``, else by the path's suffix, else JSON Lines.

    The parts of a folder that become Parquet files are written as JSON Lines first.
    """
    if settings.format == "parquet":
        return "jsonl"  # what the file is made of
    if settings.format is not None:
        return settings.format
    return SUFFIXES.get(PurePath(settings.path or "").suffix.lower(), "jsonl")


def sink_for(
    settings: OutputSettings,
    *,
    method: str = GET,
    fd: int | None = None,
    should_stop: Callable[[], bool] = never,
    on_note: Callable[[str], None] = lambda _: None,
) -> Sink:
    """Open the output. A path of ``-`` is standard output.

    method: of the run's requests. fd, should_stop, on_note: see ``output.Output``.
    Raises UsageError for fields that there are not, OutputError where the file cannot be opened, LockedError.
    """
    return record_sink(settings, method=method, fd=fd, should_stop=should_stop, on_note=on_note)


def record_sink(
    settings: OutputSettings,
    *,
    method: str = GET,
    fd: int | None = None,
    should_stop: Callable[[], bool] = never,
    on_note: Callable[[str], None] = lambda _: None,
) -> RecordSink:
    """As ``sink_for``, for callers that need to know the size."""
    form = serializer_for(settings, method)  # before the file is emptied
    path = None if settings.path == "-" else settings.path
    return RecordSink(
        form, Output(path, fd=fd, should_stop=should_stop, fsync=settings.fsync, marked=True, on_note=on_note)
    )


def template_sink(settings: OutputSettings, *, method: str = GET, should_stop: Callable[[], bool] = never) -> Sink:
    """Open standard output for ``settings.template``. Raises UsageError for one that cannot be meant, OutputError."""
    from .formats.text_template import template_serializer  # noqa: PLC0415 - rarely needed

    return RecordSink(template_serializer(settings, method), Output(None, should_stop=should_stop))


def serializer_for(settings: OutputSettings, method: str = GET) -> Serializer:
    """Return what makes the records of an output. Raises UsageError for fields that there are not."""
    form = record_format(settings)
    if form == "jsonl":
        return Serializer(encoder(settings, method))
    from .formats.csv import DELIMITERS, csv_serializer  # noqa: PLC0415 - for tables

    return csv_serializer(settings, method, delimiter=DELIMITERS[form])


def early_serializer(settings: Settings) -> Serializer | None:
    """Return what makes the records of a run's successes where these are fetched, in worker processes.

    None if another output than the records needs outcomes, or if the records say what only the run's own process
    knows: files, values out of pages, waits, changes.
    """
    output = settings.output
    if output.template is not None or output.tables or output.format == "parquet":
        return None
    if output.body or output.wants_data or output.history or settings.files.save_dir or settings.since.records:
        return None
    return serializer_for(output, settings.request.method)
