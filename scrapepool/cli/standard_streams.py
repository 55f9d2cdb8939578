"""The three standard streams, where some of them are closed or full.

Decides that a closed one stays unusable, instead of becoming the next file or socket that is opened, and how text
reaches standard output. Knows nothing of what is read from and written to them otherwise.
"""

from __future__ import annotations

import os
import sys

import click

from ..errors import OutputError


def secure() -> None:
    """Fill closed descriptors 0, 1 and 2 with ones that fail when used, as GNU's stdopen does.

    ``sys.stderr`` becomes one that loses what is written; ``sys.stdin`` and ``sys.stdout`` stay None.
    """
    for fd, mode in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY)):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, mode)  # takes the lowest number that is free, which is this one
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  # open to the end


def echo(text: str) -> None:
    """Write text and a line end to standard output. Raises OutputError where it is full or closed, BrokenPipeError."""
    if sys.stdout is None:
        raise _lost("it is closed")
    try:
        click.echo(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _lost(error.strerror or str(error)) from error


def note(message: str) -> None:
    """Write one message to standard error, under the program's name."""
    click.echo(f"scrapepool: {message}", err=True)


def _lost(reason: str) -> OutputError:
    from ..record.output import STANDARD_OUTPUT  # noqa: PLC0415 - a quick --help needs it not

    return OutputError(STANDARD_OUTPUT, reason)
