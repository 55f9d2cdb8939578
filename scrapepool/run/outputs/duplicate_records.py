"""The records of repeats beside bodies as files: each names the file of the target that it repeats.

Decides how long the record of a repeat waits for that: until its target has ended, which may be much later. What is
held is bounded; a repeat beyond that, and one whose target does not end in this run, is recorded without a file.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from ...model import Apart, Outcome, Target, is_repeat
from ...ports import Sink
from ...read.seen.target_id import as_recorded, target_id
from ...url import ParsedURL

MAX_REMEMBERED = 50_000
"""Repeats that wait, and targets whose files are remembered: 300 bytes each."""


class DuplicatesSink:
    """Keeps ``ports.Sink`` over another one, which names the files of outcomes as it writes them.

    method: of the run. is_finished: whether a target, by URL and what tells it from others of that, has its record from
    an earlier run. paths: files of repeats that an earlier run recorded, by identity.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        method: str,
        is_finished: Callable[[str, Apart | None], bool],
        paths: Mapping[int, str],
        most: int = MAX_REMEMBERED,
    ) -> None:
        self._sink = sink
        self._method = method
        self._is_finished = is_finished
        self._known = paths
        self._most = most
        self._paths: OrderedDict[int, str | None] = OrderedDict()  # of the latest targets that ended
        self._waiting: dict[int, list[Outcome]] = {}  # repeats, by their target
        self._held = 0

    def __repr__(self) -> str:
        return f"<DuplicatesSink {self._held} waiting, {len(self._paths)} files known>"

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Write what waits for no file, and with what has ended the repeats of it. As ``ports.Sink``."""
        ready: list[Outcome] = []
        ending: dict[int, Outcome] = {}  # those of them that are no repeats, by their target
        for outcome in outcomes:
            number = self._number(outcome.target)
            if not is_repeat(outcome):
                ready.append(outcome)
                ending[number] = outcome
                continue
            if number in ending:  # so that its file is known, and the order stays what it is
                self._written(ready, ending)
                ready, ending = [], {}
            if not self._waits(outcome, number):
                ready.append(outcome)
        self._written(ready, ending)

    def _written(self, outcomes: Sequence[Outcome], ended: Mapping[int, Outcome]) -> None:
        self._sink.write(outcomes)
        released: list[Outcome] = []
        for number, outcome in ended.items():
            self._paths[number] = outcome.path
            if len(self._paths) > self._most:
                self._paths.popitem(last=False)
            for repeat in self._waiting.pop(number, ()):
                repeat.path = outcome.path
                released.append(repeat)
        if released:
            self._held -= len(released)
            self._sink.write(released)

    def close(self) -> None:
        """Write the repeats of targets that did not end, and close. As ``ports.Sink``."""
        rest = [repeat for repeats in self._waiting.values() for repeat in repeats]
        self._waiting.clear()
        try:
            if rest:
                self._sink.write(rest)
        finally:
            self._sink.close()

    def _waits(self, repeat: Outcome, number: int) -> bool:
        """Whether the target of a repeat has not ended; where it has, the repeat gets its file."""
        target = repeat.target
        if number in self._paths:
            repeat.path = self._paths[number]
            return False
        apart = target.apart(self._method)
        repeat.path = self._known.get(target_id(as_recorded(_parsed(target)), apart))
        if repeat.path or self._held >= self._most or self._is_finished(target.url, apart):
            return False
        self._waiting.setdefault(number, []).append(repeat)
        self._held += 1
        return True

    def _number(self, target: Target) -> int:
        own = None if target.request is None else target.request.apart(self._method)
        return target_id(_parsed(target), own)


def _parsed(target: Target) -> ParsedURL:
    return ParsedURL(target.host, target.path, target.userinfo)
