"""Bodies as files: the options on where they go and how they are called."""

from __future__ import annotations

from typing import Any

import click

from ...settings import FileSettings
from ..parameters.declare import Decorator, opt, subject
from ..parameters.option_types import FileName

OPTIONS: list[Decorator] = [
    *subject(
        "Bodies as files",
        opt("--save-dir", type=FileName(), metavar="DIR",
           help="Write each body that came with a status below 300 into a file below DIR."),
        opt("--name-template", metavar="TEXT",
           help="The files' names, with {host} {path} {stem} {ext} {hash} {sha256} {line} {date} {status} and the "
           "columns of the row.  [default: {host}/{stem}-{hash}{ext}]"),
        opt("--compress", type=click.Choice(["gz", "zst"]), help="Pack each file.  [default: none is]"),
        opt("--dedupe-bodies", is_flag=True, help="Link files of equal bodies instead of writing them again."),
    ),
]  # fmt: skip


def file_settings(o: dict[str, Any]) -> FileSettings:
    """Bodies as files. Raises UsageError."""
    return FileSettings(
        save_dir=o["save_dir"],
        name_template=o["name_template"],
        compress=o["compress"],
        dedupe_bodies=o["dedupe_bodies"],
    )
