"""When a run counts as failed, and what runs after it: the options on the result."""

from __future__ import annotations

from typing import Any

from ...settings import AlarmSettings
from ..parameters.declare import Decorator, option, option_group
from ..parameters.text_types import CONDITION

OPTIONS: list[Decorator] = [
    *option_group(
        "Result",
        option("--fail-if", type=CONDITION, multiple=True, metavar="EXPRESSION",
            help="End with exit code 1 if this is true, and otherwise with 0: 'failures>5%', 'http_5xx>=100', "
            "'status_404>10', 'p95>2s'. May be repeated.  [default: exit code 1 if any URL fails]"),
        option("--fail-fast", is_flag=True,
            help="Stop the run as soon as a --fail-if expression is certain to be true at the end."),
        option("--at-end", guarded=True, metavar="COMMAND",
            help="Run this shell command after the run, also after an interrupted one, with the summary as JSON on its "
            "standard input."),
    ),
]  # fmt: skip


def alarm_settings(o: dict[str, Any]) -> AlarmSettings:
    """Return the settings that say when a run counts as failed. Raises UsageError."""
    return AlarmSettings(fail_if=tuple(o["fail_if"]), fail_fast=o["fail_fast"], at_end=o["at_end"])
