"""Durations as people type them: seconds, or a number with a unit."""

from __future__ import annotations

import re

from .lazy_pattern import lazy_pattern

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}
"""Seconds of each unit."""

NAMES = "ms, s, m, h, d or w"
"""The units, for a message."""

_DURATION = lazy_pattern(rf"(\d+(?:\.\d*)?|\.\d+)\s*({'|'.join(UNITS)})?", re.ASCII)


def seconds_of(text: str) -> float | None:
    """Return the seconds of a duration such as ``2.5``, ``500ms`` or ``30d``; None if the text is not one."""
    match = _DURATION.fullmatch(text.strip())
    return None if match is None else float(match[1]) * UNITS[match[2] or "s"]
