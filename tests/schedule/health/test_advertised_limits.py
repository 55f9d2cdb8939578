"""What hosts say is left of their rate limits, on a virtual clock: no wait is longer than it has to be."""

from __future__ import annotations

import math
from collections.abc import Callable
from math import inf

import pytest

from scrapepool.model import RateLimit
from scrapepool.schedule.health.advertised_limits import MAX_LIMITS, PREDICTION_MARGIN, AdvertisedLimits

LATENCY = 0.04
"""Seconds that a request takes, as long there as back."""


class Server:
    """Counts windows of one second, and says in whole seconds when one ends.

    aligned: whether they follow each other without gaps, from ``phase`` on; else one begins with a request.
    """

    def __init__(self, limit: int, phase: float, *, aligned: bool, rounded: Callable[[float], int] = math.ceil) -> None:
        self.limit, self.aligned, self.rounded = limit, aligned, rounded
        self.ends = phase if aligned else -inf
        self.used = 0

    def count(self, now: float) -> tuple[bool, RateLimit]:
        """Whether a request passes, and what the response says."""
        if now >= self.ends:
            self.ends = self.ends + math.floor(now - self.ends) + 1 if self.aligned else now + 1
            self.used = 0
        passes = self.used < self.limit
        self.used += passes
        return passes, RateLimit("default", self.limit - self.used, self.rounded(round(self.ends - now, 6)))


def run(server: Server, requests: int, every: float) -> tuple[float, int]:
    """Requests one after the other, so far apart at least; seconds until the last has passed, and refusals."""
    quota, now, passed, refused = AdvertisedLimits(), 0.0, 0, 0
    while passed < requests:
        began, arrives = now, now + LATENCY / 2
        now += LATENCY
        passes, limit = server.count(arrives)
        if passes:
            passed += 1
            now += quota.on_response([limit], began, now, now, LATENCY)
        else:
            refused += 1
            quota.on_refusal(began)
            now += limit.reset
        now = max(now, began + every)
    return now, refused


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("phase", [0.01, 0.3, 0.5, 0.99])
@pytest.mark.parametrize("rounded", [math.ceil, math.floor, round])
@pytest.mark.parametrize(("limit", "every"), [(1, 0.0), (5, 0.0), (5, 0.2), (20, 0.0), (20, 0.05)])
def test_nine_tenths_of_a_limit_are_used_and_nothing_is_refused(
    limit: int, every: float, rounded: Callable[[float], int], phase: float, *, aligned: bool
) -> None:
    """Whole seconds do not cost half a second per window, whichever way they are rounded."""
    seconds, refused = run(Server(limit, phase, aligned=aligned, rounded=rounded), 40 * limit, every)
    assert refused == 0
    assert 40 <= seconds / 0.9 <= 40 / 0.9**2 + 2


def test_seconds_that_are_rounded_down_are_no_reason_for_more_refusals() -> None:
    """A prediction that fails is not made again: the host is left alone for as long as it says."""

    def run_of(*, predictable: bool) -> int:
        server = Server(5, 0.3, aligned=True, rounded=lambda left: max(1, math.floor(left)))
        seconds, refused = run(server, 200, 0.1)
        assert seconds > 0
        return refused

    assert run_of(predictable=True) <= 40


def test_no_more_is_in_flight_than_is_left() -> None:
    """The last requests of a window are not sent together with others that would be refused."""
    quota = AdvertisedLimits()
    assert quota.spare == inf
    assert quota.on_response([RateLimit("default", 3, 10)], 0.0, 0.1, 0.1, 0.1) == 0.0
    assert quota.spare == 3
    quota.on_response([RateLimit("default", 5, 10)], 0.0, 0.2, 0.2, 0.1)
    assert quota.spare == 3, "a response that was overtaken by a later one"


def test_nothing_is_known_any_more_once_the_window_is_over() -> None:
    """A host of which later responses say nothing gets as many requests as any other."""
    quota = AdvertisedLimits()
    quota.on_response([RateLimit("default", 1, 10)], 0.0, 0.1, 0.1, 0.1)
    assert (quota.is_over(5.0), quota.spare) == (False, 1)
    assert (quota.is_over(11.2), quota.spare) == (True, inf)


def test_the_longest_wait_of_several_limits_counts() -> None:
    """Of a second and of a day: whichever is used up."""
    quota = AdvertisedLimits()
    limits = [RateLimit("second", 0, 1, 1), RateLimit("day", 0, 3600, 86_400)]
    assert quota.on_response(limits, 0.0, 0.1, 0.1, 0.1) == 3600
    quota = AdvertisedLimits()
    assert quota.on_response([limits[0], limits[1]._replace(left=99)], 0.0, 0.1, 0.1, 0.1) <= 1 + PREDICTION_MARGIN


def test_a_prediction_that_is_refused_counts_as_wrong_and_ends_predictions() -> None:
    """Once in so many is allowed, and a host that refuses after its own wait rounds down."""
    quota = AdvertisedLimits()
    used_up = RateLimit("default", 0, 10, 1)
    assert quota.on_response([used_up], 0.0, 0.1, 0.1, 0.1) < 10
    quota.on_refusal(5.0)
    assert (quota.spare, quota.is_predictable) == (1, False)
    assert "0 predictions right, 1 wrong" in repr(quota)
    assert quota.on_response([used_up], 5.0, 5.1, 5.1, 0.1) == 10
    quota.on_refusal(20.0)
    assert quota.on_response([used_up], 20.0, 20.1, 20.1, 0.1) == 11


def test_few_limits_of_a_host_are_followed() -> None:
    """It may name as many as it likes."""
    quota = AdvertisedLimits()
    quota.on_response([RateLimit(str(number), 9 - number, 10) for number in range(9)], 0.0, 0.1, 0.1, 0.1)
    assert quota.spare == 9 - MAX_LIMITS + 1
