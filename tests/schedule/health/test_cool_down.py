"""How long a host is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.schedule.health.cool_down import MAX_COOL_DOWN, CoolDown


def test_without_a_word_it_doubles_up_to_a_minute():
    """Half a second, a second, two, and so on; an answer ends the row."""
    cool_down, now, waits = CoolDown(), 0.0, []
    for _ in range(10):
        now += 100
        waits.append(cool_down.on_refusal(None, now - 1, now).wait)
    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    cool_down.on_response(now + 1)
    assert cool_down.on_refusal(None, now + 2, now + 3).wait == 0.5


@pytest.mark.parametrize(("most", "waits"), [(3.0, [0.5, 1, 2, 3, 3]), (0.0, [0.5] * 5), (300.0, [0.5, 1, 2, 4, 8])])
def test_without_a_word_no_pause_is_longer_than_a_named_one_may_be(most, waits):
    """But half a second it is: a host that refuses is not asked again at once."""
    cool_down = CoolDown()
    assert [cool_down.on_refusal(None, now - 1.0, now, most=most).wait for now in range(100, 600, 100)] == waits


@given(st.lists(st.floats(0, 9.9), min_size=1, max_size=20), st.one_of(st.none(), st.floats(0.1, 300)))
def test_refusals_of_one_window_count_once(started, after):
    """However many were out when the first was refused, the host is parked as for one."""
    cool_down = CoolDown()
    cool_down.on_refusal(after, 9.0, 10.0)
    for moment in started:
        parked = cool_down.on_refusal(None, moment, 10.5)
        assert not parked.counts
        assert parked.wait == 0.0
    assert cool_down.refused_in_row == 1


@given(st.floats(0.1, 86_400))
def test_what_the_host_names_is_kept(after):
    """A Retry-After replaces the doubling, however long."""
    cool_down = CoolDown()
    assert cool_down.on_refusal(after, 1.0, 2.0).wait == after
    assert cool_down.on_refusal(None, 1.5, 2.5).wait == 0.0


def test_a_retry_after_of_nothing_names_nothing():
    """Who refuses and asks for no wait is left alone all the same."""
    assert CoolDown().on_refusal(0.0, 1.0, 2.0).wait == 0.5


def test_an_old_answer_ends_no_row():
    """It was asked for before the refusal, and says nothing about it."""
    cool_down = CoolDown()
    cool_down.on_refusal(None, 1.0, 2.0)
    cool_down.on_response(1.5)
    assert cool_down.refused_in_row == 1
    assert cool_down.on_refusal(None, 3.0, 4.0).wait <= MAX_COOL_DOWN
