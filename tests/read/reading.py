"""How the tests read lists to their end."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from threading import Event

from scrapepool.model import ErrorKind, Skipped, Target
from scrapepool.read import TargetList
from scrapepool.settings import InputSettings

TIMEOUT = 60.0
"""Seconds after which a test is stuck, on the slowest of machines."""


class Waiting:
    """A wake that can be waited for."""

    def __init__(self) -> None:
        self._event = Event()

    def __call__(self) -> None:
        self._event.set()

    def until(self, ready: Callable[[], bool]) -> None:
        while not ready():
            assert self._event.wait(TIMEOUT), "nobody woke the engine"
            self._event.clear()


class Reading:
    """What a TargetList gave so far."""

    def __init__(self, targets: TargetList) -> None:
        self.targets = targets
        self.found: list[Target | Skipped] = []
        self.rejected: list[Skipped] = []
        self.batches = 0
        self.waiting = Waiting()
        targets.wake = self.waiting

    def take(self) -> bool:
        batch = self.targets.poll()
        if batch is None:
            return False
        self.batches += 1
        for host, tickets in batch.added.items():
            for ticket in tickets:
                target = self.targets.target(ticket)
                assert isinstance(target, Skipped) or target.host == host
                self.found.append(target)
        self.rejected.extend(batch.rejected)
        return True

    def to_the_end(self) -> Reading:
        self.waiting.until(lambda: not self.take() and self.targets.exhausted)
        return self

    def some(self, count: int) -> Reading:
        self.waiting.until(lambda: (self.take(), len(self.found) + len(self.rejected) >= count)[1])
        return self

    @property
    def urls(self) -> list[tuple[int | None, str]]:
        """Line and URL of every target, in list order."""
        assert all(isinstance(found, Target) for found in self.found)
        return sorted(((t.line, t.url) for t in self.found), key=lambda pair: pair[0] or 0)

    @property
    def reasons(self) -> list[tuple[int | None, ErrorKind, str | None]]:
        return [(r.target.line, r.error, r.detail) for r in self.rejected]


def read(*sources: str | Path, stdin: bytes | None = None, **settings: object) -> Reading:
    """Read lists to their end."""
    stream = BytesIO(stdin) if stdin is not None else None
    targets = TargetList([str(s) for s in sources], InputSettings(**settings), stdin=stream)
    try:
        reading = Reading(targets).to_the_end()
        assert targets.found == len(reading.found)
        assert targets.rejected == len(reading.rejected)
        return reading
    finally:
        targets.close()
