"""What is shown: the options on progress, logs and the configuration file."""

from __future__ import annotations

from typing import Any

import click

from ...settings import DisplaySettings
from ..config.config_file import read_config
from ..parameters.declare import D, Decorator, opt, refuse, subject
from ..parameters.option_types import Duration, FileName

OPTIONS: list[Decorator] = [
    *subject(
        "Display",
        opt("--progress", type=click.Choice(["auto", "live", "plain", "none"]), default=D.display.progress,
           help="On standard error; auto is live on a terminal and a line every ten seconds elsewhere."),
        opt("-q", "--quiet", is_flag=True,
           help="Write nothing on standard error where every URL succeeds, and a few lines on what failed where not."),
        opt("-v", "--verbose", is_flag=True,
           help="A line on standard error for every URL that did not succeed; records with a history, for explain."),
        opt("--log-file", type=FileName(), help="The same lines, with times, appended to a file."),
        opt("--watch-stalls", type=Duration(above_zero=True),
           help="Where nothing has ended for so long, say what every request waits for.  [default: never]"),
        opt("--summary-json", type=FileName(), help="Write the closing summary as JSON."),
        opt("--metrics-file", type=FileName(), metavar="FILE.prom",
           help="Write the figures of the run for Prometheus (node_exporter's textfile collector), every 15 s and at "
           "its end."),
    ),
    *subject(
        "Configuration",
        opt("--config", type=FileName(), is_eager=True, callback=read_config,
           help="Options, and sections for hosts, as TOML; /dev/null for none.  [default: ./scrapepool.toml, "
           "[tool.scrapepool] in ./pyproject.toml, or ~/.config/scrapepool/config.toml]"),
    ),
]  # fmt: skip


def display_settings(o: dict[str, Any]) -> DisplaySettings:
    """What is shown. Raises UsageError."""
    refuse(
        o["quiet"] and o["progress"] in ("live", "plain"),
        f"--quiet and --progress {o['progress']} contradict each other",
    )
    return DisplaySettings(
        progress=o["progress"],
        quiet=o["quiet"],
        verbose=o["verbose"],
        log_file=o["log_file"],
        summary_json=o["summary_json"],
        watch_stalls=o["watch_stalls"],
        metrics_file=o["metrics_file"],
    )
