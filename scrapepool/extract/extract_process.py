"""An extraction process: takes pages from a pipe, and gives back what was found on them, until the pipe is closed.

Decides nothing. That its parent has gone shows as the end of the pipe, so that it never outlives a run by more than a
page.
"""

from __future__ import annotations

from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from .cpu_limits import ValueLimit, page_limit
from .extraction import Page
from .extractor import Extractor

READY = b"ready"

FIRST_TO_GO = "500"
"""Its share in the system's choice of what to end where memory runs out (proc(5), oom_score_adj): not the run."""


def main(descriptor: int) -> None:
    """Work for the other end of a pipe, which sends settings and limits first, then each page in two messages."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO, encoding="ascii")
    with suppress(EOFError, OSError), Connection(descriptor) as pipe:
        settings, limits = pipe.recv()
        extractor = Extractor(settings, ValueLimit(limits.value))
        pipe.send_bytes(READY)
        while True:
            about = pipe.recv()
            page = Page(pipe.recv_bytes(), *about)
            with page_limit(limits.page):
                found = extractor.extract(page)
            pipe.send(found)
