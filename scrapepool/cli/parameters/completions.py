"""What a shell offers for the values of options and arguments: files, names, columns of a list.

Decides the candidates; ``completion_command`` writes the scripts that ask for them. Nothing here may fail: a shell has
no place for an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMPLETION_HEAD = 64 * 1024
"""Bytes of a list that are read to find its columns."""


def files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001 - Click's signature
    """Let the shell complete a file name."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - when a shell asks

    return [CompletionItem(incomplete, type="file")]


def among(words: Iterable[str], incomplete: str) -> list[CompletionItem]:
    """Complete the last of some names with commas between them."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - when a shell asks

    before, comma, last = incomplete.rpartition(",")
    named = set(before.split(","))
    return [CompletionItem(f"{before}{comma}{word}") for word in words if word.startswith(last) and word not in named]


def columns(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001 - Click's signature
    """Complete the name of a column, or of a key, of the lists that are named already."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - when a shell asks

    # While the option has no value yet, Click leaves the arguments unparsed.
    names = [*ctx.args, *(ctx.params.get("sources") or ()), *(ctx.params.get("lists") or ())]
    found = dict.fromkeys(name for path in names for name in _columns_of(path))
    return [CompletionItem(name) for name in found if name.startswith(incomplete)]


def _columns_of(path: str) -> Iterator[str]:
    import json  # noqa: PLC0415 - when a shell asks

    from ...errors import ScrapepoolError  # noqa: PLC0415
    from ...read.formats.csv_header import csv_header  # noqa: PLC0415
    from ...read.streams.decompress import decompressed  # noqa: PLC0415

    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a Path of its own would say no more
            pieces = decompressed(path, iter(lambda: file.read(COMPLETION_HEAD), b""), lambda _: None)
            head = bytes(next(iter(pieces), b""))[:COMPLETION_HEAD]
        if head.lstrip().startswith(b"{"):
            yield from json.loads(head.lstrip().splitlines()[0])
        elif (header := csv_header(head, tabs=".tsv" in path, names=lambda _: True)) is not None:
            yield from header.columns
    except (OSError, ValueError, ScrapepoolError):
        return
