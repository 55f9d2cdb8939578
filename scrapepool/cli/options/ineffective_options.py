"""Options that have no effect on a run.

Decides which combinations these are. On the command line such an option is an error; in a configuration file or in the
environment it is meant for other runs and is ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from ...errors import UsageError
from ...settings import Settings
from ..parameters.grouped_options import is_typed


def _writes_cells(settings: Settings) -> bool:
    from ...record import record_format  # noqa: PLC0415 - rarely needed

    return record_format(settings.output) != "jsonl"


def _writes_archive(settings: Settings) -> bool:
    return settings.warc.path is not None


def _reads_columns(settings: Settings) -> bool:
    from ...read.formats.detect import AUTO, COLUMNS  # noqa: PLC0415 - rarely needed

    return settings.input.format in {AUTO, *COLUMNS}


RULES: tuple[tuple[str, Callable[[Settings], bool], str], ...] = (
    ("url_field", _reads_columns, "--url-field names a column, but lists of --input-format {format} have none"),
    ("part_size", lambda settings: settings.output.in_parts, "--part-size needs an --output that ends with /"),
    ("safe_csv", _writes_cells, "--safe-csv needs CSV or TSV output"),
    ("csv_bom", _writes_cells, "--csv-bom needs CSV or TSV output"),
    (
        "extract_workers",
        lambda settings: settings.output.wants_data,
        "--extract-workers needs --select, --links or --text",
    ),
    ("warc_size", _writes_archive, "--warc-size needs --warc"),
    ("warc_dedup", _writes_archive, "--warc-dedup needs --warc"),
    ("warc_cdx", _writes_archive, "--warc-cdx needs --warc"),
    ("sqlite_timeout", lambda settings: settings.output.sqlite is not None, "--sqlite-timeout needs --sqlite"),
    (
        "keep_versions",
        lambda settings: settings.files.save_dir is not None or settings.output.sqlite is not None,
        "--keep-versions needs --save-dir or --sqlite",
    ),
    ("overwrite", _writes_archive, "--overwrite needs --warc"),
)
"""Parameters, whether they have an effect with these settings, and the error message if they have none."""


NEEDS: tuple[tuple[tuple[str, ...], Callable[[Mapping[str, Any]], bool]], ...] = (
    (("name_template", "compress", "dedupe_bodies"), lambda o: o["save_dir"] is not None),
    (("since_if_there", "change_by", "fresh", "min_age", "keep_versions"), lambda o: bool(o["since"])),
    (("metrics_hosts",), lambda o: o["metrics_file"] is not None or o["metrics_port"] is not None),
    (("fail_fast",), lambda o: bool(o["fail_if"])),
    (("format", "fields"), lambda o: o["output"] is not None or not (o["sqlite"] or o["parquet"] or o["template"])),
)
"""Parameters that need another option, and whether the values have that option."""


def without_ineffective(ctx: click.Context, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values, but reset ineffective ones that are not from the command line."""
    kept = dict(values)
    for names, is_met in NEEDS:
        for name in names:
            if not is_met(values) and not is_typed(ctx, name):
                kept[name] = False if isinstance(kept[name], bool) else None
    return kept


def check_effective(ctx: click.Context, settings: Settings) -> None:
    """Raise UsageError for an option on the command line that has no effect."""
    for name, has_effect, message in RULES:
        if is_typed(ctx, name) and not has_effect(settings):
            raise UsageError(message.format(format=settings.input.format))
