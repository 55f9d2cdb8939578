"""A view around another one, for what looks on while a run is shown."""

from __future__ import annotations

from ...ports import Snapshot, View


class ViewDecorator:
    """Keeps ``ports.View`` over another one, to which everything is passed on. Subclasses do something on the way."""

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

    def close(self, snapshot: Snapshot | None) -> None:
        """As ``ports.View``."""
        self._view.close(snapshot)
