"""``--watch-stalls``: when it speaks, and what it says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from scrapepool.model import HostKey
from scrapepool.ports import HostRow, NoView, Snapshot
from scrapepool.run.monitoring.stall_report import GROUPS, TAKES_NOTHING, WORDS, StallWatch, WriteWatch, stall_lines
from scrapepool.transport.work.activity import Activity, Phase

SNAPSHOT = Snapshot(
    elapsed=0.0,
    done=0,
    total=9,
    reading=False,
    busy=0,
    workers=4,
    parked=0,
    bytes=0,
    outcomes={},
    errors={},
    requests=0,
    opened=0,
    retried=0,
    rate=0.0,
    eta=None,
    hosts=(),
    host_count=0,
)


class Looker(NoView):
    """A view that remembers what it was shown."""

    interval = 1.0

    def __init__(self) -> None:
        self.shown: list[Snapshot] = []

    def show(self, snapshot: Snapshot) -> None:
        self.shown.append(snapshot)


def spoken_at(*moments: tuple[float, int], seconds: float = 10.0, **changes: Any) -> list[float]:
    """The moments (time, outcomes so far) at which a note began."""
    spoke: list[float] = []
    looker = Looker()
    watch = StallWatch(looker, seconds, list, lambda line: spoke.append(now) if line[0] != " " else None)
    for now, done in moments:
        watch.show(replace(SNAPSHOT, elapsed=now, done=done, **changes))
    assert len(looker.shown) == len(moments)
    return spoke


def test_it_speaks_once_a_stall_and_again_after_as_long() -> None:
    """And not while outcomes come."""
    assert spoken_at((5, 1), (14, 1), (15, 1), (16, 1), (24, 1), (25, 1), (26, 2), (35, 2), (36, 2)) == [15, 25, 36]
    assert spoken_at(*((time, time) for time in range(0, 100, 9))) == []


def test_a_run_that_stops_is_no_stall() -> None:
    """What it waits for is said otherwise."""
    assert spoken_at((5, 0), (50, 0), grace=3.0) == []


def test_it_looks_often_enough() -> None:
    """Ten times in its time, where the view behind it wants less; never oftener than ten times per second."""
    assert StallWatch(NoView(), 30.0, list, print).interval == 3.0
    assert StallWatch(Looker(), 30.0, list, print).interval == 1.0
    assert StallWatch(Looker(), 0.01, list, print).interval == 0.1


def test_requests_that_are_alike_stand_together() -> None:
    """Each group is shown with its longest wait, and the longest group comes first."""
    doing = [
        Activity("a.test", "http://a.test/1", Phase.FIRST_BYTE, 12.0, "192.0.2.1"),
        Activity("a.test", "http://a.test/\x1b2", Phase.FIRST_BYTE, 34.0, "192.0.2.1"),
        Activity("b.test", "http://b.test/", Phase.BODY, 60.0, "192.0.2.2", 34_000),
        Activity("c.test", "http://c.test/", Phase.CONNECTION, 5.0),
    ]
    snapshot = replace(SNAPSHOT, busy=6)
    assert list(stall_lines(snapshot, 10.0, doing)) == [
        "no URL has ended for 10 s; 6 requests in flight; 3 URLs wait",
        "  1 receiving from b.test (192.0.2.2), for 60 s, 34.0 kB so far: http://b.test/",
        "  2 waiting for the first byte of a.test (192.0.2.1), the longest for 34 s: http://a.test/\\x1b2",
        "  1 connecting to c.test, for 5.0 s: http://c.test/",
        "  2 waiting for a connection, or processing received data",
    ]


def test_many_hosts_fit_on_a_screen() -> None:
    """The rest is counted by phase."""
    doing = [Activity(f"h{n}.test", f"http://h{n}.test/", Phase.CONNECTION, 100.0 - n) for n in range(50)]
    lines = list(stall_lines(replace(SNAPSHOT, busy=50, total=50), 10.0, doing))
    assert len(lines) == 1 + GROUPS + 1
    assert lines[-1] == f"  {50 - GROUPS} connecting to others"


def test_with_nothing_in_flight_the_hosts_are_told() -> None:
    """What each waits for, and how much longer; the network's trouble too."""
    row = HostRow(HostKey("http", "a.test", 80), 1, 5, 0, 1, 1, 1, 1, 0.1, 0.1, 0, 0.1, "retry-after", 29.0)
    rows = (row, row._replace(state="circuit open", until=3.0), row._replace(state="done", done=5))
    lines = list(stall_lines(replace(SNAPSHOT, hosts=rows, outage="the network has looked down for 4 s"), 10.0, []))
    assert lines == [
        "no URL has ended for 10 s; no request is in flight; 9 URLs wait",
        "  the network has looked down for 4 s",
        "  a.test: circuit open for 3.0 s more, 4 URLs left",
        "  a.test: retry-after for 29 s more, 4 URLs left",
    ]


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_has_its_words(phase: Phase) -> None:
    """They name the host."""
    assert "{host}" in WORDS[phase]


def test_an_output_that_takes_nothing_is_told_while_it_waits() -> None:
    """Not for waits of less; each wait counts for itself; and the answer is passed on."""
    notes: list[str] = []
    times = [100.0, 100.4, 100.8, 103.0, 103.4, 103.8, 104.2, 104.6]
    answers = iter([False] * (len(times) - 1) + [True])
    watch = WriteWatch(lambda: next(answers), 1.0, notes.append, clock=iter(times).__next__)
    assert [watch() for _ in times] == [False] * (len(times) - 1) + [True]
    assert notes == [f"an output has accepted nothing for 1.2 s: {TAKES_NOTHING}"]
