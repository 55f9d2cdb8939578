"""The records of duplicates if bodies are saved as files: each names the file of the target that it repeats.

The record of a duplicate waits until its target has ended, which may be much later. The number of waiting records is
bounded; a duplicate beyond that, or whose target does not end in this run, is recorded without a file.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from ...model import Apart, Outcome, Target, is_repeat
from ...ports import Sink
from ...read.seen.target_id import as_recorded, target_id
from ...url import ParsedURL

MAX_REMEMBERED = 50_000
"""Duplicates that wait, and targets whose files are remembered: 300 bytes each."""


class DuplicatesSink:
    """A ``ports.Sink`` over another sink, which names the files of outcomes when it writes them.

    method: of the run. is_finished: whether a target, by URL and ``model.Apart``, has a record of an earlier run.
    paths: by target id, the files in the records of duplicates of an earlier run.
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
        self._paths: OrderedDict[int, str | None] = OrderedDict()  # files of the latest targets that ended
        self._waiting: dict[int, list[Outcome]] = {}  # duplicates, by the id of their target
        self._held = 0

    def __repr__(self) -> str:
        return f"<DuplicatesSink {self._held} waiting, {len(self._paths)} files known>"

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Write the outcomes, except for duplicates that wait, and the duplicates that waited for them."""
        ready: list[Outcome] = []
        ending: dict[int, Outcome] = {}  # those of them that are no duplicates, by target id
        for outcome in outcomes:
            number = self._number(outcome.target)
            if not is_repeat(outcome):
                ready.append(outcome)
                ending[number] = outcome
                continue
            if number in ending:  # write the target first, so that its file is known and the order stays the same
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
        """Write the duplicates that still wait, and close. As ``ports.Sink``."""
        rest = [repeat for repeats in self._waiting.values() for repeat in repeats]
        self._waiting.clear()
        try:
            if rest:
                self._sink.write(rest)
        finally:
            self._sink.close()

    def _waits(self, repeat: Outcome, number: int) -> bool:
        """Whether a duplicate has to wait for its target. If the target has ended, the duplicate gets its file."""
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
