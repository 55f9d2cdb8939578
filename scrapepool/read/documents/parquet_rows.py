"""Reads Parquet lists with pyarrow.

Decides which column contains the URL, and how values that JSON lacks are written: dates and times in ISO 8601, decimals
as text, bytes as UTF-8 or in hexadecimal. pyarrow is an extra; this file imports it.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from types import NoneType
from typing import Any, BinaryIO

from ...errors import ListError, UsageError
from ...extras import how_to_install
from ...settings import InputSettings
from ..formats.csv_rows import check_columns, url_column
from ..formats.detect import template_for
from ..formats.rows import RowError
from ..formats.url_template import URLTemplate
from .document import Document, Link

try:
    import pyarrow
    from pyarrow.parquet import ParquetFile
except ImportError as error:
    raise UsageError(f"Parquet needs pyarrow: {how_to_install('parquet')}") from error

ROWS_AT_ONCE = 2048
"""Rows that are in memory as Python values at a time."""


def check_parquet(document: Document, settings: InputSettings) -> None:
    """Check the columns of a file that can be read in place. Raises ListError."""
    if document.file is not None:
        with _translated(document.name), _file(document, ()) as file, _opened(file) as parquet:
            _columns(document.name, parquet, settings)


def parquet_links(document: Document, pieces: Iterable[bytes], settings: InputSettings) -> Iterator[Link]:
    """Yield the rows of a Parquet file. Raises ListError.

    document: read in place if it has a file. Otherwise ``pieces`` are written into a temporary file first, since the
    index of a Parquet file is at its end.
    """
    with _translated(document.name), _file(document, pieces) as file, _opened(file) as parquet:
        url, template = _columns(document.name, parquet, settings)
        for batch in parquet.iter_batches(ROWS_AT_ONCE, use_threads=False):
            for row in batch.to_pylist():
                values = {column: _plain(value) for column, value in row.items()}
                try:
                    text = template.expand(values) if template else _text(values.pop(url, None))
                except RowError as error:
                    yield Link("", values, str(error))
                else:
                    yield Link(text, values)


def _columns(name: str, parquet: Any, settings: InputSettings) -> tuple[str, URLTemplate | None]:
    """Return the column with the URL, or the template that makes it from others. Raises ListError."""
    columns = parquet.schema_arrow.names
    template = template_for(name, "parquet", settings)
    if template is None:
        return columns[url_column(name, columns, settings.url_field)], None
    check_columns(name, columns, template)
    return "", template


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except pyarrow.ArrowException as error:
        raise ListError(name, f"cannot be read as Parquet: {_first_line(error)}") from error
    except OSError as error:
        raise ListError(name, error.strerror or _first_line(error)) from error


def _opened(file: BinaryIO) -> Any:
    return ParquetFile(file, pre_buffer=False)


def _file(document: Document, pieces: Iterable[bytes]) -> BinaryIO:
    if document.file is not None:
        return os.fdopen(os.dup(document.file), "rb")
    file = tempfile.TemporaryFile(prefix="scrapepool-")  # noqa: SIM115 - the caller closes it
    for piece in pieces:
        file.write(piece)
    file.seek(0)
    return file


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise RowError("no URL in this row" if value is None else "the URL's column holds no text")
    return value.strip()


def _plain(value: Any) -> Any:
    """Convert a value to one of JSON."""
    write = _WRITERS.get(type(value), str)
    return value if write is None else write(value)


def _bytes(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()


_WRITERS: dict[type, Callable[[Any], Any] | None] = {
    NoneType: None,
    bool: None,
    int: None,
    str: None,
    float: lambda value: value if math.isfinite(value) else None,
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: timedelta.total_seconds,
    bytes: _bytes,
    dict: lambda value: {str(key): _plain(item) for key, item in value.items()},
    list: lambda value: [_plain(item) for item in value],
    tuple: lambda value: [_plain(item) for item in value],
}
"""How a value of each type is converted; None leaves it unchanged. Values of other types become text."""


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
