"""What is read: the options on lists."""

from __future__ import annotations

from typing import Any, get_args

import click

from ...settings import InputFormat, InputSettings
from ..parameters.declare import D, Decorator, opt, subject

OPTIONS: list[Decorator] = [
    *subject(
        "Input",
        opt("--list", "lists", guarded=True, metavar="FILE|URL", multiple=True,
            help="A list to read, also by its URL, which as an argument would be fetched itself; may be repeated."),
        opt("--input-format", type=click.Choice(get_args(InputFormat)), default=D.input.format,
           help="How lists are read; auto goes by suffix and first bytes, prose takes the URLs out of any text."),
        opt("--url-field", metavar="NAME",
            help="Column (CSV, TSV, Parquet) or key (JSONL) that holds the URL.  [default: url]"),
        opt("--url-template", guarded=True, metavar="TEMPLATE",
            help="Make the URL of a row's columns, as in 'https://example.org/item/{id}'; {+id} encodes less."),
        opt("--base-url", guarded=True, metavar="URL", help="What relative URLs in the list are resolved against."),
        opt("--glob", is_flag=True,
            help="Take URLs given here for patterns, as curl does: 'https://example.org/{a,b}/[001-100:2]'."),
        opt("--row-requests/--no-row-requests", default=D.input.row_requests,
            help="Take the columns method, headers, data, timeout and save_as of JSONL for requests of the rows, as an "
            "object under the key request is; with --no-row-requests that is a column as well."),
        opt("--dedupe/--no-dedupe", default=D.input.dedupe, help="Fetch a URL that the list holds twice once only."),
    ),
]  # fmt: skip


def input_settings(o: dict[str, Any]) -> InputSettings:
    """How lists are read."""
    return InputSettings(
        format=o["input_format"],
        url_field=o["url_field"],
        url_template=o["url_template"],
        base_url=o["base_url"],
        dedupe=o["dedupe"],
        lists=tuple(o["lists"]),
        glob=o["glob"],
        row_requests=o["row_requests"],
    )
