"""Bodies as files: the options on where they go and how they are named."""

from __future__ import annotations

from typing import Any

import click

from ...settings import FileSettings
from ..parameters.declare import Decorator, option, option_group
from ..parameters.text_types import FileName

OPTIONS: list[Decorator] = [
    *option_group(
        "Bodies as files",
        option("--save-dir", type=FileName(), metavar="DIR",
            help="Save each body whose status is below 300 as a file in this folder."),
        option("--name-template", metavar="TEXT",
            help="Name the files like this, with {host} {path} {stem} {ext} {hash} {sha256} {line} {date} {status} "
            "{disposition} {title} and the columns of the row filled in.  [default: {host}/{stem}-{hash}{ext}]"),
        option("--compress", type=click.Choice(["gz", "zst"]), help="Compress each file.  [default: uncompressed]"),
        option("--dedupe-bodies", is_flag=True, help="Write equal bodies only once, and hard-link the others."),
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
