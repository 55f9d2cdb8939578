"""Records in the order of the lists: ``--ordered``.

Decides how far ahead of the oldest unfinished target a run may be. It wraps the engine's feed and its outputs: the feed
admits a bounded number of targets, so the number of outcomes that wait is bounded, too. Every admitted target gets an
outcome, so none waits forever.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from ...model import HostKey, Outcome, Skipped, Target
from ...plural import counted
from ...ports import Batch, Ended, Feed, Sink
from ...settings import MIB
from ...text import printable

MAX_WAITING = 10_000
"""Targets that are admitted and not written: about 10 MB of outcomes."""

MAX_BYTES = 64 * MIB
"""Bytes of waiting bodies, including an estimate for targets in flight: the mean of the bodies so far."""

AT_FIRST = 100
"""Targets that are admitted before the mean size of bodies is known, if outcomes have bodies."""

NOTE_AFTER = 10.0
"""Seconds for which all outcomes wait for one target until a message says so."""

Place = int
Entry = tuple[Place, HostKey | Ended]
"""A row and its place: the host of a target, or the outcome of a row that is not fetched."""


class ListOrder:
    """The outcomes that wait, in the order of the lists. Shared by the engine's thread and the writing thread.

    on_note: receives lines for the user. bodies: whether outcomes have bodies. clock: monotonic seconds.
    """

    def __init__(
        self,
        on_note: Callable[[str], None] = lambda _: None,
        *,
        bodies: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_note = on_note
        self._clock = clock
        self._bodies = bodies
        self._order: deque[Place] = deque()  # admitted and not written
        self._ended: dict[Place, Outcome] = {}  # outcomes of these that wait
        self._place: dict[int, Place] = {}  # by the ``id`` of the target, which ``_targets`` or ``_ended`` keeps alive
        self._targets: dict[Place, Target | Skipped] = {}
        self._bytes = 0  # of bodies in ``_ended``
        self._seen = self._seen_bytes = 0
        self._stuck: tuple[Place, float] | None = None
        self._noted: Place | None = None
        self._on_room: Callable[[], None] | None = None
        self._lock = threading.RLock()  # guards everything above

    def __repr__(self) -> str:
        return f"<ListOrder {len(self._order)} admitted, {len(self._ended)} waiting>"

    @property
    def room(self) -> int:
        """The number of targets that may be admitted now."""
        with self._lock:
            room = MAX_WAITING - len(self._order)
            if self._bodies and self._order:
                under_way = len(self._order) - len(self._ended)
                mean = self._seen_bytes / self._seen if self._seen else MAX_BYTES / AT_FIRST
                room = min(room, int((MAX_BYTES - self._bytes) / max(mean, 1.0)) - under_way)
            elif self._bodies:
                room = min(room, AT_FIRST)
            return max(0, room)

    def await_room(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` once, when there is room again."""
        with self._lock:
            if self.room:
                wake()
            else:
                self._on_room = wake

    def admit(self, entries: Sequence[Entry]) -> None:
        """Admit rows: targets that are scheduled now, and rows that are not fetched."""
        with self._lock:
            for place, what in entries:
                self._order.append(place)
                if not isinstance(what, HostKey):
                    self._place[id(what.target)] = place

    def remember(self, place: Place, target: Target | Skipped) -> Target | Skipped:
        """Remember the target at a place. Return it, always the same object."""
        with self._lock:
            known = self._targets.setdefault(place, target)
            self._place[id(known.target if isinstance(known, Skipped) else known)] = place
            return known

    def remembered(self, place: Place) -> Target | Skipped | None:
        """Return the target that was remembered for a place, None if there is none."""
        with self._lock:
            return self._targets.get(place)

    def ready(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Add outcomes. Return those that may be written now, in order."""
        with self._lock:
            for outcome in outcomes:
                place = self._place.pop(id(outcome.target))
                self._targets.pop(place, None)
                self._ended[place] = outcome
                if outcome.body is not None:
                    self._bytes += len(outcome.body)
                    self._seen_bytes += len(outcome.body)
                    self._seen += 1
            ready: list[Outcome] = []
            while self._order and (ended := self._ended.pop(self._order[0], None)) is not None:
                self._order.popleft()
                self._bytes -= len(ended.body or b"")
                ready.append(ended)
            if self._on_room is not None:
                if self.room:
                    self._on_room()
                    self._on_room = None
                else:
                    self._tell()
            return ready

    def rest(self) -> list[Outcome]:
        """Return the waiting outcomes of a run that was stopped, in order."""
        with self._lock:
            rest = [self._ended[place] for place in self._order if place in self._ended]
            self._order.clear()
            self._ended.clear()
            return rest

    def _tell(self) -> None:
        """Note once that all outcomes wait for one target."""
        now, head = self._clock(), self._order[0]
        if self._stuck is None or self._stuck[0] != head:
            self._stuck = (head, now)
        elif now - self._stuck[1] >= NOTE_AFTER and self._noted != head:
            self._noted = head
            known = self._targets.get(head)
            target = known.target if isinstance(known, Skipped) else known
            whom = "a URL whose host is paused" if target is None else printable(target.url)
            waiting = counted(len(self._ended), "record waits", "records wait")
            self._on_note(f"--ordered: {waiting} for {whom}; no further URL is started until then")


class OrderedFeed:
    """A ``ports.Feed`` over another feed. It admits rows in the order of the lists, while ``order`` has room.

    wake: wakes the engine.
    """

    def __init__(self, feed: Feed, order: ListOrder, wake: Callable[[], None]) -> None:
        self._feed = feed
        self._order = order
        self._wake = wake
        self._next: deque[Entry] = deque()  # read and not admitted

    def poll(self) -> Batch | None:
        """As ``ports.Feed``; also None while there is no room."""
        room = self._order.room
        if not room:
            self._order.await_room(self._wake)
            return None
        if not self._next and not self._read():
            return None
        entries = [self._next.popleft() for _ in range(min(room, len(self._next)))]
        self._order.admit(entries)
        added: dict[HostKey, list[int]] = {}
        rejected: list[Ended] = []
        for place, what in entries:
            if isinstance(what, HostKey):
                added.setdefault(what, []).append(place)
            else:
                rejected.append(what)
        return Batch(added, rejected)

    def target(self, ticket: int) -> Target | Skipped:
        """As ``ports.Feed``."""
        return self._order.remembered(ticket) or self._order.remember(ticket, self._feed.target(ticket))

    @property
    def exhausted(self) -> bool:
        """As ``ports.Feed``."""
        return not self._next and self._feed.exhausted

    def close(self) -> None:
        """As ``ports.Feed``."""
        self._feed.close()

    def _read(self) -> bool:
        batch = self._feed.poll()
        if batch is None:
            return False
        entries: list[Entry] = [(ticket, host) for host, tickets in batch.added.items() for ticket in tickets]
        entries += zip(batch.places, batch.rejected, strict=True)
        self._next.extend(sorted(entries, key=lambda entry: entry[0]))
        return bool(entries)


class OrderedSink:
    """A ``ports.Sink`` over another sink. It passes outcomes on when ``order`` has them ready."""

    def __init__(self, sink: Sink, order: ListOrder) -> None:
        self._sink = sink
        self._order = order

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """As ``ports.Sink``."""
        self._sink.write(self._order.ready(outcomes))

    def close(self) -> None:
        """Write the outcomes that still wait, and close. As ``ports.Sink``."""
        try:
            self._sink.write(self._order.rest())
        finally:
            self._sink.close()
