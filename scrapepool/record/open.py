"""Which output the settings mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from ..ports import Sink
from ..settings import OutputSettings
from .csv import CsvSink
from .fields import GET
from .jsonl import JsonlSink
from .output import never


def form_of(settings: OutputSettings) -> Literal["jsonl", "csv"]:
    """Tell the records' format: ``settings.format``, else by the suffix of ``settings.path``, else JSON Lines."""
    by_suffix: Literal["jsonl", "csv"] = "csv" if (settings.path or "").lower().endswith(".csv") else "jsonl"
    return settings.format or by_suffix


def sink_for(
    settings: OutputSettings,
    *,
    method: str = GET,
    fd: int | None = None,
    should_stop: Callable[[], bool] = never,
) -> Sink:
    """Open the output. A path of ``-`` is standard output.

    method: of the run's requests. fd, should_stop: see ``output.Output``.
    Raises UsageError for fields that there are not, OutputError where the file cannot be opened, LockedError.
    """
    path = None if settings.path == "-" else settings.path
    match form_of(settings):
        case "csv":
            return CsvSink(path, settings, method=method, fd=fd, should_stop=should_stop)
        case "jsonl":
            return JsonlSink(path, settings, method=method, fd=fd, should_stop=should_stop)
