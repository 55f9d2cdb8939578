"""Records as Parquet: ``--parquet``. pyarrow is an extra, and is imported once there is something to make.

Decides the columns and their types, and how a file comes to be: all at once at the end of a run, out of its records as
JSON Lines, as a Parquet file can be read only once its footer is written. Until then the records are the run's journal,
and a run that was killed goes on from there as any other.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from datetime import datetime
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from ...errors import LockedError, OutputError, UsageError, system_reason
from ...extras import how_to_install
from ...folder import Folder
from ...model import Outcome
from ...owned_file import ForeignFileError, open_own
from ...ports import Sink
from ...record_fields import LATER, OPTIONAL, TABLE, TIMINGS, TLS_FACTS, of_kind
from ...text import printable
from ..formats.fields import GET
from ..formats.jsonl import json_text
from ..safe_io.durability import fsync, sync_folder
from ..safe_io.lock import is_open_as, is_ours, open_lock
from ..safe_io.output import never

PART = ".part"
"""What is put behind a Parquet file's name for its records, while it is not made and they go nowhere else."""

GROUP_ROWS = 100_000
GROUP_BYTES = 64 * 1024 * 1024
"""A row group: so many rows, or so many bytes in columns, which is what is in memory at a time."""

ROWS_AT_ONCE = 1000
"""Rows that are in memory as Python's values, some kilobytes each and their bodies."""

JSON_COLUMNS = of_kind("json")
TIMES = of_kind("time")


class ParquetSink:
    """Keeps ``ports.Sink``: hands outcomes on to the records, and makes a Parquet file of them when it is closed.

    open_records: gives what writes JSON Lines with all fields to the file ``source``. path: what is made or replaced;
    the file there before stays until then, and for good where no outcome came and nothing was there to go on with.
    passing: the records are there for this alone, and go once it is made. goes_on: with the records that are there.
    should_stop: True while the file is made leaves it; on_note: gets what a person should know then.
    Raises OutputError where nothing can be written beside ``path``, LockedError, UsageError without the extra.
    """

    def __init__(
        self,
        open_records: Callable[[], Sink],
        source: str,
        path: str,
        *,
        passing: bool,
        goes_on: bool = False,
        should_stop: Callable[[], bool] = never,
        on_note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._source = source
        self._path = path
        self._passing = passing
        self._anything = goes_on
        self._should_stop = should_stop
        self._on_note = on_note
        self._beside = _beside(path)
        self._closed = False
        try:
            with Folder(os.path.dirname(self._beside)) as folder:  # noqa: PTH120
                self._fd = open_lock(folder, os.path.basename(self._beside))  # noqa: PTH119
        except (OSError, ValueError) as error:
            raise OutputError.from_error(path, error) from error
        except LockedError:
            raise LockedError(path) from None
        try:
            self._records = open_records()
        except BaseException:
            self._let_go()
            raise

    def __repr__(self) -> str:
        return f"<ParquetSink {self._path!r} of {self._source!r}>"

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Hand the outcomes on. Raises OutputError, BrokenPipeError as the records do."""
        self._anything = self._anything or bool(outcomes)
        self._records.write(outcomes)

    def close(self) -> None:
        """Finish the records, and make the file of what there is. Raises OutputError; the records stay then."""
        if self._closed:
            return
        self._closed = True
        try:
            self._records.close()
            if self._anything or not os.path.exists(self._path):  # noqa: PTH110
                self._make()
            elif self._passing:
                self._drop_empty()
        finally:
            self._let_go()

    def _let_go(self) -> None:
        with suppress(OSError):
            os.unlink(self._beside)  # noqa: PTH108 - where it has not become the file
        os.close(self._fd)

    def _drop_empty(self) -> None:
        """Delete the records' file where this run made it."""
        with suppress(OSError):
            if not os.path.getsize(self._source):  # noqa: PTH202
                os.unlink(self._source)  # noqa: PTH108

    def _make(self) -> None:
        try:
            os.ftruncate(self._fd, 0)  # of a run that was killed while it made the file
            with open(self._source, "rb") as lines, open(self._fd, "wb", closefd=False) as out:  # noqa: PTH123
                whole = write_parquet(map(json.loads, lines), out, self._should_stop)
            if not whole:
                self._on_note(
                    f"{self._path} is not made; its records are in {self._source}, and --resume goes on there"
                )
                return
            fsync(self._fd)
            if not is_open_as(self._fd, self._beside):
                raise ForeignFileError(self._beside, f"{self._beside} was replaced during the run")
            os.replace(self._beside, self._path)  # noqa: PTH105
            sync_folder(self._path)
            if self._passing:
                os.unlink(self._source)  # noqa: PTH108
        except (OSError, ValueError, TypeError) as error:
            reason = system_reason(error)
            raise OutputError(self._path, f"{reason}; its records are in {self._source}") from error


def has_pyarrow() -> bool:
    """Whether the extra is installed."""
    return find_spec("pyarrow") is not None


def check_parquet(path: str) -> None:
    """See that a Parquet file can be made there. Raises UsageError."""
    if not has_pyarrow():
        raise UsageError(f"--parquet needs pyarrow: {how_to_install('parquet')}")
    try:
        ours = is_ours(path)
    except (OSError, ValueError):
        ours = True  # opening a file beside it will say what is wrong
    if not ours:
        raise UsageError(f"--parquet needs a regular file, and {path} is not one")


def write_parquet(
    records: Iterable[dict[str, Any]], out: str | BinaryIO, should_stop: Callable[[], bool] = never
) -> bool:
    """Write records, as they stand in JSON Lines, a row group at a time; False where ``should_stop`` said so.

    Raises OSError, ValueError and TypeError (which pyarrow's errors are).
    """
    from pyarrow import RecordBatch, Table  # noqa: PLC0415 - an extra
    from pyarrow.parquet import ParquetWriter  # noqa: PLC0415

    schema = _schema()
    rows = iter(records)
    with ParquetWriter(out, schema, compression="zstd") as writer:
        group: list[RecordBatch] = []
        while batch := [_row(row) for row in islice(rows, ROWS_AT_ONCE)]:
            if should_stop():
                return False
            group.append(
                RecordBatch.from_pydict({name: [row.get(name) for row in batch] for name in schema.names}, schema)
            )
            if sum(part.num_rows for part in group) >= GROUP_ROWS or sum(part.nbytes for part in group) >= GROUP_BYTES:
                writer.write_table(Table.from_batches(group, schema).unify_dictionaries())
                group.clear()
        if group:
            writer.write_table(Table.from_batches(group, schema).unify_dictionaries())
    return True


def lines_of(source: str | BinaryIO, *, bodies: bool = True) -> Iterator[bytes]:
    """Give a Parquet file's records as the lines of JSON that it was made of.

    source: its path, or the file open and at its beginning. bodies: whether they are read too.
    Raises OSError, ValueError and TypeError; ImportError without pyarrow.
    """
    from pyarrow.parquet import ParquetFile  # noqa: PLC0415 - an extra

    with ExitStack() as opened:
        if isinstance(source, str):  # whose name Arrow would take for UTF-8
            source = opened.enter_context(open(source, "rb"))  # noqa: PTH123
        file = opened.enter_context(ParquetFile(source))
        there = file.schema_arrow.names
        names = [name for name in _schema().names if name in there or name not in LATER]
        if there != names:
            raise ValueError("its columns are not those of records")
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=[name for name in names if bodies or name != "body"]):
            yield from (f"{json_text(_record(row))}\n".encode() for row in batch.to_pylist())


def unpack(path: str, lines: str) -> None:
    """Write a Parquet file's records back as JSON Lines, to go on with them. Raises what ``lines_of`` raises."""
    beside = _beside(lines)
    with open(open_own(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as out:  # noqa: PTH123
        out.writelines(lines_of(path))
        out.flush()
        fsync(out.fileno())
    os.replace(beside, lines)  # noqa: PTH105


def _beside(path: str) -> str:
    folder, name = os.path.split(os.path.realpath(path))
    return str(Path(folder, f".{name}.making"))


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """Return a record with values of its columns' types."""
    for name, value in row.items():
        if value is None:
            continue
        if name in JSON_COLUMNS:
            row[name] = json_text(value)
        elif name in TIMES:
            row[name] = datetime.fromisoformat(value)
        elif name == "redirects":
            row[name] = list(map(printable, value))
        elif name == "hops":
            row[name] = [{**hop, "url": printable(hop["url"])} for hop in value]
        elif name == "body":
            row[name] = value.encode("utf-8", "backslashreplace").decode()
        elif isinstance(value, str):
            row[name] = printable(value)  # a lone surrogate is no text to Arrow
    row.setdefault("method", GET)
    return row


def _record(row: dict[str, Any]) -> dict[str, Any]:
    for name in JSON_COLUMNS & row.keys():
        row[name] = None if row[name] is None else json.loads(row[name])
    for name in TIMES & row.keys():
        if row[name] is not None:
            row[name] = row[name].isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        name: value
        for name, value in row.items()
        if not (value is None and name in OPTIONAL) and not (name == "method" and value == GET)
    }


def _schema() -> Any:
    import pyarrow as pa  # noqa: PLC0415 - an extra

    types = {
        "word": pa.dictionary(pa.int32(), pa.string()),
        "int16": pa.int16(),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "real": pa.float64(),
        "boolean": pa.bool_(),
        "time": pa.timestamp("ms", tz="UTC"),
        "urls": pa.list_(pa.string()),
        "hops": pa.list_(pa.struct({"url": pa.string(), "status": pa.int16()})),
        "timings": pa.struct(dict.fromkeys(TIMINGS, pa.float64())),
        "tls": pa.struct(dict.fromkeys(TLS_FACTS, pa.string())),
    }
    return pa.schema({field.name: types.get(field.kind, pa.string()) for field in TABLE})
