"""What earlier runs know: the options on their records."""

from __future__ import annotations

from typing import Any

from ...settings import SinceSettings
from ..parameters.declare import Decorator, option, option_group
from ..parameters.quantity_types import Duration, Whole
from ..parameters.text_types import FileName, Names, record_field_names

OPTIONS: list[Decorator] = [
    *option_group(
        "Repeated runs",
        option("--since", type=FileName(), metavar="RECORDS", multiple=True,
            help="Read records of an earlier run (a file, a folder, a glob, or - for standard input), ask servers only "
            "for what changed since, and add change (new, changed, same, gone, back or unknown) to each record. May "
            "be repeated; later files win."),
        option("--since-if-there", is_flag=True,
            help="Skip a file of --since that does not exist, as on the first day."),
        option("--fresh", is_flag=True,
            help="Do not request pages whose last response is still fresh by its Cache-Control or Expires; record them "
            "as unchanged, with fresh set."),
        option("--min-age", type=Duration(above_zero=True),
            help="Do not request pages that were last requested less than this long ago, whatever their headers say.  "
            "[default: request all]"),
        option("--keep-versions", guarded=True, type=Whole(0), metavar="N",
            help="Keep the last N earlier versions of a changed page and delete older ones: as files beside the page's "
            "own with --save-dir, as rows (and bodies) with --sqlite.  [default: no files; all rows]"),
        option("--change-by", type=Names(record_field_names), metavar="a,b,c",
            help="Compare the values of these record fields to decide whether a page changed, as data.price with "
            "--select.  [default: the digest of the body]"),
    ),
]  # fmt: skip


def since_settings(o: dict[str, Any]) -> SinceSettings:
    """Return the settings of what is known from earlier runs. Raises UsageError."""
    return SinceSettings(
        records=tuple(o["since"]),
        if_there=o["since_if_there"],
        change_by=tuple(o["change_by"] or ()),
        fresh=o["fresh"],
        min_age=o["min_age"],
        keep_versions=o["keep_versions"],
    )
