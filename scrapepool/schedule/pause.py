"""The pauses of a run, which a person begins and ends: whether one goes on, and how long they took.

Decides what a pause means for the times of the run. Time is an argument, in monotonic seconds.
"""

from __future__ import annotations

from math import inf


class Pause:
    """The pauses so far. active: whether the run is paused now."""

    def __init__(self) -> None:
        self._since: float | None = None  # when the current pause began
        self._total = 0.0  # seconds of the pauses that have ended
        self._ended_at = -inf  # when the last of them ended

    def __repr__(self) -> str:
        return f"<Pause {'active' if self.active else 'not active'}, {self._total:.3f} s before>"

    @property
    def active(self) -> bool:
        """Whether the run is paused."""
        return self._since is not None

    def follow(self, wanted: bool, now: float) -> None:
        """Begin or end a pause, if a person wants the other state."""
        if wanted and self._since is None:
            self._since = now
        elif not wanted and self._since is not None:
            self._total += now - self._since
            self._since, self._ended_at = None, now

    def seconds(self, now: float) -> float:
        """Return the seconds of all pauses until now."""
        return self._total + (0.0 if self._since is None else now - self._since)

    def is_waited_out(self, since: float, until: float, now: float) -> bool:
        """Return whether a wait that began at ``since`` is over. In a pause it never is; after one it begins anew."""
        return not self.active and now >= max(until, self._ended_at + until - since)
