"""The three standard streams, which can be closed or full.

Decides that a closed stream stays unusable, instead of becoming the next file or socket that is opened, and how a
command writes text to standard output and messages to standard error.
"""

from __future__ import annotations

import os
import sys

import click

from ..errors import OutputError, system_reason


def secure() -> None:
    """Open closed descriptors 0, 1 and 2 so that using them fails, as GNU's stdopen does.

    A closed ``sys.stderr`` discards what is written; closed ``sys.stdin`` and ``sys.stdout`` stay None.
    """
    for fd, mode in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY)):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, mode)  # gets the lowest free number, which is this one
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  # stays open


def echo(text: str) -> None:
    """Write text and a line end to standard output. Raises OutputError if it is full or closed, BrokenPipeError."""
    if sys.stdout is None:
        raise _stdout_error("it is closed")
    try:
        click.echo(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _stdout_error(system_reason(error)) from error


def warn(message: str) -> None:
    """Write one message to standard error, under the program's name."""
    click.echo(f"scrapepool: {message}", err=True)


def _stdout_error(reason: str) -> OutputError:
    from ..record.safe_io.output import STANDARD_OUTPUT  # noqa: PLC0415 - not needed for --help

    return OutputError(STANDARD_OUTPUT, reason)
