"""What is read: the options on lists."""

from __future__ import annotations

from typing import Any, get_args

import click

from ...settings import InputFormat, InputSettings
from ..parameters.completions import columns
from ..parameters.declare import DEFAULTS, Decorator, option, option_group
from ..parameters.shard_type import SHARD_HELP, ShardType

FORMAT = (
    option("--input-format", type=click.Choice(get_args(InputFormat)), default=DEFAULTS.input.format,
        help="Read lists in this format; auto decides by suffix and first bytes, prose finds URLs in any text."),
    option("--url-field", metavar="NAME", shell_complete=columns,
        help="Take the URL from this column (CSV, TSV, Parquet) or key (JSONL).  [default: url]"),
    option("--url-template", guarded=True, metavar="TEMPLATE",
        help="Build each row's URL from its columns, as in 'https://example.org/item/{id}'; {+id} leaves / ? & and "
        "the like as they are."),
    option("--base-url", guarded=True, metavar="URL", help="Resolve relative URLs in the lists against this URL."),
)  # fmt: skip
"""The options on how lists are read, which other commands take, too."""

OPTIONS: list[Decorator] = [
    *option_group(
        "Input",
        option("--list", "lists", guarded=True, metavar="FILE|URL", multiple=True,
            help="Read this list. A URL here names a list to download; as an argument it would be fetched itself. May "
            "be repeated."),
        *FORMAT,
        option("--glob", is_flag=True,
            help="Expand patterns in URL arguments, as curl does: 'https://example.org/{a,b}/[001-100:2]'."),
        option("--row-requests/--no-row-requests", default=DEFAULTS.input.row_requests,
            help="Let the JSONL columns method, headers, data, timeout and save_as set the row's request.  [default: "
            "only an object under the key request does; with --no-row-requests, that is a plain column too]"),
        option("--shard", type=ShardType(), help=f"Read only the URLs of {SHARD_HELP}"),
        option("--dedupe/--no-dedupe", default=DEFAULTS.input.dedupe,
            help="Fetch a URL only once, even if the lists repeat it."),
    ),
]  # fmt: skip


def format_options(command: Any) -> Any:
    """Give a command the options on how lists are read."""
    for decorate in reversed(option_group("Input", *FORMAT)):
        command = decorate(command)
    return command


def input_settings(o: dict[str, Any]) -> InputSettings:
    """Return the settings of how lists are read."""
    return InputSettings(
        format=o["input_format"],
        url_field=o["url_field"],
        url_template=o["url_template"],
        base_url=o["base_url"],
        dedupe=o["dedupe"],
        lists=tuple(o["lists"]),
        glob=o["glob"],
        row_requests=o["row_requests"],
        shard=o["shard"],
    )
