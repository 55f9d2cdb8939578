"""Fetch the demo's web and keep one moment of the live view as docs/live.svg: ``python benchmarks/screenshot.py``.

A test runs it, with the path of another picture as its argument.
"""

from __future__ import annotations

import sys
from pathlib import Path

from scrapepool.demo import DemoWeb
from scrapepool.engine import Stop
from scrapepool.ports import NoView, Snapshot
from scrapepool.render.screenshot import svg
from scrapepool.run.assemble import assembled
from scrapepool.run.list_feed import lists
from scrapepool.settings import Settings

AT = 1.0  # seconds into the run, from which on the first moment with a parked host is taken
WIDTH, HEIGHT = 104, 24
PICTURE = Path(__file__).parent.parent / "docs" / "live.svg"


class Camera(NoView):
    """Keeps the first snapshot that is old enough and shows a host which asked for time."""

    interval = 0.1
    taken: Snapshot | None = None

    def __init__(self, stop: Stop) -> None:
        self._stop = stop

    def show(self, snapshot: Snapshot) -> None:
        """Keep it, or not."""
        parked = any(row.state == "parked" for row in snapshot.hosts)
        if self.taken is None and parked and snapshot.elapsed >= AT:
            self.taken = snapshot
            self._stop.request()


def main() -> None:
    """Run, and write the picture."""
    stop = Stop()
    camera = Camera(stop)
    settings = Settings()
    with DemoWeb() as web, assembled(settings, lists(web.urls, settings), view=camera, stop=stop) as run:
        for _ in run.outcomes():
            pass
    if camera.taken is None:
        sys.exit(f"the run took less than {AT} s")
    picture = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE
    picture.write_text(svg(camera.taken, WIDTH, HEIGHT, title="scrapepool demo"), encoding="utf-8")


if __name__ == "__main__":
    main()
