"""``--header @FILE``: header fields out of a file, so that no list of processes shows them.

Decides how such a file is read, and that no message holds its content.
"""

from __future__ import annotations

from typing import Any

import click

from ...errors import UsageError
from .files_read import note_read
from .grouped_options import FetchOption
from .option_types import Header

MOST = 1024 * 1024
"""Bytes of such a file: no server takes as many."""


class HeaderOption(FetchOption):
    """An option that takes header fields; ``@FILE`` stands for the fields of a file, one per line."""

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """The fields, those of files in the place of their names."""
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
    """The fields that a file holds. Raises UsageError, which names the line and never tells what is on it."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - Path("") is the current folder
            content = file.read(MOST + 1)
    except (OSError, ValueError) as error:
        raise UsageError(f"--header: {path}: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > MOST:
        raise UsageError(f"--header: {path}: more than 1 MiB; a file of header fields has one field per line")
    fields = []
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            fields.append(Header().convert(line.decode(), None, None))
        except (click.UsageError, UnicodeDecodeError):
            raise UsageError(f"--header: {path}: line {number} is no header field; write Name: value") from None
    return fields
