"""What the command line says of files, seen before anything is fetched.

Decides which combinations of files would destroy each other. Opens no output but to see that it can be opened.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence

from ...errors import OutputError, UsageError
from ...fallbacks import CLOEXEC
from ...read.formats.detect import PARQUET
from ...read.streams.decompress import BZIP2, GZIP, XZ, ZSTD
from ...record.lock import lock
from ...schema import MAGIC as SQLITE
from ...settings import Settings
from ...text import without_passwords
from ..parameters.files_read import Input

HEAD = 1024 * 1024
"""Bytes of a file that are looked at to tell whether it holds records; the first of most is whole in these."""

PRECIOUS = (SQLITE, PARQUET, GZIP, ZSTD, XZ, *BZIP2, b"WARC/")
"""How databases, tables, archives and what is packed begin: no log and no summary does."""

Identity = tuple[int, int]

PACKED = "records are not packed as they are written: -o - | gzip"
NOT_MADE = "records are JSON Lines (.jsonl), CSV (.csv) or TSV (.tsv)"
OTHERS = {
    **dict.fromkeys((".gz", ".zst", ".bz2", ".xz", ".lzma", ".br", ".z", ".lz4", ".tgz", ".txz", ".tbz2"), PACKED),
    **dict.fromkeys((".zip", ".tar", ".7z", ".rar"), PACKED),
    **dict.fromkeys((".parquet", ".pq"), "--parquet makes a Parquet file"),
    **dict.fromkeys((".db", ".sqlite", ".sqlite3", ".db3"), "--sqlite makes a database"),
    **dict.fromkeys(
        (".xlsx", ".xls", ".xlsm", ".ods", ".numbers"), "a spreadsheet opens CSV, in a file that ends in .csv"
    ),
    **dict.fromkeys((".html", ".htm", ".xhtml", ".xml", ".rss", ".atom", ".yaml", ".yml", ".toml", ".pdf"), NOT_MADE),
    **dict.fromkeys((".feather", ".arrow", ".avro", ".orc", ".duckdb", ".pickle", ".pkl", ".h5", ".md"), NOT_MADE),
    **dict.fromkeys((".warc", ".har"), "--warc makes an archive"),
}
"""Suffixes that promise what records under --output are not."""


def check_files(sources: Sequence[str], settings: Settings, inputs: Sequence[Input] = ()) -> None:
    """Refuse what would overwrite itself, a list or another file that is read.

    inputs: such files. Raises UsageError, OutputError, LockedError.
    """
    if sources.count("-") > 1:
        raise UsageError("standard input can be read only once: - is given twice")
    for source in sources:
        _check_name(source)
    written = _written(settings)
    named: dict[object, str] = {}
    for option, path in written:
        file = identity_of(path) or _new(path)
        if file is None:
            continue
        if file in named:
            raise UsageError(f"{named[file]} and {option} are the same file")
        named[file] = option
    for source in sources:
        identity = identity_of(0 if source == "-" else source)
        if identity in named:
            what = "standard input" if source == "-" else source
            raise UsageError(f"{what} is read as a list and written as {named[identity]}")
    for option, path in inputs:
        file = identity_of(path) or _new(path)
        if file in named:
            raise UsageError(f"{path} is read by {option} and written as {named[file]}; name another file")
    if settings.warc.path is not None and not settings.warc.overwrite and settings.output.resume is None:
        from ...record.warc.names import check_archive  # noqa: PLC0415 - most runs keep none

        check_archive(settings.warc)
    if settings.output.file is not None and settings.output.format is None:
        _check_suffix(settings.output.file)
    _check_told("--log-file", settings.display.log_file)
    _check_told("--metrics-file", settings.display.metrics_file)
    _check_told("--save-cookies", settings.request.save_cookies)
    _check_told("--summary-json", settings.display.summary_json)
    if settings.display.summary_json is not None:
        _check_writable(settings.display.summary_json)


def _check_name(source: str) -> None:
    if not source:
        raise UsageError("an empty argument is neither a list nor a URL")
    scheme, found, _ = source.partition("://")
    if found and scheme.isalnum() and scheme.lower() not in ("http", "https") and not os.path.lexists(source):
        raise UsageError(f"{without_passwords(source)}: URLs that can be fetched begin with http:// or https://")


def _check_suffix(path: str) -> None:
    """Refuse a name that would say something else than what is in the file, unless --format says that it is meant."""
    suffix = os.path.splitext(path)[1].lower()  # noqa: PTH122
    if suffix in OTHERS:
        raise UsageError(f"--output {path} would be JSON Lines: {OTHERS[suffix]}; with --format, any name is taken")


def _check_told(option: str, path: str | None) -> None:
    """Refuse to tell of a run in the file that another one left."""
    if path is not None and _holds_records(path):
        raise UsageError(f"{option} {path}: that file holds records or an archive, which would be lost")


def _holds_records(path: str) -> bool:
    """Whether a file begins as what a run leaves; not where it may only be written. Raises OutputError."""
    try:
        if identity_of(path) is None:
            return False
        with open(path, "rb") as stream:  # noqa: PTH123 - a Path of its own would say no more
            begins = stream.read(HEAD)
    except PermissionError:
        return False
    except OSError as error:
        raise OutputError(path, error.strerror or str(error)) from error
    from ...results.record_file import RecordFile  # noqa: PLC0415 - for files that are there already

    records = RecordFile(path, [begins])
    try:
        return begins.startswith(PRECIOUS) or next(iter(records), None) is not None or records.torn > 0
    except UsageError:
        return False


def _written(settings: Settings) -> Iterable[tuple[str, str | int]]:
    output = settings.output
    if output.uses_stdout:
        yield "standard output", 1
    if output.file is not None:
        yield "--output", output.file
    if output.sqlite is not None:
        yield from _database("--sqlite", output.sqlite)
    yield from _archive(settings)
    if output.parquet is not None:
        yield "--parquet", output.parquet
        if output.file is None:
            from ...record.parquet import PART  # noqa: PLC0415 - rarely needed

            yield "--parquet's records", output.parquet + PART
    if settings.display.log_file is not None:
        yield "--log-file", settings.display.log_file
    if settings.request.save_cookies is not None:
        yield "--save-cookies", settings.request.save_cookies
    if settings.politeness.host_memory is not None:
        yield from _database("--host-memory", settings.politeness.host_memory)
    if settings.display.summary_json is not None:
        yield "--summary-json", settings.display.summary_json
    if settings.display.metrics_file is not None:
        yield "--metrics-file", settings.display.metrics_file
    if keys := os.environ.get("SSLKEYLOGFILE"):
        yield "SSLKEYLOGFILE", keys


def _archive(settings: Settings) -> Iterable[tuple[str, str]]:
    """The first file of an archive, and its index."""
    if settings.warc.path is not None:
        yield "--warc", settings.warc.path
        if settings.warc.cdx:
            from ...record.warc.names import ArchiveNames  # noqa: PLC0415 - as above

            yield "--warc-cdx", ArchiveNames(settings.warc.path).index(0)


def _database(option: str, path: str) -> Iterable[tuple[str, str]]:
    """A database, and the files that SQLite keeps beside it."""
    yield option, path
    for suffix in ("-wal", "-shm", "-journal"):
        yield f"{option}'s {suffix}", path + suffix


def identity_of(file: str | int) -> Identity | None:
    """Which regular file this is; None for anything else. URLs are no files."""
    try:
        found = os.stat(file)  # noqa: PTH116  # may be a descriptor
    except (OSError, ValueError):
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def _new(file: str | int) -> str | None:
    """Where a file will be made; None for one that is there."""
    if isinstance(file, int) or os.path.lexists(file):
        return None
    return os.path.realpath(file)


def _check_writable(path: str) -> None:
    """Open a file that is to be written at the end; one that is not there is made. Raises LockedError."""
    try:
        if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):  # noqa: PTH110, PTH112, PTH113
            return  # a pipe or a device: opening one can block, and closing it is seen at the other end
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | CLOEXEC, 0o666)
        try:
            lock(fd, path, shared=True)  # which ends with the descriptor: two runs may name one summary
        finally:
            os.close(fd)
    except (OSError, ValueError) as error:
        raise OutputError(path, getattr(error, "strerror", None) or str(error)) from error
