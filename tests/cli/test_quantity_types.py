"""What people type for numbers, rates, shares, durations, times and sizes, and what it means."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.cli.parameters.quantity_types import (
    LONGEST,
    LONGEST_TIMEOUT,
    Duration,
    Rate,
    Share,
    Size,
    TimeOfDay,
    Whole,
    next_time,
)


@pytest.mark.parametrize(
    ("kind", "typed", "meant"),
    [
        (Duration(), "2.5", 2.5),
        (Duration(), "500ms", 0.5),
        (Duration(), " 5 min ", 300.0),
        (Duration(), "1h", 3600.0),
        (Duration(), "30d", 30 * 86_400.0),
        (Duration(), "1.5 w", 10.5 * 86_400.0),
        (Duration(), 3, 3.0),
        (Size(), "10", 10),
        (Size(), "1.5kB", 1500),
        (Size(), "100MiB", 100 * 1024 * 1024),
        (Size(), "2g", 2_000_000_000),
        (Whole(0), "7", 7),
        (Rate(), "0.5", 0.5),
        (Share(), "15%", 0.15),
        (Share(), "0.1", 0.1),
        (Share(), "150%", 1.5),
        (Share(), "none", math.inf),
    ],
)
def test_what_is_meant(kind: click.ParamType[object], typed: object, meant: object) -> None:
    """Each as curl and its kin would take it."""
    assert kind.convert(typed, None, None) == meant


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        (Share(), "10"),
        (Share(), "x%"),
        (Share(), "-1%"),
        (TimeOfDay(), "25:00"),
        (TimeOfDay(), "6"),
        (Whole(0), ""),
        (Whole(0), "\u0663"),
        (Rate(), "x"),
        (Rate(), "-1"),
        (Duration(), "30 days"),
        (Duration(), "1d12h"),
        (Duration(), "4000d"),
        (Duration(most=LONGEST_TIMEOUT), "21d"),
    ],
)
def test_what_means_nothing(kind: click.ParamType[object], typed: str) -> None:
    """It is refused, with a reason."""
    with pytest.raises(click.BadParameter, match=r"."):
        kind.convert(typed, None, None)


@given(st.text(max_size=12))
def test_any_text_is_a_sane_duration_or_refused(text: str) -> None:
    """No text gives a negative, infinite or unusable duration, and none raises anything else."""
    try:
        seconds = Duration().convert(text, None, None)
    except click.BadParameter:
        return
    assert 0 <= seconds <= LONGEST


@pytest.mark.parametrize(
    ("text", "now", "meant"),
    [
        ("06:00", datetime(2026, 3, 28, 1, 0), datetime(2026, 3, 28, 5, 0, tzinfo=UTC)),
        ("06:00", datetime(2026, 3, 28, 6, 0), datetime(2026, 3, 29, 4, 0, tzinfo=UTC)),
        ("06:00", datetime(2026, 3, 29, 1, 0), datetime(2026, 3, 29, 4, 0, tzinfo=UTC)),
        ("06:00", datetime(2026, 10, 25, 1, 0), datetime(2026, 10, 25, 5, 0, tzinfo=UTC)),
        ("00:30", datetime(2026, 10, 24, 23, 0), datetime(2026, 10, 24, 22, 30, tzinfo=UTC)),
    ],
)
def test_a_time_of_day_is_one_of_the_clocks_on_the_wall(
    monkeypatch: pytest.MonkeyPatch, text: str, now: datetime, meant: datetime
) -> None:
    """It is so also in the nights in which clocks change."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert next_time(text, now) == meant.timestamp()
    finally:
        monkeypatch.undo()
        time.tzset()
