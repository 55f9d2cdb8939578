"""Which output the settings mean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from ..ports import Sink
from ..settings import OutputSettings, RecordFormat
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
    form = _form_for(settings, method)  # before the file is emptied
    path = None if settings.path == "-" else settings.path
    return RecordSink(
        form, Output(path, fd=fd, should_stop=should_stop, fsync=settings.fsync, marked=True, on_note=on_note)
    )


def template_sink(settings: OutputSettings, *, method: str = GET, should_stop: Callable[[], bool] = never) -> Sink:
    """Open standard output for ``settings.template``. Raises UsageError for one that cannot be meant, OutputError."""
    from .formats.text_template import template_serializer  # noqa: PLC0415 - rarely needed

    return RecordSink(template_serializer(settings, method), Output(None, should_stop=should_stop))


def _form_for(settings: OutputSettings, method: str) -> Serializer:
    form = record_format(settings)
    if form == "jsonl":
        return Serializer(encoder(settings, method))
    from .formats.csv import DELIMITERS, csv_serializer  # noqa: PLC0415 - for tables

    return csv_serializer(settings, method, delimiter=DELIMITERS[form])
