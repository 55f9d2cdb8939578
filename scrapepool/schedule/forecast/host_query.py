"""Which hosts a view lists, and in which order.

Decides how hosts compare. Applies to a host's tally as well as to its row, so that the rows of several engines can be
merged in the same order.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from ...frozen import frozen
from ..tally import HostRow, HostTally


class HostOrder(StrEnum):
    """The order of hosts: those in use first, or by their targets left, failures, latency or name."""

    ACTIVITY = "activity"
    LEFT = "left"
    FAILING = "failing"
    SLOW = "slow"
    NAME = "name"


@frozen
class HostQuery:
    """The hosts that a snapshot lists.

    order: see its type.
    containing: text that the name of a listed host contains; empty for all hosts.
    """

    order: HostOrder = HostOrder.ACTIVITY
    containing: str = ""

    def matches(self, one: HostTally | HostRow) -> bool:
        """Return whether a host is listed."""
        return not self.containing or self.containing in one.host.netloc


ALL_HOSTS = HostQuery()

SORT_KEYS: dict[HostOrder, Callable[[HostTally | HostRow], Any]] = {
    HostOrder.LEFT: lambda one: (one.done - one.total, one.host),
    HostOrder.FAILING: lambda one: (-one.errors, one.host),
    HostOrder.SLOW: lambda one: (-one.mean, one.host),
    HostOrder.NAME: lambda one: one.host.netloc,
}
"""What the first hosts of an order have the least of. ``ACTIVITY`` is the scheduler's own order."""
