"""The options by the names of their settings: the library's errors name settings, those of the command line options."""

from __future__ import annotations

from dataclasses import fields

from ...errors import ListError, SettingsError
from ...lazy_pattern import lazy_pattern
from ...settings import Settings

OTHERS = {
    "input.format": "--input-format",
    "input.lists": "--list",
    "request.headers": "--header",
    "limits.targets": "--limit",
    "timeouts.connect": "--connect-timeout",
    "timeouts.read": "--read-timeout",
    "timeouts.total": "--timeout",
    "retry.statuses": "--retry-on",
    "retry.errors": "--retry-on",
    "output.path": "--output",
    "output.history": "--verbose",
    "output.compared": "--since",
    "warc.path": "--warc",
    "warc.size": "--warc-size",
    "warc.dedup": "--warc-dedup",
    "warc.cdx": "--warc-cdx",
    "since.records": "--since",
    "since.if_there": "--since-if-there",
}
"""Those that are not called as their setting is."""

NONE = frozenset({"retry.backoff_max", "size.max_ratio", "size.ratio_floor", "size.cut", "output.lists"})
"""Settings without an option."""

_SETTING = lazy_pattern(rf"\b(?:{'|'.join(group.name for group in fields(Settings))})\.[a-z_]+\b")


def option_of(setting: str) -> str:
    """Return the option of a setting: ``--workers`` of ``pool.workers``."""
    return OTHERS.get(setting) or f"--{setting.partition('.')[2].replace('_', '-')}"


def in_options(error: Exception) -> str:
    """Return the text of an error with options in place of settings. Values in it are no names, and stay."""
    match error:
        case SettingsError():
            return _renamed(error.message).format(*error.values)
        case ListError(hint=str(hint)):
            return str(ListError(error.source, error.reason, _renamed(hint)))
        case _:
            return str(error)


def _renamed(text: str) -> str:
    return _SETTING.sub(lambda found: option_of(found[0]), text)
