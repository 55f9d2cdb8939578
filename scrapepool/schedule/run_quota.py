"""What a run may use: time, bytes, targets.

Decides from counts and from the time, which is an argument, whether anything new may begin. Requests in flight are
finished, so a run exceeds bytes and time by as much as they take. ``--bandwidth`` is kept where bytes are read.
"""

from __future__ import annotations

from math import inf

from ..plural import counted
from ..settings import RunLimits
from .health.retry import format_duration


class RunQuota:
    """What a run may still use. until: monotonic time from which nothing new may begin, None for no such time.

    fresh: number of targets that may still begin.
    """

    def __init__(self, limits: RunLimits, until: float | None = None) -> None:
        self._limits = limits
        self._began: float | None = None
        self._until = inf if until is None else until
        self.fresh: float = inf if limits.targets is None else limits.targets

    @property
    def watches(self) -> bool:
        """Whether any limit is set."""
        limits = self._limits
        return self._until < inf or any(
            limit is not None for limit in (limits.max_time, limits.max_bytes, limits.targets)
        )

    def begin(self, now: float) -> None:
        """Note that the run starts, unless it has started."""
        if self._began is None:
            self._began = now

    @property
    def limits_bytes(self) -> bool:
        """Whether the limit is on bytes, which only responses use up, so that each lease must be short."""
        return self._limits.max_bytes is not None

    @property
    def ends_at(self) -> float:
        """The monotonic time from which nothing new may begin."""
        if self._limits.max_time is None or self._began is None:
            return self._until
        return min(self._until, self._began + self._limits.max_time)

    def spent(self, now: float, received: int) -> str | None:
        """Return why nothing new may begin, None while something may. received: bytes so far."""
        limits = self._limits
        if now >= self._until:
            return "the time set by --until has come"
        if limits.max_time is not None and self._began is not None and now >= self._began + limits.max_time:
            spoken = format_duration(limits.max_time) if limits.max_time >= 60 else f"{limits.max_time:g} s"
            return f"--max-time {spoken} is over"
        if limits.max_bytes is not None and received >= limits.max_bytes:
            return f"--max-bytes {limits.max_bytes:,} were received"
        return None

    def all_begun(self) -> str:
        """Return what ``Scheduler.spent`` says when the last of ``targets`` has ended."""
        return f"--limit: {counted(self._limits.targets or 0, 'URL was', 'URLs were')} fetched"
