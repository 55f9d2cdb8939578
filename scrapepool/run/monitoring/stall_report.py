"""``--watch-stalls``: reports what requests and outputs wait for, if no URL has finished for a while.

Decides when that is reported, and in which words. Looks on, as any view; changes nothing.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from ...plural import counted
from ...ports import HostRow, Snapshot, View
from ...render import units
from ...text import printable
from ...transport.net.phase import Phase
from ...transport.work.activity import Activity
from .view_decorator import ViewDecorator

GROUPS = 8
"""Maximum number of groups of requests, or of hosts, in a report: it must fit on a screen."""

LOOKS = 10
"""Looks at the run in the time after which it counts as stalled: this is reported a tenth too late at most."""

SOONEST = 0.1
"""Seconds between two looks at least."""

BETWEEN_WAITS = 0.5
"""Seconds without a question that tell one wait of an output from the next: outputs ask ten times per second."""

TAKES_NOTHING = "the reader of standard output does not read, or another program locks the database"

WORDS = {
    Phase.NAME: "looking up the name of {host}",
    Phase.CONNECTION: "connecting to {host}",
    Phase.HANDSHAKE: "TLS handshake with {host}",
    Phase.SENDING: "sending to {host}, which accepts no data",
    Phase.FIRST_BYTE: "waiting for the first byte of {host}",
    Phase.HEAD: "waiting for the rest of the headers of {host}",
    Phase.BODY: "receiving from {host}",
    Phase.SILENCE: "checking the connection to {host} for unsolicited data",
}


class StallWatch(ViewDecorator):
    """A view that reports when no URL has finished for a while.

    seconds: without an outcome, after which what is waited for is reported, and again after as long. doing: what the
    requests in flight are doing. note: takes a line.
    """

    def __init__(
        self, view: View, seconds: float, doing: Callable[[], Sequence[Activity]], note: Callable[[str], None]
    ) -> None:
        super().__init__(view)
        self._seconds = seconds
        self._doing = doing
        self._note = note
        self._done = 0
        self._since = 0.0  # seconds of the run, when something ended last
        self._reported_at = 0.0  # seconds of the run, when a stall was last reported

    @property
    def interval(self) -> float:
        """As ``ports.View``."""
        return min(super().interval, max(SOONEST, self._seconds / LOOKS))

    def show(self, snapshot: Snapshot) -> None:
        """Check whether a URL has finished since the last snapshot; then show the snapshot."""
        if snapshot.done != self._done or snapshot.grace is not None:
            self._done = snapshot.done
            self._since = self._reported_at = snapshot.elapsed
        elif snapshot.elapsed - self._reported_at >= self._seconds:
            self._reported_at = snapshot.elapsed
            for line in stall_lines(snapshot, snapshot.elapsed - self._since, self._doing()):
                self._note(line)
        super().show(snapshot)


class WriteWatch:
    """The ``should_stop`` of a run's outputs: reports, as often as ``StallWatch``, that one of them takes no data.

    It is called many times per second while an output waits, and not at all otherwise. seconds: the wait after which it
    reports, and the time between two reports. note: takes a line. clock: monotonic seconds.
    """

    def __init__(
        self,
        should_stop: Callable[[], bool],
        seconds: float,
        note: Callable[[str], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._should_stop = should_stop
        self._seconds = seconds
        self._note = note
        self._clock = clock
        self._asked = self._since = self._reported_at = 0.0

    def __call__(self) -> bool:
        """Ask ``should_stop``."""
        now = self._clock()
        if now - self._asked > BETWEEN_WAITS:
            self._since = self._reported_at = now
        elif now - self._reported_at >= self._seconds:
            self._reported_at = now
            self._note(f"an output has accepted nothing for {units.spoken(now - self._since)}: {TAKES_NOTHING}")
        self._asked = now
        return self._should_stop()


def stall_lines(snapshot: Snapshot, seconds: float, doing: Sequence[Activity]) -> Iterator[str]:
    """Yield the lines of a report. seconds: since a URL has finished."""
    busy = max(snapshot.busy, len(doing))
    queued = max(0, snapshot.total - snapshot.done - busy)
    pieces = [f"no URL has ended for {units.spoken(seconds)}"]
    pieces.append(f"{counted(busy, 'request')} in flight" if busy else "no request is in flight")
    if queued:
        pieces.append(counted(queued, "URL waits", "URLs wait"))
    yield "; ".join(pieces)
    yield from waits(snapshot, doing)


def waits(snapshot: Snapshot, doing: Sequence[Activity]) -> Iterator[str]:
    """Yield the lines about what is waited for: the requests in flight, or the hosts if there are none."""
    busy = max(snapshot.busy, len(doing))
    if snapshot.outage is not None:
        yield f"  {snapshot.outage}"
    yield from _requests(doing)
    unseen = snapshot.busy - len(doing)
    if unseen > 0:
        yield f"  {units.count(unseen)} waiting for a connection, or processing received data"
    if not busy:
        yield from _hosts(snapshot.hosts)
    else:
        yield from (f"  {row.held_up}" for row in snapshot.hosts[:GROUPS] if row.held_up is not None)


def _requests(doing: Sequence[Activity]) -> Iterator[str]:
    """Describe the requests in flight in groups, the longest waits first."""
    groups: defaultdict[tuple[Phase, str, str | None], list[Activity]] = defaultdict(list)
    for one in doing:
        groups[one.phase, one.host, one.remote].append(one)
    ordered = sorted(groups.values(), key=lambda group: -max(one.seconds for one in group))
    for group in ordered[:GROUPS]:
        yield f"  {_group(group)}"
    rest = ordered[GROUPS:]
    if rest:
        phases: defaultdict[Phase, int] = defaultdict(int)
        for group in rest:
            phases[group[0].phase] += len(group)
        words = (f"{units.count(number)} {WORDS[phase].format(host='others')}" for phase, number in phases.items())
        yield f"  {', '.join(words)}"


def _group(group: Sequence[Activity]) -> str:
    longest = max(group, key=lambda one: one.seconds)
    host = longest.host if longest.remote is None else f"{longest.host} ({longest.remote})"
    what = f"{units.count(len(group))} {WORDS[longest.phase].format(host=host)}"
    what += (
        f", for {units.spoken(longest.seconds)}"
        if len(group) == 1
        else f", the longest for {units.spoken(longest.seconds)}"
    )
    if longest.phase is Phase.BODY:
        what += f", {units.size(longest.received)} so far"
    return f"{what}: {printable(longest.url)}"


def _hosts(rows: Sequence[HostRow]) -> Iterator[str]:
    """Describe the hosts that wait, those whose wait ends soonest first."""
    waiting = [row for row in rows if row.done < row.total and row.state not in ("ok", "done")]
    waiting.sort(key=lambda row: (row.until is None, row.until or 0.0))
    for row in waiting[:GROUPS]:
        until = "" if row.until is None else f" for {units.spoken(row.until)} more"
        why = "" if row.held_up is None else f"; {row.held_up}"
        yield f"  {row.host.netloc}: {row.state}{until}, {counted(row.total - row.done, 'URL')} left{why}"
    if len(waiting) > GROUPS:
        yield f"  and {counted(len(waiting) - GROUPS, 'host')} more"
