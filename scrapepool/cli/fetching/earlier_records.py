"""The records of ``--since``, which are read before a run starts.

Decides which options contradict ``--since``, and what happens if a file of records cannot be read.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ListError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from ...results.known_pages import KnownPages
    from ...results.record_summary import RecordSummary
    from ...settings import Settings

CONDITIONS = frozenset({"if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range", "range"})
"""Header fields that a run with ``--since`` sends itself, or that change what its conditions mean."""


def check_since(settings: Settings, sources: Sequence[str]) -> None:
    """Refuse options that contradict ``--since``. Raises UsageError."""
    if not settings.since.records:
        return
    if "-" in settings.since.records and "-" in sources:
        raise UsageError("standard input can be read only once: it is given as --since and as a list")
    if "-" in settings.since.records and settings.start.wait_lock:
        raise UsageError(
            "--since - contradicts --wait-lock: standard input would be read before the wait; name a file of records"
        )
    for name in settings.since.records:
        _check_resumed(name, settings)
    for name, _ in settings.request.headers:
        if name.lower() in CONDITIONS:
            raise UsageError(f"--since sends conditions itself, so --header {name} contradicts it")
    if settings.since.change_by:
        _check_fields(settings)


def _check_resumed(name: str, settings: Settings) -> None:
    """Refuse to resume a run in the database that it takes for its last run: its rows do not tell the two apart."""
    base = settings.output.sqlite
    if settings.output.resume is None or base is None or name == "-":
        return
    from ...results.record_parts import record_files  # noqa: PLC0415 - rarely needed

    if Path(base).resolve() not in map(Path.resolve, map(Path, record_files(name))):
        return
    raise UsageError(
        f"--since {name} contradicts --resume, because the rows of the last run would pass for done; run again without "
        "--resume: pages that did not change since cost a 304 each"
    )


def _check_fields(settings: Settings) -> None:
    from dataclasses import replace  # noqa: PLC0415 - rarely needed

    from ...record.formats.fields import chosen_fields  # noqa: PLC0415

    compared = replace(settings.output, fields=settings.since.change_by)
    try:
        chosen_fields(compared, settings.request.method)
        if compared.tls and not settings.output.tls:
            raise UsageError("the field tls needs --fields")  # noqa: TRY301 - one message for both
    except UsageError as error:
        raise UsageError(f"--change-by: {error}") from None


class ReadCount:
    """How many records were read so far."""

    records = 0


def known_pages(
    settings: Settings, on_note: Callable[[str], None], should_stop: Callable[[], bool], count: ReadCount
) -> KnownPages | None:
    """Read what earlier records know about the pages; None without ``--since``. count: is kept up to date.

    Raises ListError and UsageError for files that cannot be read, and KeyboardInterrupt if ``should_stop`` returns
    True.
    """
    since = settings.since
    if not since.records:
        return None
    from ...results.known_pages import KnownPages  # noqa: PLC0415
    from ...results.record_parts import name_of, record_files  # noqa: PLC0415 - rarely needed
    from ...run.recrawl import known_files  # noqa: PLC0415
    from ..arguments.record_arguments import named_records  # noqa: PLC0415

    own = _own_outputs(settings)
    files = known_files(settings)
    known = KnownPages(since.change_by, None if files is None else files.name_of)
    try:
        for name in since.records:
            if since.if_there and name != "-" and not any(Path(file).exists() for file in record_files(name, own)):
                missing = "the folder holds no records yet" if Path(name).is_dir() else "the file does not exist yet"
                on_note(f"--since {name}: {missing}, and is skipped")
                continue
            try:
                known.add(_until(should_stop, named_records([name], on_note, without=own).with_records(), count))
            except ListError as error:
                if name != "-" and not Path(name).exists():
                    hint = "--since-if-there skips a file that does not exist yet, as on the first day"
                    raise UsageError(f"--since {name_of(name)}: {error.reason}; {hint}") from None
                raise
        known.settle()
    except BaseException:
        known.close()
        raise
    return known


def _own_outputs(settings: Settings) -> set[Path]:
    """Return the files that this run replaces or goes on with: their records are not of an earlier run."""
    output = settings.output
    return {Path(path).resolve() for path in (output.file, output.parquet) if path is not None}


def _until(
    should_stop: Callable[[], bool], records: Iterator[tuple[RecordSummary, dict[str, Any]]], count: ReadCount
) -> Iterator[tuple[RecordSummary, dict[str, Any]]]:
    for record in records:
        if should_stop():
            raise KeyboardInterrupt
        count.records += 1
        yield record
