"""Between the engine and what shows a run."""

from __future__ import annotations

from typing import Protocol

from .snapshot import Snapshot


class View(Protocol):
    """Shows a run to a person. ``show`` and ``note`` return at once.

    interval: seconds that it wants between two snapshots.
    """

    @property
    def interval(self) -> float:
        """Seconds between two snapshots; see the class."""

    def show(self, snapshot: Snapshot) -> None:
        """Show this moment. Called a few times per second."""

    def note(self, message: str) -> None:
        """Show one line that a person should see even when it scrolls by."""

    def close(self, snapshot: Snapshot | None) -> None:
        """End the display: leave the screen tidy with the summary on it; None for no summary."""


class NoView:
    """Shows nothing."""

    interval = float("inf")

    def show(self, snapshot: Snapshot) -> None:
        """Do nothing."""

    def note(self, message: str) -> None:
        """Do nothing."""

    def close(self, snapshot: Snapshot | None) -> None:
        """Do nothing."""
