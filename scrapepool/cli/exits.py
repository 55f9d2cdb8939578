"""Exit codes, as documented in ``docs/records.md``: part of the interface."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The exit code of the process."""

    OK = 0
    """Every target ended ok, unchanged, or skipped as a duplicate."""
    SOME_FAILED = 1
    """The run finished and some target did not."""
    USAGE = 2
    """Wrong options, an unreadable list, or a list with no usable URL."""
    OUTPUT = 3
    """An output cannot be written."""
    BUG = 70
    """EX_SOFTWARE."""
    TEMPFAIL = 75
    """EX_TEMPFAIL: another run is writing the output, or the network is down."""
    HANGUP = 129
    INTERRUPT = 130
    PIPE = 141
    """The reader of standard output closed it."""
    TERMINATE = 143
