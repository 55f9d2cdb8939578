"""When a run begins: the options for cron."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from click.core import ParameterSource

from ...settings import StartSettings
from ..parameters.declare import D, Decorator, opt, spelt, subject
from ..parameters.option_types import Duration

CRON: Mapping[str, Any] = {"quiet": True, "splay": 60.0, "wait_lock": 600.0}
"""What ``--cron`` stands for, by parameter."""

OPTIONS: list[Decorator] = [
    *subject(
        "Cron",
        opt("--cron", is_flag=True,
            help="The usual set for cron: --quiet, --splay 60s and --wait-lock 10m, where you do not say otherwise."),
        opt("--splay", type=Duration(), default=spelt(D.start.splay),
            help="Begin after a random time of at most this, so that not all machines begin at once."),
        opt("--wait-lock", type=Duration(), default=spelt(D.start.wait_lock),
            help="Wait this long for another run that writes the same output, instead of exit code 75 at once."),
    ),
]  # fmt: skip


def with_cron(ctx: click.Context, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with what ``--cron`` stands for in the place of defaults. A display that was asked for stays."""
    if not values["cron"]:
        return dict(values)
    shown = ctx.get_parameter_source("progress") is not ParameterSource.DEFAULT
    usual = {
        name: value
        for name, value in CRON.items()
        if ctx.get_parameter_source(name) is ParameterSource.DEFAULT and not (name == "quiet" and shown)
    }
    return {**values, **usual}


def start_settings(o: dict[str, Any]) -> StartSettings:
    """When a run begins. Raises UsageError."""
    return StartSettings(splay=o["splay"], wait_lock=o["wait_lock"])
