"""An extraction process: reads pages from a pipe and returns the values found on them, until the pipe is closed.

The pipe is closed when the parent ends, so that the process outlives a run by at most the pages that it has.
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
"""The process's oom_score_adj (proc(5)): if memory runs out, the kernel ends this process and not the run."""


def main(descriptor: int) -> None:
    """Serve the other end of a pipe, which sends settings and limits first, then lists of pages."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO, encoding="ascii")
    with suppress(EOFError, OSError), Connection(descriptor) as pipe:
        settings, limits = pipe.recv()
        extractor = Extractor(settings, ValueLimit(limits.value))
        pipe.send_bytes(READY)
        while True:
            found = []
            for page in pipe.recv():
                with page_limit(limits.page):
                    found.append(tuple(extractor.extract(Page(*page))))
            pipe.send(found)
