"""Which output the settings mean."""

from __future__ import annotations

from collections.abc import Callable

from ..ports import Sink
from ..settings import OutputSettings
from .csv import CsvSink
from .jsonl import JsonlSink
from .output import never


def sink_for(settings: OutputSettings, *, should_stop: Callable[[], bool] = never) -> Sink:
    """Open the output: ``settings.format``, else by the suffix of ``settings.path``, else JSON Lines.

    should_stop: see ``output.Output``. A path of ``-`` is standard output.
    Raises UsageError for fields that there are not, OutputError where the file cannot be opened.
    """
    path = None if settings.path == "-" else settings.path
    form = settings.format or ("csv" if path is not None and path.lower().endswith(".csv") else "jsonl")
    match form:
        case "csv":
            return CsvSink(path, settings, should_stop=should_stop)
        case "jsonl":
            return JsonlSink(path, settings, should_stop=should_stop)
