"""Long steps before and after the fetching: reading earlier records, opening and finishing outputs.

Decides when their lines are shown, and what these say. The time of these steps does not count for the rate of the run.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ...render import units

if TYPE_CHECKING:
    from ...ports import View
    from ...settings import Settings

APPEARS = 1.0
"""Seconds after which a step is shown, and between two updates of its line."""

NOTED = 3.0
"""Seconds of a step from which on its line stays, with its duration: the summary does not count that time."""


@contextmanager
def step(
    view: View,
    text: str | None,
    count: Callable[[], str] = str,
    *,
    note: Callable[[str], None],
    appears: float = APPEARS,
    noted: float = NOTED,
) -> Iterator[None]:
    """Show a step for the time of the block, if it is a long one; a thread updates its line.

    text: what it does; None for a step that is never long. count: returns how far it is, for example
    ``1,000 records``. note: gets the line of a step that took ``noted`` seconds.
    """
    if text is None:
        yield
        return
    began, ended = time.monotonic(), threading.Event()

    def line(seconds: float) -> str:
        return ", ".join(part for part in (f"{text}: {units.clock(seconds)}", count()) if part)

    def show() -> None:
        while not ended.wait(appears):
            seconds = time.monotonic() - began
            view.step(line(seconds), seconds)

    thread = threading.Thread(target=show, name="scrapepool-step", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        seconds = time.monotonic() - began
        if seconds >= appears:
            view.step(None, seconds)
        if seconds >= noted:
            note(line(seconds))


def opening(settings: Settings) -> str | None:
    """Say what is done before the fetching that may take long; None if nothing does."""
    output = settings.output
    if output.resume is not None and output.journal is not None:
        return f"reading the records of {output.journal}"
    if settings.warc.path is not None and (settings.warc.dedup or output.resume is not None):
        return "reading earlier archives"
    return None


def finishing(settings: Settings) -> str | None:
    """Say which outputs are finished after the fetching; None if that is quick for all of them."""
    paths = (settings.output.parquet, settings.output.sqlite, settings.warc.path)
    named = [path for path in paths if path is not None]
    return f"finishing {', '.join(named)}" if named else None
