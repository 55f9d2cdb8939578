"""The plan and the ETA against how long runs take, on a virtual clock; ``benchmarks/eta.py`` runs a whole day of it."""

from __future__ import annotations

import random
from functools import cache

import pytest

from benchmarks.eta import SCENARIOS, Report, again, run

HOSTS, WORKERS, SEED = 150, 64, 5
NEAR = 0.10
"""Of the whole duration; the ETA is asked for when a tenth, a quarter, a half and three quarters of it are over."""

NEAR_LIMITS = 0.30
"""The same where the host that decides has a limit that it does not name, and the pace is still finding it out."""


@cache
def first_run(name: str) -> Report:
    """The run of a scenario; it is the same each time."""
    return run(SCENARIOS[name](random.Random(SEED), HOSTS), WORKERS)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_end_is_foretold_from_the_first_tenth_on(name: str) -> None:
    """Whatever hosts do, live, and before the run by a plan that knows what a run before it found out."""
    make, first = SCENARIOS[name], first_run(name)
    near = NEAR_LIMITS if name == "rate limits" else NEAR
    assert {one.at: one.off for one in first.foretold if abs(one.off) > near} == {}
    second = again(make(random.Random(SEED), HOSTS), WORKERS, first)
    assert abs(second.plan_off) < NEAR


@pytest.mark.parametrize("name", ["one long host", "Crawl-delays", "windows", "the day"])
def test_the_host_that_decides_is_named(name: str) -> None:
    """The ETA says from the first tenth on which host will be the last."""
    report = first_run(name)
    assert {one.host for one in report.foretold} <= set(report.last)
    assert " left" in report.foretold[0].reason
