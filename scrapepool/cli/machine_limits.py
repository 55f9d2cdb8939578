"""Limits of the machine that end a run: memory, threads, open files.

Decides which exceptions mean such a limit, and what the user can do about it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..model import Outcome

NO_MEMORY = "out of memory: use fewer --workers or a lower --max-size, or leave out --body"
NO_THREADS = "the system allows no more threads: raise its limits (ulimit -u, ulimit -v)"
NO_FILES = "this process may open no more files: use fewer --workers, or raise the limit (ulimit -n)"

NO_FOLDER = "the current folder was deleted: change to another one, or name files by absolute paths"

_ERRORS = {errno.EMFILE: NO_FILES, errno.ENFILE: NO_FILES, errno.ENOMEM: NO_MEMORY}


def limit_message(error: BaseException) -> str | None:
    """Return the message for an error that is a limit of the machine; None for any other error."""
    if isinstance(error, MemoryError):
        return NO_MEMORY
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return NO_THREADS
    if isinstance(error, FileNotFoundError) and error.filename is None and not _has_folder():
        return NO_FOLDER
    if isinstance(error, OSError):
        return _ERRORS.get(error.errno or 0)
    return None


def check_memory(outcomes: Iterable[Outcome]) -> None:
    """Raise MemoryError if there was no memory for a URL: the next ones would fail in the same way."""
    from ..model import ErrorKind, Failed  # noqa: PLC0415 - not needed for --help

    for outcome in outcomes:
        if type(outcome) is Failed and outcome.error is ErrorKind.INTERNAL:
            detail = outcome.detail or ""
            if "MemoryError" in detail[:40]:
                raise MemoryError


def _has_folder() -> bool:
    try:
        os.getcwd()  # noqa: PTH109
    except OSError:
        return False
    return True
