"""How an option of ``fetch`` is declared: under its subject, its default shown where it has one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from ...errors import UsageError
from ...settings import Settings
from .grouped_options import FetchOption

D = Settings()
Decorator = Callable[[Any], Any]


def subject(name: str, *options: tuple[tuple[str, ...], dict[str, Any]]) -> list[Decorator]:
    """Options that stand under one heading of the help."""
    usual = {"cls": FetchOption, "subject": name}
    return [click.option(*names, **{**usual, **attributes}) for names, attributes in options]


def opt(*names: str, **attributes: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    """One option: its names, and what Click is to know of it."""
    if attributes.get("default") is not None and not attributes.get("is_flag"):
        attributes.setdefault("show_default", True)
    return names, attributes


def spelt(seconds: float) -> str:
    """A duration as a person types it."""
    return f"{seconds:g}s"


def refuse(wrong: Any, message: str) -> None:
    """Raise UsageError with ``message`` where something is wrong."""
    if wrong:
        raise UsageError(message)
