"""Marks a record file while its run is in progress, so that an interrupted run is recognized later.

The mark is an extended attribute, which survives a kill. On file systems and platforms without extended attributes, the
end of the file decides. The mark only serves a note to the user.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

ATTRIBUTE = "user.scrapepool.unfinished"

TAIL = 256 * 1024
"""Bytes at a file's end that are looked at: a run that was interrupted writes its last records there."""

MARK_HEAD = 4096

INTERRUPTED = (b'"error":"interrupted"', b",interrupted,", b"\tinterrupted\t")
"""The error of a record, as the formats spell it."""


def mark(fd: int) -> None:
    """Take note that the run which writes a file is under way."""
    with suppress(OSError, AttributeError):  # there are no such attributes
        os.setxattr(fd, ATTRIBUTE, b"1")


def unmark(path: str) -> None:
    """Take note that the run which wrote a file came to its end."""
    with suppress(OSError, AttributeError, ValueError):
        os.removexattr(path, ATTRIBUTE)


def is_unfinished(path: str) -> bool:
    """Whether a file holds the records of a run that did not come to its end, as far as that can be seen."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - opening a FIFO would wait
            return False
    except (OSError, ValueError):
        return False
    with suppress(OSError, AttributeError):
        os.getxattr(path, ATTRIBUTE)
        return os.stat(path).st_size > 0  # noqa: PTH116
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a Path of its own would say no more
            first = file.read(MARK_HEAD).partition(b"\n")[0]
            if not (first.startswith(b'{"') or b"url" in first):
                return False
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
            last = file.read()
    except (OSError, ValueError):
        return False
    return not last.endswith(b"\n") or any(words in last for words in INTERRUPTED)
