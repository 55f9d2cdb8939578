"""The timeline of a report: its steps widen with the time that records span."""

from __future__ import annotations

from reporting import failure, record, reported

from scrapepool.report.timeline import MOST_STEPS, Timeline


def test_each_second_is_a_step_of_a_short_run() -> None:
    """With the URLs that were started in it, also for seconds without any."""
    found = reported([record(0), record(1), failure(1), failure(3, outcome="skipped", elapsed=0.0)])["timeline"]
    assert (found["step"], found["ok"], found["failed"], found["skipped"]) == (
        1,
        [1, 1, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 0, 1],
    )
    assert found["bytes"] == [1000, 1000, 0, 0]
    assert [value is None for value in found["p50"]] == [False, False, True, True]
    assert reported([record(0, started=None)])["timeline"] is None


def test_steps_widen_in_any_order_of_times() -> None:
    """All records stay counted, in at most so many steps."""
    timeline = Timeline()
    moments = [number * 7919 % 10_007 for number in range(10_007)]
    for moment in moments:
        step = timeline.at(float(moment))
        step.ok += 1
        step.latency.add(1.0)
    assert timeline.width == 32
    assert sum(step.ok for step in timeline.steps.values()) == len(moments)
    assert sum(step.latency.count for step in timeline.steps.values()) == len(moments)
    assert len(timeline.steps) <= MOST_STEPS
    assert {number * 32 // 32 for number in timeline.steps} == set(range(10_007 // 32 + 1))


def test_times_that_are_none() -> None:
    """A record without a start, or with another program's."""
    timeline = Timeline()
    assert [timeline.seconds(text) for text in (None, "", "rain", "2026-13-01T00:00:00")] == [None] * 4
    assert timeline.seconds("1970-01-01T00:01:00.123Z") == 60.0


def test_a_step_that_widens_has_the_records_of_both() -> None:
    """Whatever they count; the earliest time may come last."""
    timeline = Timeline()
    for when in (1000.0, 1001.0):
        step = timeline.at(when)
        step.ok, step.failed, step.skipped, step.bytes = 1, 2, 3, 4
        step.latency.add(1.0)
    timeline.at(1000.0 - MOST_STEPS)
    step = timeline.at(1001.0)
    assert (timeline.width, timeline.first, timeline.last) == (2, 1000.0 - MOST_STEPS, 1001.0)
    assert (step.ok, step.failed, step.skipped, step.bytes, step.latency.count) == (2, 4, 6, 8, 2)
