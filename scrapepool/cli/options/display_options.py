"""What is shown: the options on progress, logs and the configuration file."""

from __future__ import annotations

from typing import Any

import click

from ...settings import DisplaySettings
from ..config.config_file import read_config
from ..parameters.declare import DEFAULTS, Decorator, option, option_group, refuse_if
from ..parameters.quantity_types import Duration, Whole
from ..parameters.text_types import FileName

OPTIONS: list[Decorator] = [
    *option_group(
        "Display",
        option("--progress", type=click.Choice(["auto", "live", "plain", "none"]), default=DEFAULTS.display.progress,
            help="Show progress on standard error: live redraws a table, plain writes a line every 10 s, and auto is "
            "live on a terminal and plain elsewhere."),
        option("-q", "--quiet", is_flag=True,
            help="Write nothing to standard error if every URL succeeds, and otherwise a few lines about failures."),
        option("-v", "--verbose", is_flag=True,
            help="Write a line to standard error for every URL that did not succeed, and add a history for explain to "
            "records."),
        option("--log-file", type=FileName(), help="Append the same lines, with times, to this file."),
        option("--watch-stalls", type=Duration(above_zero=True),
            help="If no URL ends for this long, report what every request is waiting for.  [default: never]"),
        option("--summary-json", type=FileName(), help="Write the summary to this file as JSON."),
        option("--metrics-file", type=FileName(), metavar="FILE.prom",
            help="Write metrics of the run to this file, every 15 s and at the end, for node_exporter's textfile "
            "collector (Prometheus)."),
        option("--metrics-port", type=Whole(0, 65535), metavar="PORT",
            help="Serve the same metrics to Prometheus while the run goes on, on 127.0.0.1 only; 0 takes a free port "
            "and reports it."),
        option("--metrics-hosts", is_flag=True,
            help="Add metrics per host for the 50 hosts with the most URLs: requests, failures, latency and state."),
    ),
    *option_group(
        "Configuration",
        option("--config", type=FileName(), is_eager=True, callback=read_config,
            help="Read options, and sections for hosts, from this TOML file; /dev/null reads none.  [default: "
            "./scrapepool.toml, [tool.scrapepool] in ./pyproject.toml, or ~/.config/scrapepool/config.toml]"),
    ),
]  # fmt: skip


def display_settings(o: dict[str, Any]) -> DisplaySettings:
    """Return the settings of what is shown. Raises UsageError."""
    refuse_if(
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
        metrics_port=o["metrics_port"],
        metrics_hosts=o["metrics_hosts"],
    )
