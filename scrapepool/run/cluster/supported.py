"""Which settings a run on a cluster carries out. Everything else is refused, with what to use instead.

Decides that by settings alone: no file is opened, and no cluster asked.
"""

from __future__ import annotations

from collections.abc import Callable

from ...errors import UsageError
from ...settings import Settings

PARTS = "each shard writes parts of its own; give a folder that all machines share, as in --output s3://bucket/out/"

RULES: tuple[tuple[Callable[[Settings], bool], str], ...] = (
    (lambda s: s.output.sqlite is not None, f"--sqlite is one file: {PARTS}"),
    (lambda s: s.output.parquet is not None, f"--parquet is one file: {PARTS} --format parquet"),
    (lambda s: s.output.template is not None, f"--template is for one process: {PARTS}"),
    (lambda s: not s.output.in_parts, f"the records need a folder whose name ends with /: {PARTS}"),
    (lambda s: s.output.ordered, "--ordered holds for one process; sort the parts by line"),
    (lambda s: bool(s.warc.dedup), "--warc-dedup is read by one process; run shares of the list with --shard"),
    (lambda s: bool(s.since.records), "--since is read by one process; run shares of the list with --shard"),
    (lambda s: s.request.save_cookies is not None, "--save-cookies is one file, and each shard has cookies of its own"),
    (lambda s: s.input.shard is not None, "--shard divides the list already; leave it out"),
    (lambda s: s.pool.processes != 1, "--processes is for one machine; start more workers on each instead"),
    (lambda s: s.limits.targets is not None, "--limit counts the URLs of one process; shorten the list instead"),
    (lambda s: s.limits.max_bytes is not None, "--max-bytes counts the bytes of one process; use --max-time"),
    (lambda s: bool(s.alarm.fail_if), "--fail-if is about the records of one process; ask the parts when it has ended"),
    (lambda s: s.display.has_metrics, "--metrics-file and --metrics-port are for one process; use Dask's dashboard"),
    (lambda s: s.display.watch_stalls is not None, "--watch-stalls watches one process"),
)
"""What is not supported, and the message."""


def check_supported(settings: Settings) -> None:
    """Raise UsageError for what cannot be divided among machines."""
    for applies, message in RULES:
        if applies(settings):
            raise UsageError(f"with --cluster, {message}")
