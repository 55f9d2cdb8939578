"""Checks of all files that a command line names, before anything is fetched.

Decides which files may not be written because that would destroy another one. Opens outputs only to check that they can
be opened.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence

from ...errors import OutputError, UsageError
from ...fallbacks import CLOEXEC
from ...read.formats.detect import PARQUET
from ...read.streams.decompress import BZIP2, GZIP, XZ, ZSTD
from ...record.safe_io.lock import lock
from ...settings import Settings
from ...sqlite_schema import MAGIC as SQLITE
from ...storage.urls import is_storage
from ...text import without_passwords
from ..parameters.files_read import FileRead

RECORD_HEAD = 1024 * 1024
"""Bytes of a file that are read to see whether it holds records. The first record is rarely longer."""

PRECIOUS = (SQLITE, PARQUET, GZIP, ZSTD, XZ, *BZIP2, b"WARC/")
"""First bytes of databases, tables, archives and compressed files; no log and no summary begins like this."""

SQLITE_FILES = ("", "-wal", "-shm", "-journal")
"""Suffixes of a database and of the files that SQLite keeps beside it."""

Identity = tuple[int, int]

COMPRESSED = "records are written uncompressed; use -o - | gzip to compress them"
TEXT_ONLY = "records can be JSON Lines (.jsonl), CSV (.csv) or TSV (.tsv)"
OTHER_SUFFIXES = {
    **dict.fromkeys((".gz", ".zst", ".bz2", ".xz", ".lzma", ".br", ".z", ".lz4", ".tgz", ".txz", ".tbz2"), COMPRESSED),
    **dict.fromkeys((".zip", ".tar", ".7z", ".rar"), COMPRESSED),
    **dict.fromkeys((".parquet", ".pq"), "use --parquet for a Parquet file"),
    **dict.fromkeys((".db", ".sqlite", ".sqlite3", ".db3"), "use --sqlite for a database"),
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".ods", ".numbers"), "a spreadsheet opens CSV files (.csv)"),
    **dict.fromkeys((".html", ".htm", ".xhtml", ".xml", ".rss", ".atom", ".yaml", ".yml", ".toml", ".pdf"), TEXT_ONLY),
    **dict.fromkeys((".feather", ".arrow", ".avro", ".orc", ".duckdb", ".pickle", ".pkl", ".h5", ".md"), TEXT_ONLY),
    **dict.fromkeys((".warc", ".har"), "use --warc for an archive"),
}
"""Suffixes of --output that promise another format than records have, and what to use instead."""


def check_files(sources: Sequence[str], settings: Settings, files_read: Sequence[FileRead] = ()) -> None:
    """Refuse to overwrite a list or another file that is read, and to write two outputs to one file.

    files_read: the files that are read besides the lists. Raises UsageError, OutputError, LockedError.
    """
    check_read_once(sources)
    for source in sources:
        _check_name(source)
    outputs = _options_by_output(settings)
    for source in sources:
        if (option := outputs.get(identity_of(0 if source == "-" else source))) is not None:
            what = "standard input" if source == "-" else source
            raise UsageError(f"{what} is read as a list and would be overwritten by {option}; name another file")
    for reader, path in files_read:
        if (option := outputs.get(_identity_or_path(path))) is not None:
            raise UsageError(f"{path} is read by {reader} and would be overwritten by {option}; name another file")
    _check_outputs(settings)


def check_read_once(names: Sequence[str]) -> None:
    """Refuse to read standard input twice. Raises UsageError."""
    if names.count("-") > 1:
        raise UsageError("standard input can be read only once: - is given twice")


def check_not_overwritten(names: Iterable[str], output: str | None) -> None:
    """Refuse to overwrite a file that is read. output: the path of ``--output``, None for standard output."""
    written = None if output is None else identity_of(output)
    for name in names:
        if written is not None and name != "-" and written == identity_of(name):
            raise UsageError(f"{name} is read and would be overwritten by --output; name another file")


def _options_by_output(settings: Settings) -> dict[object, str]:
    """Return the option that names each output, by the output's identity. Raises UsageError if two name one file."""
    options: dict[object, str] = {}
    for option, path in _outputs(settings):
        file = _identity_or_path(path)
        if file is None:
            continue
        if file in options:
            raise UsageError(f"{options[file]} and {option} name the same file")
        options[file] = option
    return options


def _check_outputs(settings: Settings) -> None:
    """Refuse outputs that would replace what another run left, or whose suffix promises another format."""
    if settings.warc.path is not None and not settings.warc.overwrite and settings.output.resume is None:
        from ...record.warc.names import check_archive  # noqa: PLC0415 - most runs keep none

        check_archive(settings.warc)
    _check_storage(settings)
    if settings.output.file is not None and settings.output.format is None:
        _check_suffix(settings.output.file)
    _check_holds_no_records("--log-file", settings.display.log_file)
    _check_holds_no_records("--metrics-file", settings.display.metrics_file)
    _check_holds_no_records("--save-cookies", settings.request.save_cookies)
    _check_holds_no_records("--summary-json", settings.display.summary_json)
    if settings.display.summary_json is not None:
        _check_writable(settings.display.summary_json)


IN_STORAGE = {
    "--sqlite": "a database cannot be in object storage; write a folder of parts, as in -o s3://bucket/out/",
    "--parquet": "write a folder of Parquet files instead: -o s3://bucket/out/ --format parquet",
    "--warc": "an archive is appended to, which object storage cannot do; write it to a file and copy it",
    "--save-dir": "files of bodies are renamed and linked, which object storage cannot do; use a folder, or --body",
}
"""What cannot be in object storage, and what to use instead."""


def _check_storage(settings: Settings) -> None:
    """Refuse outputs in object storage other than records."""
    outputs = [*_outputs(settings), ("--save-dir", settings.files.save_dir or "")]
    for option, path in outputs:
        if option != "--output" and isinstance(path, str) and is_storage(path):
            what = IN_STORAGE.get(option, "it has to be a file of this machine")
            raise UsageError(f"{option} {without_passwords(path)}: {what}")


def _check_name(source: str) -> None:
    if not source:
        raise UsageError("an argument is empty; give a list or a URL")
    scheme, found, _ = source.partition("://")
    if is_storage(source):
        return
    if found and scheme.isalnum() and scheme.lower() not in ("http", "https") and not os.path.lexists(source):
        raise UsageError(f"{without_passwords(source)}: URLs that can be fetched begin with http:// or https://")


def _check_suffix(path: str) -> None:
    """Refuse a suffix that promises another format than the file would have."""
    suffix = os.path.splitext(path)[1].lower()  # noqa: PTH122
    if (hint := OTHER_SUFFIXES.get(suffix)) is not None:
        raise UsageError(f"--output {path} would hold JSON Lines: {hint}; with --format, any name is accepted")


def _check_holds_no_records(option: str, path: str | None) -> None:
    """Refuse to write a log or the like over the records of another run."""
    if path is not None and _holds_records(path):
        raise UsageError(
            f"{option} {path}: the file holds records or an archive, and would be overwritten; name another file"
        )


def _holds_records(path: str) -> bool:
    """Return whether a file begins like an output of a run; False if it may not be read. Raises OutputError."""
    try:
        if identity_of(path) is None:
            return False
        with open(path, "rb") as stream:  # noqa: PTH123 - a Path of its own would say no more
            begins = stream.read(RECORD_HEAD)
    except PermissionError:
        return False
    except OSError as error:
        raise OutputError.from_error(path, error) from error
    from ...results.record_file import RecordFile  # noqa: PLC0415 - for files that are there already

    records = RecordFile(path, [begins])
    try:
        return begins.startswith(PRECIOUS) or next(iter(records), None) is not None or records.torn > 0
    except UsageError:
        return False


def _outputs(settings: Settings) -> Iterable[tuple[str, str | int]]:
    """Name every output by its option, with its path or descriptor."""
    output = settings.output
    files = {
        "--output": output.file,
        "--warc": settings.warc.path,
        "--parquet": output.parquet,
        "--log-file": settings.display.log_file,
        "--save-cookies": settings.request.save_cookies,
        "--summary-json": settings.display.summary_json,
        "--metrics-file": settings.display.metrics_file,
        "SSLKEYLOGFILE": os.environ.get("SSLKEYLOGFILE") or None,
    }
    if output.uses_stdout:
        yield "standard output", 1
    yield from ((option, path) for option, path in files.items() if path is not None)
    if settings.warc.path is not None and settings.warc.cdx:
        from ...record.warc.names import ArchiveNames  # noqa: PLC0415 - rarely needed

        yield "--warc-cdx", ArchiveNames(settings.warc.path).index(0)
    if output.parquet is not None and output.file is None:
        from ...record.stores.parquet import PART  # noqa: PLC0415 - rarely needed

        yield "--parquet's records", output.parquet + PART
    for option, path in (("--sqlite", output.sqlite), ("--host-memory", settings.politeness.host_memory)):
        for suffix in SQLITE_FILES if path is not None else ():
            yield f"{option}'s {suffix}" if suffix else option, f"{path}{suffix}"


def identity_of(file: str | int) -> Identity | None:
    """Return the device and inode of a regular file; None for anything else, such as a URL."""
    try:
        found = os.stat(file)  # noqa: PTH116  # may be a descriptor
    except (OSError, ValueError):
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def _identity_or_path(file: str | int) -> Identity | str | None:
    """Return the identity of a regular file, or the path at which a missing one would be created."""
    identity = identity_of(file)
    if identity is not None or isinstance(file, int) or os.path.lexists(file):
        return identity
    return os.path.realpath(file)


def _check_writable(path: str) -> None:
    """Check that a file can be written at the end of the run; a missing one is created. Raises LockedError."""
    try:
        if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):  # noqa: PTH110, PTH112, PTH113
            return  # a pipe or a device: opening one can block, and the other end would see it closed
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | CLOEXEC, 0o666)
        try:
            lock(fd, path, shared=True)  # released with the descriptor: two runs may write one summary
        finally:
            os.close(fd)
    except (OSError, ValueError) as error:
        raise OutputError.from_error(path, error) from error
