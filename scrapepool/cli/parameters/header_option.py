"""``--header @FILE``: header fields from a file, so that process listings do not show them.

Decides how such a file is read, and that no message repeats its content.
"""

from __future__ import annotations

from typing import Any

import click

from ...errors import UsageError, system_reason
from .files_read import note_read
from .grouped_options import FetchOption
from .text_types import Header

MAX_HEADER_FILE = 1024 * 1024
"""Bytes of such a file: no server accepts as many."""


class HeaderOption(FetchOption):
    """An option that takes header fields; ``@FILE`` means the fields in a file, one per line."""

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """Return the fields, with the names of files replaced by the fields in them."""
        if not isinstance(value, list | tuple):
            return super().type_cast_value(ctx, value)
        fields: list[Any] = []
        for one in value:
            if isinstance(one, str) and one.startswith("@"):
                note_read(ctx, "--header", one[1:])
                fields += _read(one[1:])
            else:
                fields.append(one)
        return super().type_cast_value(ctx, fields)


def _read(path: str) -> list[tuple[str, str]]:
    """Read the fields of a file. Raises UsageError, which names the line but never repeats it."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - Path("") is the current folder
            content = file.read(MAX_HEADER_FILE + 1)
    except (OSError, ValueError) as error:
        raise UsageError(f"--header: {path}: {system_reason(error)}") from None
    if len(content) > MAX_HEADER_FILE:
        raise UsageError(f"--header: {path}: larger than 1 MiB; the file must have one header field per line")
    fields = []
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            fields.append(Header().convert(line.decode(), None, None))
        except (click.UsageError, UnicodeDecodeError):
            raise UsageError(f"--header: {path}: line {number} is not a header field; write Name: value") from None
    return fields
