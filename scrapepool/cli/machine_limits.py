"""Limits of the machine that end a run: memory, threads, open files.

Decides which exceptions these are, and what is said of them. They are no faults of the program, and there is something
that a person can do.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..model import Outcome

NO_MEMORY = "out of memory: fewer --workers, a lower --max-size, or a run without --body needs less"
NO_THREADS = "the system gives no more threads: raise its limit (ulimit -u, ulimit -v)"
NO_FILES = "this process may open no more files: ask for fewer --workers, or raise the limit (ulimit -n)"

NO_FOLDER = "the current folder was deleted: change to another one, or name files by their whole paths"

_ERRORS = {errno.EMFILE: NO_FILES, errno.ENFILE: NO_FILES, errno.ENOMEM: NO_MEMORY}


def reached(error: BaseException) -> str | None:
    """What to say where an error is a limit of the machine; None where it is none."""
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
    """Raise MemoryError where a URL had none: those that follow would have none either."""
    from ..model import ErrorKind, Failed  # noqa: PLC0415 - a quick --help needs it not

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
