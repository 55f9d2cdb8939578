"""The choice of the view, by settings and terminal."""

from __future__ import annotations

import math
import os
from typing import TextIO

from ..ports import NoView, View
from ..settings import DisplaySettings


def view_for(settings: DisplaySettings, stderr: TextIO, *, records_on_terminal: bool = False) -> View:
    """Make the view of a run.

    ``quiet`` shows nothing, or only notes if ``verbose`` is set too. ``none`` shows notes and the summary. ``auto`` is
    live on a terminal that can move its cursor, and plain elsewhere. records_on_terminal: whether records are printed
    on the terminal too, which would break a live display; ``auto`` is plain then, as curl shows no meter there.
    """
    if settings.quiet and not settings.verbose:
        return NoView()
    from .plain import PlainView  # noqa: PLC0415 - a quiet run shows nothing

    if settings.quiet:
        return PlainView(stderr, every=math.inf, summary=False)
    match settings.progress:
        case "none":
            return PlainView(stderr, every=math.inf)
        case "plain":
            return PlainView(stderr)
        case "auto" if records_on_terminal or not can_redraw(stderr):
            return PlainView(stderr)
        case "auto" | "live":
            from .live import LiveView  # noqa: PLC0415 - Rich takes as long to import as a small run takes
            from .region import terminal  # noqa: PLC0415

            return LiveView(terminal(stderr))


def can_redraw(stderr: TextIO) -> bool:
    """Return whether standard error is a terminal that can move its cursor."""
    from .stderr import Stderr  # noqa: PLC0415 - as above

    return Stderr(stderr).isatty() and os.environ.get("TERM", "dumb").lower() not in ("dumb", "unknown", "")
