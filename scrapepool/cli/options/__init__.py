"""The options of ``fetch``: their names, help and order, and their conversion to ``Settings``.

There is one module per group of settings. Every default is read from ``settings``.
"""

from __future__ import annotations

from typing import Any

from ...settings import Settings
from . import (
    alarm_options,
    body_file_options,
    display_options,
    input_options,
    limit_options,
    output_options,
    pace_options,
    request_options,
    since_options,
    start_options,
    timeout_options,
)

OPTIONS = [
    *input_options.OPTIONS,
    *request_options.OPTIONS,
    *pace_options.OPTIONS,
    *timeout_options.OPTIONS,
    *limit_options.OPTIONS,
    *output_options.OPTIONS,
    *body_file_options.OPTIONS,
    *since_options.OPTIONS,
    *alarm_options.OPTIONS,
    *start_options.OPTIONS,
    *display_options.OPTIONS,
]


def fetch_options(command: Any) -> Any:
    """Give a command all options of ``fetch``."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def settings_from(o: dict[str, Any]) -> Settings:
    """Convert Click's values to settings. Raises UsageError for options that contradict each other."""
    return Settings(
        input=input_options.input_settings(o),
        request=request_options.request_settings(o),
        pool=pace_options.pool_settings(o),
        politeness=pace_options.politeness_settings(o),
        timeouts=timeout_options.timeouts(o),
        limits=limit_options.run_limits(o),
        retry=timeout_options.retry_policy(o),
        size=limit_options.size_limits(o),
        output=output_options.output_settings(o),
        warc=output_options.warc_settings(o),
        files=body_file_options.file_settings(o),
        start=start_options.start_settings(o),
        since=since_options.since_settings(o),
        alarm=alarm_options.alarm_settings(o),
        display=display_options.display_settings(o),
        host_overrides=o["config"].hosts,
    )
