"""A view that passes everything on to another view, for subclasses that observe the run."""

from __future__ import annotations

from ...ports import Snapshot, View


class ViewDecorator:
    """Implements ``ports.View`` by passing every call on to another view. Subclasses add to it."""

    def __init__(self, view: View) -> None:
        self._view = view

    @property
    def interval(self) -> float:
        """As ``ports.View``."""
        return self._view.interval

    def show(self, snapshot: Snapshot) -> None:
        """As ``ports.View``."""
        self._view.show(snapshot)

    def note(self, message: str) -> None:
        """As ``ports.View``."""
        self._view.note(message)

    def step(self, line: str | None, seconds: float) -> None:
        """As ``ports.View``."""
        self._view.step(line, seconds)

    def close(self, snapshot: Snapshot | None) -> None:
        """As ``ports.View``."""
        self._view.close(snapshot)
