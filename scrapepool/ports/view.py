"""Between the engine and what shows a run."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from .controls import Controls
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

    def step(self, line: str | None, seconds: float) -> None:
        """Show what a long step of the run does, for example reading earlier records; None at its end.

        seconds: since the step began. Called about once per second.
        """

    def close(self, snapshot: Snapshot | None) -> None:
        """End the display: leave the screen tidy with the summary on it; None for no summary."""


@runtime_checkable
class KeyView(View, Protocol):
    """A view on a terminal, which takes keys and can be removed from it for a while."""

    def steer(self, controls: Controls) -> None:
        """Take keys from now on, and change the run by these controls."""

    def press(self, key: str) -> None:
        """Take a key. Called by the thread that reads the terminal."""

    def suspend(self) -> None:
        """Leave the terminal to other programs until ``resume``. Called by signal handlers."""

    def resume(self) -> None:
        """Show the run again."""


class NoView:
    """Shows nothing."""

    interval = float("inf")

    def show(self, snapshot: Snapshot) -> None:
        """Do nothing."""

    def note(self, message: str) -> None:
        """Do nothing."""

    def step(self, line: str | None, seconds: float) -> None:
        """Do nothing."""

    def close(self, snapshot: Snapshot | None) -> None:
        """Do nothing."""
