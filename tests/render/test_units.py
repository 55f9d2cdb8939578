import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.render import units


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0:00"),
        (4.9, "0:04"),
        (60, "1:00"),
        (3599.9, "59:59"),
        (3723, "1:02:03"),
        (187_200, "2 d 4:00:00"),
        (-1, "0:00"),
        (None, "-"),
        (math.inf, "-"),
        (math.nan, "-"),
    ],
)
def test_clock(seconds, text):
    """Durations on the display read like a stopwatch."""
    assert units.clock(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.042, "0.042 s"),
        (0.996, "1.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (119.4, "119 s"),
        (119.6, "120 s"),
        (2460, "41 min"),
        (7199, "2 h"),
        (12_000, "3 h 20 min"),
        (187_200, "2 d 4 h"),
        (172_800, "2 d"),
        (math.inf, "-"),
    ],
)
def test_spoken(seconds, text):
    """Durations in the summary read like a sentence."""
    assert units.spoken(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (41_234_567, "41.2 MB"),
        (99_960_000, "100 MB"),
        (999_499_999, "999 MB"),
        (999_500_000, "1.0 GB"),
        (5 * 10**18, "5,000 PB"),
    ],
)
def test_size(count, text):
    """Bytes get the unit that leaves one to three digits before the point."""
    assert units.size(count) == text


def test_rates_latencies_and_counts():
    """Small numbers keep a decimal, large ones get commas."""
    assert [units.rate(value) for value in (0, 0.42, 9.96, 183.2, 12_345, math.inf)] == [
        "0/s",
        "0.4/s",
        "10/s",
        "183/s",
        "12,345/s",
        "-/s",
    ]
    assert [units.milliseconds(value) for value in (0.0004, 0.023, 1.204, None, math.inf)] == [
        "0.4",
        "23",
        "1,204",
        "-",
        "-",
    ]
    assert units.count(20_000) == "20,000"


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_all_is_said_of_all_only(part, whole):
    """100 % means that nothing is missing."""
    assert (units.share(part, whole) == "100 %") == (part >= whole)


def test_a_share_of_nothing_is_unknown():
    """Before the first request there is no reuse to speak of."""
    assert units.share(0, 0) == "-"
    assert units.reuse(0, 0) == "-"
    assert units.reuse(100, 4) == "96 %"
    assert units.reuse(2, 3) == "0 %"


@given(st.text(), st.integers(0, 30))
def test_cutting_the_middle(text, width):
    """What is cut has exactly the width, begins and ends as the text does, and short texts are left alone."""
    cut = units.middle_cut(text, width)
    if len(text) <= width:
        assert cut == text
    else:
        assert len(cut) == width
        assert width < 2 or (cut[: width // 2] == text[: width // 2] and "…" in cut)


def test_a_share_is_nothing_or_all_only_where_it_is() -> None:
    """2,000 of 2,001 are not 100 %, and 1 of 2,001 is not 0 %."""
    assert [units.precise_share(part, 2001) for part in (0, 1, 250, 2000, 2001)] == [
        "0.0%",
        "0.1%",
        "12.5%",
        "99.9%",
        "100.0%",
    ]
    assert units.precise_share(0, 0) == units.UNKNOWN
