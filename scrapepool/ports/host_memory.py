"""Between the engine and what runs know of hosts."""

from __future__ import annotations

from math import inf
from typing import Protocol

from ..host_key import HostKey
from ..schedule.robots import RobotsVerdict
from ..schedule.sharing.host_state import HostState, HostStateStore, SharingRun


class HostMemory(HostStateStore, Protocol):
    """What runs know of hosts: it is kept between runs, and runs at the same time share it. For one thread, and quick.

    due: monotonic time from which ``exchange`` has something to do; infinity for never.
    """

    @property
    def due(self) -> float:
        """When ``exchange`` has something to do; see the class."""

    def exchange(self, run: SharingRun, now: float) -> None:
        """Tell other runs what this run does, and this run how much they leave to it. Raises OutputError."""

    def close(self, run: SharingRun, now: float) -> None:
        """Keep what is known now, and leave the hosts to other runs. Raises OutputError."""


class NoMemory:
    """Knows nothing, keeps nothing, and shares nothing."""

    due = inf

    def recall(self, host: HostKey, now: float) -> HostState | None:
        """Do nothing."""

    def keep(self, host: HostKey, known: HostState) -> None:
        """Do nothing."""

    def keep_robots(self, host: HostKey, verdict: RobotsVerdict, now: float) -> None:
        """Do nothing."""

    def exchange(self, run: SharingRun, now: float) -> None:
        """Do nothing."""

    def close(self, run: SharingRun, now: float) -> None:
        """Do nothing."""
