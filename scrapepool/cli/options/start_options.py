"""When and where a run begins: the options for cron and for clusters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from click.core import ParameterSource

from ...settings import StartSettings
from ..parameters.declare import DEFAULTS, Decorator, duration_text, option, option_group
from ..parameters.quantity_types import Duration

CRON: Mapping[str, Any] = {"quiet": True, "splay": 60.0, "wait_lock": 600.0}
"""The values that ``--cron`` sets, by parameter."""

OPTIONS: list[Decorator] = [
    *option_group(
        "Cron",
        option("--cron", is_flag=True,
            help="Set --quiet, --splay 60s and --wait-lock 10m, unless you set them otherwise."),
        option("--splay", type=Duration(), default=duration_text(DEFAULTS.start.splay),
            help="Wait for a random time up to this before the run, so that many machines do not start at once."),
        option("--wait-lock", type=Duration(), default=duration_text(DEFAULTS.start.wait_lock),
            help="Wait up to this long for another run that writes the same output, instead of ending with exit code "
            "75."),
    ),
    *option_group(
        "Many machines",
        option("--cluster", metavar="ADDRESS",
            help="Run shards of the hosts on the workers of this Dask cluster: tcp://host:8786, a scheduler file, or "
            "local:4 for 4 processes of this machine. --workers is per shard, and --rate is divided."),
    ),
]  # fmt: skip


def with_cron(ctx: click.Context, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with defaults replaced by those of ``--cron``. A requested display stays."""
    if not values["cron"]:
        return dict(values)
    shown = ctx.get_parameter_source("progress") is not ParameterSource.DEFAULT
    replaced = {
        name: value
        for name, value in CRON.items()
        if ctx.get_parameter_source(name) is ParameterSource.DEFAULT and not (name == "quiet" and shown)
    }
    return {**values, **replaced}


def start_settings(o: dict[str, Any]) -> StartSettings:
    """Return the settings of when and where a run begins. Raises UsageError."""
    return StartSettings(splay=o["splay"], wait_lock=o["wait_lock"], cluster=o["cluster"])
