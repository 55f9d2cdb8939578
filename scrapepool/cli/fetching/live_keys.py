"""Keys for a run whose live view is on a terminal.

Decides when keys are read: not while a person types a list, or records, on the same terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import BinaryIO

from ...ports import Controls, KeyView, View
from ...settings import Settings
from .stop_signals import StopSignals


@contextmanager
def keys_for(
    view: View, settings: Settings, stdin: BinaryIO | None, signals: StopSignals, controls: Controls
) -> Iterator[None]:
    """Let keys change the run for the time of the block, if the view takes keys.

    stdin: the list on standard input, None if there is none.
    """
    if not isinstance(view, KeyView):
        yield
        return
    from ...render.keys.keyboard import keyboard  # noqa: PLC0415 - for a terminal
    from .job_control import JobControl  # noqa: PLC0415

    controls.stop = signals.stop_once
    typed = stdin if stdin is not None else sys.stdin if "-" in settings.since.records else None
    keys = None if typed is not None and typed.isatty() else keyboard(_descriptor(), view.press)
    if keys is not None:
        view.steer(controls)
        signals.before_exit = keys.release
    with nullcontext() if keys is None else keys, JobControl(view, keys):
        yield


def _descriptor() -> int:
    try:
        return sys.stderr.fileno()
    except (OSError, ValueError, AttributeError):
        return -1
