"""The live display as an SVG picture, for documentation."""

from __future__ import annotations

import io

from rich.console import Console

from ..ports import Snapshot
from .frame import frame
from .keys.view_state import ViewState


def svg(snapshot: Snapshot, width: int = 100, height: int = 24, *, title: str = "scrapepool fetch urls.txt") -> str:
    """Draw the live display of ``snapshot`` on a terminal of ``width`` by ``height``. The result is deterministic."""
    console = Console(
        file=io.StringIO(),
        width=width,
        height=height,
        record=True,
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
        _environ={},
    )
    for line in frame(snapshot, width, height, state=ViewState()):
        console.print(line)
    return console.export_svg(title=title, unique_id="scrapepool")
