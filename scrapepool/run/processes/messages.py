"""What a run and its worker processes can say to each other."""

from __future__ import annotations

from enum import IntEnum


class Ask(IntEnum):
    """The kinds of messages.

    From the run: BEGIN leases; DISCOUNT_HANGING, DRAIN and ABORT as in ``ports.Transport``; BANDWIDTH, a new rate;
    ACTIVITY, which is answered by what requests wait for; END, which is answered by the cookies.
    From the worker process: REPORT, the two answers, and FAILED before it ends because of a bug.
    """

    BEGIN = 0
    DISCOUNT_HANGING = 1
    DRAIN = 2
    ABORT = 3
    BANDWIDTH = 4
    ACTIVITY = 5
    END = 6
    REPORT = 7
    FAILED = 8
