"""Replaces a file atomically: readers see the old content or the new content, never a part of it.

The new content is written into a file beside it first. Anything but a regular file (a FIFO, a device, a descriptor that
the shell opened) cannot be replaced and is written to directly.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from ...errors import OutputError
from ...owned_file import open_own
from .lock import is_ours


@contextmanager
def replaced(path: str, mode: int | None = None, *, follow: bool = True) -> Iterator[BinaryIO]:
    """Open a file for writing. At the end of the block it replaces ``path``, unless the block raises.

    mode: its permissions, less the umask; None keeps those of the file that is there. follow: a link keeps
    pointing to the file; else it is replaced itself, as no user named it. Raises OutputError.
    """
    try:
        if follow and not is_ours(path):
            with open(path, "wb") as there:  # noqa: PTH123 - a Path of its own would say no more
                yield there
            return
        target = os.path.realpath(path) if follow else path
        beside = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.{os.getpid()}.tmp")  # noqa: PTH118, PTH119, PTH120
        fd = open_own(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666 if mode is None else mode)
        try:
            with open(fd, "wb") as file:  # noqa: PTH123
                if mode is None:
                    with suppress(FileNotFoundError):
                        os.fchmod(fd, os.stat(target).st_mode & 0o7777)  # noqa: PTH116
                yield file
            os.replace(beside, target)  # noqa: PTH105
        except BaseException:
            with suppress(OSError):
                os.unlink(beside)  # noqa: PTH108
            raise
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        raise OutputError.from_error(path, error) from error
