"""Windows of time, on ordinary days and on those on which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scrapepool.errors import UsageError
from scrapepool.window import DAY, Window

BERLIN = "Europe/Berlin"
ZONES = [None, "UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]
FROM, TO = 1_200_000_000, 1_900_000_000  # 2008 to 2030: Apia skips a whole day in between

minutes = st.integers(0, 24 * 60 - 1)
moments = st.integers(FROM, TO)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    start, end = draw(minutes), draw(st.integers(1, 24 * 60))
    assume(start != end)
    return Window(start, end, draw(st.sampled_from(ZONES)))


def at(text: str) -> float:
    """Unix seconds of a moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "start", "end", "zone"),
    [
        ("00:00-05:00 Europe/Berlin", 0, 300, BERLIN),
        ("22:00 - 6:00", 1320, 360, None),
        (" 00:00-24:00 UTC ", 0, 1440, "UTC"),
        ("18:30-00:00 Etc/GMT+3", 1110, 1440, "Etc/GMT+3"),
        ("1:00\u20132:00", 60, 120, None),
    ],
)
def test_texts(text: str, start: int, end: int, zone: str | None) -> None:
    """A window is two times and a zone; midnight at its end is the end of the day."""
    assert Window.parse(text) == Window(start, end, zone)
    assert Window.parse(str(Window.parse(text))) == Window.parse(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("at night", "is not a window"),
        ("25:00-26:00", "between 00:00 and 24:00"),
        ("01:75-02:00", "60 minutes"),
        ("05:00-05:00", "at the same time"),
        ("01:00-05:00 Berlin", "unknown time zone 'Berlin'"),
        ("01:00-05:00 Europe/../../etc/passwd", "is not a window"),
        ("01:00-05:00 Europe/", "unknown time zone"),
        ("\u0660\u0661:00-05:00", "is not a window"),
    ],
)
def test_texts_that_are_none(text: str, reason: str) -> None:
    """What is no window is refused with a reason."""
    with pytest.raises(UsageError, match=reason):
        Window.parse(text)


def test_over_midnight() -> None:
    """A window whose end is before its start ends on the next day."""
    window = Window.parse("22:00-06:00 UTC")
    times = {"21:59:59": False, "22:00": True, "00:00": True, "05:59:59": True, "06:00": False}
    assert {time: window.is_open(at(f"2026-03-01T{time}")) for time in times} == times
    assert window.opens_at(at("2026-03-01T12:00")) == at("2026-03-01T22:00")
    assert window.closes_at(at("2026-03-01T23:00")) == at("2026-03-02T06:00")


@pytest.mark.parametrize(
    ("text", "asked", "opens", "closes"),
    [
        # 29 March 2026, Berlin: 02:00 becomes 03:00, at 01:00 UTC
        ("00:00-05:00 Europe/Berlin", "2026-03-28T20:00", "2026-03-28T23:00", "2026-03-29T03:00"),
        ("02:30-05:00 Europe/Berlin", "2026-03-28T20:00", "2026-03-29T01:00", "2026-03-29T03:00"),
        ("01:00-02:30 Europe/Berlin", "2026-03-28T20:00", "2026-03-29T00:00", "2026-03-29T01:00"),
        ("02:10-02:50 Europe/Berlin", "2026-03-28T20:00", "2026-03-30T00:10", "2026-03-30T00:50"),
        # 25 October 2026: 03:00 becomes 02:00, at 01:00 UTC
        ("00:00-05:00 Europe/Berlin", "2026-10-24T20:00", "2026-10-24T22:00", "2026-10-25T04:00"),
        ("02:30-05:00 Europe/Berlin", "2026-10-24T20:00", "2026-10-25T00:30", "2026-10-25T04:00"),
        ("01:00-02:30 Europe/Berlin", "2026-10-24T20:00", "2026-10-24T23:00", "2026-10-25T00:30"),
    ],
)
def test_nights_on_which_clocks_change(text: str, asked: str, opens: str, closes: str) -> None:
    """A time that no clock shows is when the clock goes forward; one that it shows twice is the first of the two."""
    window = Window.parse(text)
    assert window.opens_at(at(asked)) == at(opens)
    assert window.closes_at(at(asked)) == at(closes)
    assert window.is_open(at(opens))
    assert not window.is_open(at(opens) - 1)
    assert window.is_open(at(closes) - 1)
    assert not window.is_open(at(closes))


def test_a_day_that_was_skipped() -> None:
    """Samoa had no 30 December 2011: no window opens twice for it."""
    window = Window.parse("08:00-10:00 Pacific/Apia")
    assert window.opens_at(at("2011-12-29T21:00")) == at("2011-12-30T18:00")


@given(windows(), moments)
def test_opening(window: Window, wall: int) -> None:
    """It is open when it says that it opens and until it closes, closed all the time before, and never for two days."""
    opens, closes = window.opens_at(wall), window.closes_at(wall)
    assert wall <= opens < closes
    assert window.is_open(wall) == (opens == wall)
    assert window.is_open(opens)
    assert window.is_open(closes - 1)
    assert opens == wall or not window.is_open(opens - 1)
    assert not any(map(window.is_open, range(wall, int(opens), 7200)))
    assert opens - wall < 49 * 3600


@given(windows(), moments)
def test_clocks(window: Window, wall: int) -> None:
    """On days without a change of the clock, it is open exactly when the clock's hands say so."""
    zone = None if window.zone is None else ZoneInfo(window.zone)
    around = (datetime.fromtimestamp(wall + hours * 3600, zone) for hours in range(-48, 49, 6))
    assume(len({(moment if zone else moment.astimezone()).utcoffset() for moment in around}) == 1)
    local = datetime.fromtimestamp(wall, zone)
    minute = local.hour * 60 + local.minute
    if window.start < window.end:
        assert window.is_open(wall) == (window.start <= minute < window.end)
    else:
        assert window.is_open(wall) == (minute >= window.start or minute < window.end)


@given(windows(), moments, st.integers(1, 20_000), st.integers(1, 20_000))
def test_open_time(window: Window, wall: int, some: int, more: int) -> None:
    """Open time adds up: some and then more of it end when both together do, at the end of an open moment."""
    assume((window.end - window.start) % DAY >= 30)
    between = window.after(wall, some)
    assert between >= wall + some
    assert window.after(between, more) == window.after(wall, some + more)
    assert window.is_open(between - 1)


def test_very_long_work() -> None:
    """Work that would take longer than is looked ahead never ends."""
    assert Window.parse("01:00-01:01 UTC").after(FROM, 1e6) == float("inf")
