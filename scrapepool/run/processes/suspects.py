"""What becomes of the leases of a worker process that died, and who is to blame.

Decides that a lease goes back to the scheduler, which hands its targets out again. Each of them is a suspect until it
has a result: it is requested alone among the suspects. If the next process dies as well, the suspect that was out ends
as ``internal``, and with it a page that kills its process harms no other.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from ...model import ErrorKind, Failed, Redirected, Target
from ...ports import Done, Unbegun, Work
from ...schedule.robots import RobotsVerdict


class OutWork:
    """A lease that a process has. given: number of its targets that came back. begins: how many it begins at most."""

    __slots__ = ("begins", "given", "work")

    def __init__(self, work: Work, begins: int) -> None:
        self.work = work
        self.given = 0
        self.begins = begins


class Suspects:
    """For one thread."""

    def __init__(self) -> None:
        self._suspects: dict[object, Target | None] = {}  # by their keys; the targets, so that the keys stay theirs

    def __repr__(self) -> str:
        return f"<Suspects: {len(self._suspects)}>"

    def are_in(self, work: Work) -> bool:
        """Whether a lease has a suspect."""
        return bool(self._suspects) and not self._suspects.keys().isdisjoint(_keys(OutWork(work, len(work.attempts))))

    def note_results(self, back: Sequence[Done | Unbegun]) -> None:
        """Acquit those that have a result."""
        if not self._suspects:
            return
        for one in back:
            for result in one.results:
                target = result.attempt.target if isinstance(result, Redirected) else result.target
                self._suspects.pop(id(target), None)
            if isinstance(one, Done) and one.work.lease.robots:
                self._suspects.pop(one.work.lease.host, None)

    def given_back(self, out: OutWork, how: str, *, alone: bool) -> Done:
        """Return the end of a lease whose process died. how: as the process did. alone: it was the suspect's."""
        work, keys = out.work, _keys(out)
        if not alone or not keys:
            if not work.lease.probe:
                self._suspects |= keys
            return Done(work, ())
        for key in keys:
            self._suspects.pop(key, None)
        detail = f"its request ended two worker processes: the last one {how}"
        if work.lease.robots:
            return Done(work, (), robots=RobotsVerdict(unreachable=detail))
        attempt = work.attempts[out.given]
        known = {**attempt.ended(detail), "attempts": attempt.number, "started": attempt.started or time.time()}
        return Done(work, [Failed(**known, error=ErrorKind.INTERNAL)])


def _keys(out: OutWork) -> dict[object, Target | None]:
    """Return what may have ended the process that had a lease, by keys that stay the same when it is leased again.

    These are targets without a result, by their identity, or a robots.txt, by its host.
    """
    if out.work.lease.robots:
        return {out.work.lease.host: None}
    return {id(attempt.target): attempt.target for attempt in out.work.attempts[out.given : out.begins]}
