"""What holds for one host, out of settings and sections."""

from __future__ import annotations

import pytest

from scrapepool.model import HostKey
from scrapepool.overrides import HostOverride
from scrapepool.run.host_limits import limits_for, most_per_host
from scrapepool.settings import Settings
from scrapepool.window import Window

HOST = HostKey("https", "a.example.org", 443)
MIDNIGHT = 1_772_323_200.0  # 1 March 2026, UTC


class TwoClocks:
    """Wall and monotonic time, to be set by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.ahead = MIDNIGHT - 100.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now + self.ahead


def with_section(**values: object) -> Settings:
    return Settings().with_(
        pool={"per_host": 3, "delay": 1.5}, host_overrides={"sections": (("*.example.org", HostOverride(**values)),)}
    )


def test_without_sections_all_are_alike() -> None:
    """Every host gets the run's own limits, and the same object."""
    limits = limits_for(Settings(), TwoClocks())
    assert limits(HOST) is limits(HostKey("http", "b.test", 80))
    assert (limits(HOST).per_host, limits(HOST).delay, limits(HOST).closed_for) == (4, 0.0, None)


@pytest.mark.parametrize(
    ("values", "per_host", "delay"), [({}, 3, 1.5), ({"delay": 0.0}, 3, 0.0), ({"per_host": 9}, 9, 1.5)]
)
def test_a_section_replaces_what_it_names(values: dict[str, object], per_host: int, delay: float) -> None:
    """Each value replaces the run's, also where it is nought; the others stay."""
    run = with_section(**values)
    limits = limits_for(run, TwoClocks())
    assert (limits(HOST).per_host, limits(HOST).delay) == (per_host, delay)
    assert limits(HostKey("https", "other.test", 443)).delay == 1.5
    assert most_per_host(run) == max(3, per_host)


def test_robots_of_one_host() -> None:
    """A section turns robots.txt off, or on, for its hosts."""
    run = with_section(robots=False).with_(politeness={"robots": True})
    limits = limits_for(run, TwoClocks())
    assert not limits(HOST).robots
    assert limits(HostKey("https", "other.test", 443)).robots


def test_a_window_by_the_wall_clock() -> None:
    """The seconds until a window opens are taken from the wall clock, also after that was set."""
    clock = TwoClocks()
    closed_for = limits_for(with_section(window=Window.parse("01:00-02:00 UTC")), clock)(HOST).closed_for
    assert closed_for is not None
    assert closed_for(100.0) == 3600.0
    assert closed_for(3700.0) == 0.0
    assert closed_for(3700.0 + 3600.0) == 23 * 3600.0
    clock.ahead += 1800
    assert closed_for(100.0) == 1800.0


def test_a_host_that_was_put_off_is_parked_in_this_run_s_time() -> None:
    """Also where that is found out after the question was made."""
    not_before: dict[HostKey, float] = {}
    limits = limits_for(Settings(), TwoClocks(), not_before)
    not_before[HOST] = MIDNIGHT + 30
    assert limits(HOST).parked_until == 130.0
    assert limits(HostKey("http", "b.test", 80)).parked_until < 0
