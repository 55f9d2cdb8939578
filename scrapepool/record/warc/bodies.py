"""Bodies that are archived already: those of this run, and those of earlier archives.

Decides how many of this run are remembered. What of earlier archives counts is ``earlier``'s to decide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...plural import counted
from .earlier import EarlierBodies
from .serialize import Place

REMEMBERED = 100_000
"""Bodies of this run that are known when they come again, the newest ones: about 50 MB."""


class ArchivedBodies:
    """Where bodies are, by payload digest."""

    def __init__(self) -> None:
        self._new: dict[str, Place] = {}  # the oldest first
        self._earlier: EarlierBodies | None = None

    def __repr__(self) -> str:
        return f"<ArchivedBodies {len(self._new)} of this run, {self._earlier!r}>"

    def read(self, files: Sequence[str], should_stop: Callable[[], bool], on_note: Callable[[str], None]) -> None:
        """Take in earlier archives. The parameters and errors are those of ``EarlierBodies.add``."""
        earlier = EarlierBodies()
        try:
            for file in files:
                earlier.add(file, should_stop, on_note)
            bodies = earlier.settle()
        except BaseException:
            earlier.close()
            raise
        self._earlier = earlier
        known = counted(bodies, "body is", "bodies are")
        on_note(f"--warc-dedup: {known} known from {counted(len(files), 'file')}")

    def find(self, digest: str) -> Place | None:
        """Return where a body is; None for a new one. Raises OutputError."""
        place = self._new.get(digest)
        return place if place is not None or self._earlier is None else self._earlier.find(digest)

    def add(self, digest: str, place: Place) -> None:
        """Take note of a new body."""
        new = self._new
        if len(new) >= REMEMBERED:
            del new[next(iter(new))]
        new[digest] = place

    def close(self) -> None:
        """Give the temporary file up."""
        if self._earlier is not None:
            self._earlier.close()
