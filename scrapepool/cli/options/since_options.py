"""What is known of earlier runs: the options on their records."""

from __future__ import annotations

from typing import Any

from ...settings import SinceSettings
from ..parameters.declare import Decorator, opt, subject
from ..parameters.option_types import Duration, FileName, Names

OPTIONS: list[Decorator] = [
    *subject(
        "Again",
        opt("--since", type=FileName(), metavar="RECORDS", multiple=True,
            help="Records of an earlier run, - for standard input: ask only for what has changed since, and add change "
            "to each record (new, changed, same, gone, back, unknown). May be repeated; the last one goes first."),
        opt("--since-if-there", is_flag=True,
            help="Pass over a file of --since that is not there, as on the first day."),
        opt("--fresh", is_flag=True,
            help="Do not request pages whose last response is still fresh by its Cache-Control or Expires; their "
            "records are unchanged, with fresh."),
        opt("--min-age", type=Duration(above_zero=True),
            help="Do not request pages that were requested less than this ago, whatever their headers say.  "
            "[default: request all]"),
        opt("--change-by", type=Names(), metavar="a,b,c",
            help="Fields of records whose values decide whether a page has changed, as data.price with --select.  "
            "[default: the digest of the body]"),
    ),
]  # fmt: skip


def since_settings(o: dict[str, Any]) -> SinceSettings:
    """What is known of earlier runs. Raises UsageError."""
    return SinceSettings(
        records=tuple(o["since"]),
        if_there=o["since_if_there"],
        change_by=tuple(o["change_by"] or ()),
        fresh=o["fresh"],
        min_age=o["min_age"],
    )
