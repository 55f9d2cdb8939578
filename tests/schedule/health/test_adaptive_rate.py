"""What a host bears and allows."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrapepool.schedule.health.adaptive_rate import MAX_INTERVAL, STEP_AFTER_STRAIN, RateController, alarm_threshold

events = st.lists(
    st.tuples(st.sampled_from(["refused", "strained", "answered"]), st.floats(0.01, 30), st.integers(1, 90)),
    max_size=200,
)


@given(st.integers(1, 64), events)
def test_the_window_and_the_interval_stay_within_their_bounds(most, steps):
    """Whatever happens, at least one request may be out, at most ``most``, and at least one may start each minute."""
    pace, now = RateController(most), 0.0
    for what, pause, count in steps:
        now += pause
        if what == "refused":
            pace.on_refusal(now - 0.005, now, out=min(count, most), wait=0.5)
        elif what == "strained":
            pace.on_strain(now - 0.005, now)
        else:
            pace.on_response(count)
        assert 1 <= pace.limit <= most
        assert 0 <= pace.interval <= MAX_INTERVAL / 0.9 + 1e-9


@given(st.integers(2, 64), st.integers(1, 40))
def test_what_was_in_flight_together_counts_once(most, failures):
    """Timeouts of requests that were started before the first of them was known take nothing more off."""
    pace = RateController(most)
    for number in range(failures):
        pace.on_strain(started=1.0, now=10.0 + number)
    assert pace.limit == max(1, int(most * 0.7))


def test_a_host_that_recovers_is_asked_as_before():
    """One request more is in flight after every few answers, up to all of them."""
    pace = RateController(4)
    for now in (10.0, 20.0, 30.0, 40.0):
        pace.on_strain(now - 1, now)
    assert pace.limit == 1
    pace.on_response(3 * STEP_AFTER_STRAIN)
    assert pace.limit == 4
    assert pace.recovered


def test_the_second_refusal_gives_a_first_guess():
    """What was served between two refusals, over the time between them, is what the host allows, or less."""
    pace = RateController(4)
    pace.on_refusal(9.9, 10.0, out=4, wait=0.5)
    assert pace.interval == 0.0
    pace.on_response(20)
    pace.on_refusal(19.9, 20.0, out=1, wait=0.5)
    assert pace.interval == pytest.approx(1 / 2.0)


def test_a_host_that_serves_two_at_a_time_gets_two():
    """Refusals beside other requests are for their number: the rate is not limited, and a third one is tried rarely."""
    pace, now, refused, answered = RateController(4), 0.0, 0, 0
    while answered < 2000:
        now += 0.1
        if pace.limit > 2:
            pace.on_refusal(now - 0.01, now, out=pace.limit, wait=0.5)
            refused += 1
        else:
            pace.on_response(pace.limit)
            answered += pace.limit
        assert pace.interval == 0.0
    assert pace.limit == 2
    assert refused <= 10


def test_a_refusal_beside_others_may_still_be_about_the_rate():
    """A rate limit refuses one request alone as well: then as many as ever may be in flight, at the rate measured."""
    pace = RateController(4)
    for now in (10.0, 20.0):
        pace.on_refusal(now - 0.1, now, out=4, wait=0.5)
        pace.on_response(10)
    assert (pace.limit, pace.interval) == (1, 0.0)
    pace.on_refusal(29.9, 30.0, out=1, wait=0.5)
    assert (pace.limit, pace.interval) == (4, pytest.approx(1.0))


def test_connections_that_are_refused_again_each_time_are_tried_less_often():
    """A host that accepts one connection at a time refuses the second: each time it takes twice as long until that."""
    pace, now, refused, answered = RateController(4), 0.0, 0, 0
    while answered < 1000:
        now += 0.1
        if pace.limit > 1:
            pace.on_strain(now - 0.01, now)
            refused += 1
        else:
            pace.on_response(1)
            answered += 1
    assert refused <= 12


@given(st.floats(1.0, 50.0), st.floats(0.02, 1.0))
def test_a_guess_that_is_far_too_low_costs_few_responses(rate, share):
    """It doubles until it is refused; then the rate is between half of the limit and what was refused."""
    pace, now = RateController(1), 100.0
    pace.on_refusal(now, now, out=1, wait=0.5)
    pace.on_response(10)
    now += 10 / (share * rate)
    pace.on_refusal(now, now, out=1, wait=0.5)
    responses = 0
    while pace.interval and 1 / pace.interval <= rate:
        now += pace.interval
        pace.on_response(1)
        responses += 1
    assert responses <= 16 * math.log2(1 / share) + 2
    pace.on_refusal(now, now, out=1, wait=0.5)
    assert 0.4 * rate <= 1 / pace.interval <= 1.1 * rate


def test_a_rate_that_is_not_tried_does_not_grow():
    """Where all slots are taken up by requests that hang, their ends say nothing of the rate."""
    pace, now = RateController(4), 0.0
    for served in (0, 10):
        now += 10.0
        pace.on_response(served)
        pace.on_refusal(now, now, out=4, wait=0.5)
    interval = pace.interval
    for _ in range(100):
        now += 10 * interval
        pace.on_request(now, now)
        pace.on_response(1)
    assert pace.interval == interval


def test_a_refusal_with_nothing_else_in_flight_is_about_the_rate():
    """Then fewer at a time would not help, and as many as ever may be in flight."""
    pace = RateController(4)
    for number in range(4):
        pace.on_response(10)
        pace.on_refusal(10.0 * number, 10.0 * number + 1, out=4, wait=0.5)
    assert pace.limit == 1
    pace.on_response(10)
    pace.on_refusal(60.0, 61.0, out=1, wait=0.5)
    assert pace.limit == 4


def test_scattered_failures_are_no_limit_where_slowing_down_does_not_help():
    """A backend that fails one time in four at any rate is slowed down once, and never again."""
    pace, now, slowed = RateController(4), 0.0, 0
    for number in range(400):
        now += max(0.025, pace.interval)
        if number % 4:
            pace.on_response(1)
        else:
            pace.on_possible_refusal(now - 0.01, now, 40.0, limits=False)
        slowed += pace.interval > 0
    assert 0 < slowed < 50
    assert pace.interval == 0.0


def test_no_cut_goes_below_a_rate_that_was_served():
    """What came since a refusal, at a rate that a limit would have had to allow, is allowed."""
    pace, now = RateController(4), 0.0
    pace.on_refusal(now, now, out=4, wait=0.5)
    for _ in range(100):
        now += 0.1
        pace.on_response(1)
        if _ % 5 == 4:
            pace.on_possible_refusal(now - 0.05, now, 40.0, limits=True)
            pace.on_retry_response(now, now)
    assert pace.interval <= 0.12


@settings(max_examples=40, deadline=None)
@given(
    rate=st.floats(0.05, 30),
    burst=st.integers(1, 40),
    latency=st.floats(0.01, 0.15),
    risen=st.sampled_from([1.0, 1.0, 2.0]),
    seed=st.integers(0, 99),
)
def test_a_token_bucket_is_met(rate, burst, latency, risen, seed):
    """One request at a time against any bucket: near to its rate, few refusals, and its rate may rise on the way."""
    rng = random.Random(seed)
    pace, now, tokens, at, last = RateController(1), 0.0, float(burst), 0.0, -1e9
    requests = refused = parked = 0
    begun, served = 0.0, 0
    while requests < 4000:
        if requests == 1000:
            rate *= risen
        if requests == 2500:
            begun, served = now, 0
        now = max(now, last + pace.interval)
        last = now
        requests += 1
        arrives = now + latency * rng.uniform(0.4, 0.6)
        tokens, at = min(burst, tokens + (arrives - at) * rate), arrives
        now += latency
        if tokens < 1:
            refused += 1
            wait = 0.5 * 2 ** min(parked, 7)
            pace.on_refusal(last, now, out=1, wait=wait)
            parked += 1
            now += wait
        else:
            tokens -= 1
            served += 1
            parked = 0
            pace.on_response(1)
    allowed = min(rate, 1 / latency) * (now - begun)
    assert served >= 0.6 * allowed, "a burst of one loses most: the politeness benchmark has the mean"
    assert refused <= 0.04 * requests


def test_a_latency_has_risen_when_it_is_twice_as_long_and_felt():
    """Milliseconds more are a busy machine; for a slow host, twice is the mark."""
    assert alarm_threshold(0.005) == pytest.approx(0.505)
    assert alarm_threshold(3.0) == 6.0
