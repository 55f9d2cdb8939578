"""All settings of a run, in frozen groups. Each part of the program gets only its own group.

The groups, and with them all defaults, are in ``fetch_settings``, ``output_settings`` and ``command_settings``. Modules
outside of this package import its names from here.
"""

from __future__ import annotations

from ..overrides import HostOverrides
from .command_settings import AlarmSettings, DisplaySettings, SinceSettings, StartSettings
from .fetch_settings import (
    MIB,
    MOST_PROCESSES,
    MOST_WORKERS,
    InputFormat,
    InputSettings,
    PolitenessSettings,
    PoolSettings,
    RequestSettings,
    RetryPolicy,
    RunLimits,
    SizeLimits,
    Timeouts,
)
from .output_settings import FileSettings, Needs, OutputSettings, Packing, RecordFormat, WarcSettings
from .settings import Settings

__all__ = [
    "MIB",
    "MOST_PROCESSES",
    "MOST_WORKERS",
    "AlarmSettings",
    "DisplaySettings",
    "FileSettings",
    "HostOverrides",
    "InputFormat",
    "InputSettings",
    "Needs",
    "OutputSettings",
    "Packing",
    "PolitenessSettings",
    "PoolSettings",
    "RecordFormat",
    "RequestSettings",
    "RetryPolicy",
    "RunLimits",
    "Settings",
    "SinceSettings",
    "SizeLimits",
    "StartSettings",
    "Timeouts",
    "WarcSettings",
]
