"""The records of ``--since``, read before a run begins.

Decides what is said where they cannot be used.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ListError, UsageError
from ..arguments.record_arguments import name_of, watched_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from ...results.known_pages import KnownPages
    from ...results.record_summary import RecordSummary
    from ...settings import Settings

CONDITIONS = frozenset({"if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range", "range"})
"""Header fields that a run which knows of earlier ones sends itself, or that make a condition mean something else."""


def check_since(settings: Settings, sources: Sequence[str]) -> None:
    """Refuse what cannot be meant together with ``--since``. Raises UsageError."""
    if not settings.since.records:
        return
    if "-" in settings.since.records and "-" in sources:
        raise UsageError("standard input can be read only once: --since - and the list - are the same")
    if "-" in settings.since.records and settings.start.wait_lock:
        raise UsageError(
            "--since - is read before another run is waited for: write the records to a file for --wait-lock"
        )
    for name, _ in settings.request.headers:
        if name.lower() in CONDITIONS:
            raise UsageError(f"--since asks for what has changed by itself, and --header {name} does too")
    if settings.since.change_by:
        _check_fields(settings)


def _check_fields(settings: Settings) -> None:
    from dataclasses import replace  # noqa: PLC0415 - rarely needed

    from ...record.fields import chosen_fields  # noqa: PLC0415

    try:
        chosen_fields(replace(settings.output, fields=settings.since.change_by), settings.request.method)
    except UsageError as error:
        raise UsageError(f"--change-by: {error}") from None


def known_pages(
    settings: Settings, on_note: Callable[[str], None], should_stop: Callable[[], bool]
) -> KnownPages | None:
    """What earlier records know; None where nobody asked.

    Raises ListError, UsageError for files that cannot be read, KeyboardInterrupt once ``should_stop`` says so.
    """
    since = settings.since
    if not since.records:
        return None
    from ...results.known_pages import KnownPages  # noqa: PLC0415 - rarely needed
    from ...run.recrawl import known_files  # noqa: PLC0415

    files = known_files(settings)
    known = KnownPages(since.change_by, None if files is None else files.name_of)
    try:
        for name in since.records:
            if since.if_there and name != "-" and not Path(name).exists():
                on_note(f"--since {name}: it is not there yet")
                continue
            try:
                known.add(_until(should_stop, watched_records(name, on_note)))
            except ListError as error:
                if name != "-" and not Path(name).exists():
                    hint = "--since-if-there passes over a file that is not there yet, as on the first day"
                    raise UsageError(f"--since {name_of(name)}: {error.reason}; {hint}") from None
                raise
        known.settle()
    except BaseException:
        known.close()
        raise
    return known


def _until(
    should_stop: Callable[[], bool], records: Iterator[tuple[RecordSummary, dict[str, Any]]]
) -> Iterator[tuple[RecordSummary, dict[str, Any]]]:
    for record in records:
        if should_stop():
            raise KeyboardInterrupt
        yield record
