"""The options of ``fetch``: their names, help and order, and the way from them to ``Settings``.

Decides words only, a module a group of settings. Every default is read from ``settings``.
"""

from __future__ import annotations

from typing import Any

from ...settings import Settings
from . import alarm, display, files, input, output, pace, patience, request, since, start  # noqa: A004 - named as the group of settings is

OPTIONS = [
    *input.OPTIONS,
    *request.OPTIONS,
    *pace.OPTIONS,
    *patience.OPTIONS,
    *output.OPTIONS,
    *files.OPTIONS,
    *since.OPTIONS,
    *alarm.OPTIONS,
    *start.OPTIONS,
    *display.OPTIONS,
]


def fetch_options(command: Any) -> Any:
    """Give a command all options of ``fetch``."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def settings_from(o: dict[str, Any]) -> Settings:
    """Settings out of Click's values. Raises UsageError for what contradicts itself."""
    return Settings(
        input=input.input_settings(o),
        request=request.request_settings(o),
        pool=pace.pool_settings(o),
        politeness=pace.politeness_settings(o),
        patience=patience.patience(o),
        limits=patience.run_limits(o),
        retry=patience.retry_policy(o),
        size=patience.size_limits(o),
        output=output.output_settings(o),
        warc=output.warc_settings(o),
        files=files.file_settings(o),
        start=start.start_settings(o),
        since=since.since_settings(o),
        alarm=alarm.alarm_settings(o),
        display=display.display_settings(o),
        host_overrides=o["config"].hosts,
    )
