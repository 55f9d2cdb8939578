"""When a run has failed, and who is told: the options on the exit code and what follows the run."""

from __future__ import annotations

from typing import Any

from ...settings import AlarmSettings
from ..parameters.declare import Decorator, opt, subject
from ..parameters.option_types import Expression

OPTIONS: list[Decorator] = [
    *subject(
        "Alarm",
        opt("--fail-if", type=Expression(), multiple=True, metavar="EXPRESSION",
            help="End with exit code 1 if this is true, and else with 0, whatever failed: 'failures>5%', "
            "'http_5xx>=100', 'status_404>10', 'p95>2s'; may be repeated.  [default: exit code 1 if any URL fails]"),
        opt("--fail-fast", is_flag=True,
            help="Stop the run as soon as an expression of --fail-if is certain to be true at its end."),
        opt("--at-end", guarded=True, metavar="COMMAND",
            help="After the run, also an interrupted one, run a command of the shell. It gets the summary as JSON on "
            "standard input."),
    ),
]  # fmt: skip


def alarm_settings(o: dict[str, Any]) -> AlarmSettings:
    """When a run has failed. Raises UsageError."""
    return AlarmSettings(fail_if=tuple(o["fail_if"]), fail_fast=o["fail_fast"], at_end=o["at_end"])
