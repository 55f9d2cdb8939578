"""The attempts that wait at one host."""

import pytest

from scrapepool.model import Attempt, Earlier, HostKey, ListTarget, Target
from scrapepool.schedule.queue.host_queue import NO_ATTEMPTS
from scrapepool.schedule.queue.pending import PendingAttempt, PendingAttempts

HOST = HostKey("http", "h.test", 80)


def pending(path, *, number=2, at=None, said="503", tries=False):
    """An attempt at a page, which failed at a time if there is one."""
    earlier = None if at is None else Earlier(HOST, 0, at, tries, said)
    return PendingAttempt(Attempt(Target(f"http://h.test{path}", HOST, path), number, earlier=earlier), 0.0, 1.0, None)


def paths(attempts):
    return [one.attempt.target.path for one in attempts]


def test_urgent_attempts_are_taken_first_then_retries_then_delayed_ones():
    """And no more than were requested."""
    attempts = PendingAttempts()
    attempts.delay(1, pending("/delayed", at=0.0))
    attempts.add_retry(pending("/retry", at=0.0))
    attempts.put_first(pending("/hop"))
    assert len(attempts) == 3
    assert paths(attempts.take(2)) == ["/hop", "/retry"]
    assert paths(attempts.take(2)) == ["/delayed"]
    assert not attempts


def test_lists_go_first_and_can_be_spared():
    """Due or not; a retry of one is as urgent as its first attempt."""
    attempts = PendingAttempts()
    one = ListTarget("http://h.test/list", HOST, "/list", begin=lambda: print)
    attempts.put_first(pending("/hop"))
    attempts.delay(1, PendingAttempt(Attempt(one), 0.0, 1.0, None))
    attempts.delay(2, pending("/delayed", at=0.0))
    assert attempts.release(1)
    attempts.delay(3, PendingAttempt(Attempt(one, 2), 0.0, 1.0, None))
    assert (len(attempts), attempts.list_count) == (4, 2)
    assert paths(attempts.take(9, lists=False)) == ["/hop", "/delayed"]
    assert paths(attempts.take(9)) == ["/list", "/list"]


def test_retries_keep_their_order_but_for_pages_that_did_not_fail():
    """A page that is requested again to find out whether it was refused goes first, too."""
    attempts = PendingAttempts()
    for one in (pending("/a", at=0.0), pending("/b", at=0.0), pending("/c"), pending("/d", at=0.0, tries=True)):
        attempts.add_retry(one)
    assert paths(attempts.take(9)) == ["/d", "/c", "/a", "/b"]


def test_a_delayed_attempt_is_released_or_cancelled_once():
    """Its number means nothing afterwards."""
    attempts = PendingAttempts()
    attempts.delay(7, pending("/a", at=0.0))
    attempts.delay(8, pending("/b", at=0.0))
    assert attempts.release(7)
    assert not attempts.release(7)
    assert attempts.cancel(7) is None
    cancelled = attempts.cancel(8)
    assert cancelled is not None
    assert paths([cancelled]) == ["/b"]
    assert paths(attempts.retries) == ["/a"]


@pytest.mark.parametrize("delayed", [True, False])
def test_the_page_that_failed_last_before_a_test_is_requested_next(delayed):
    """Whether its retry is due or not; pages that failed afterwards are no part of the test."""
    attempts = PendingAttempts()
    for number, (path, at) in enumerate([("/first", 1.0), ("/last", 2.0), ("/later", 4.0)]):
        if delayed:
            attempts.delay(number, pending(path, at=at))
        else:
            attempts.add_retry(pending(path, at=at))
    attempts.retry_suspect(HOST, 3.0)
    first = attempts.retries[0]
    assert first.attempt.target.path == "/last"
    assert first.attempt.earlier.tries
    assert len(attempts) == 3


def test_attempts_are_refunded_up_to_a_maximum_where_pages_failed_in_the_same_way():
    """Other failures count on."""
    attempts = PendingAttempts()
    attempts.add_retry(pending("/few", number=3, at=0.0))
    attempts.delay(1, pending("/many", number=9, at=0.0))
    attempts.delay(2, pending("/other", number=3, at=0.0, said="reset"))
    attempts.refund("503", 4)
    found = {one.attempt.target.path: (one.attempt.number, one.attempt.refunds) for one in attempts.take(9)}
    assert found == {"/few": (1, 2), "/many": (5, 4), "/other": (3, 0)}


def test_what_stands_in_for_no_attempts_is_empty():
    """All hosts share it, and nothing that is asked of it puts anything in."""
    NO_ATTEMPTS.retry_suspect(HOST, 1.0)
    NO_ATTEMPTS.refund("503", 4)
    assert not NO_ATTEMPTS.release(1)
    assert NO_ATTEMPTS.cancel(1) is None
    assert (len(NO_ATTEMPTS), bool(NO_ATTEMPTS)) == (0, False)
