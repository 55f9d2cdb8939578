"""How an option of ``fetch`` is declared: in a group of the help, with its default shown if it has one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from ...errors import UsageError
from ...settings import Settings
from .grouped_options import FetchOption

DEFAULTS = Settings()
"""Where options take their defaults from."""

Decorator = Callable[[Any], Any]


def option_group(name: str, *options: tuple[tuple[str, ...], dict[str, Any]]) -> list[Decorator]:
    """Declare options that the help lists under one heading."""
    common = {"cls": FetchOption, "group": name}
    return [click.option(*names, **{**common, **attributes}) for names, attributes in options]


def option(*names: str, **attributes: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Describe one option: its names and Click's attributes."""
    if attributes.get("default") is not None and not attributes.get("is_flag"):
        attributes.setdefault("show_default", True)
    return names, attributes


def duration_text(seconds: float) -> str:
    """Write a duration as a person types it."""
    return f"{seconds:g}s"


def refuse_if(wrong: Any, message: str) -> None:
    """Raise UsageError with ``message`` if ``wrong`` is true."""
    if wrong:
        raise UsageError(message)
