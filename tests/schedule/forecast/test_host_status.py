"""The word for the state of a host."""

from array import array

import pytest

from scrapepool.model import Attempt, ErrorKind, HostKey, Target
from scrapepool.schedule.forecast.host_status import status_of
from scrapepool.schedule.health.host_health import HostHealth
from scrapepool.schedule.limits import HostLimits
from scrapepool.schedule.queue.host_queue import HostQueue
from scrapepool.schedule.queue.pending import PendingAttempt
from scrapepool.schedule.tally import HostTally

HOST = HostKey("http", "h.test", 80)


def queue_of(count=3, *, robots=False):
    return HostQueue(HOST, HostTally(HOST), array("Q", range(count)), HostLimits(4, 0.0, robots))


def deferred(queue):
    queue.refuse(15.0, None)


def given_up(queue):
    queue.refuse(15.0, (ErrorKind.CIRCUIT_OPEN, ""))


def circuit_open(queue):
    queue.health = HostHealth(4, 1, adapt=True)
    queue.health.breaker.reopen(5.0)
    queue.not_before = 15.0


def half_open(queue):
    circuit_open(queue)
    queue.out = 1


def parked(queue):
    queue.park(15.0)


def slowed(queue):
    queue.health = HostHealth(4, 10, adapt=True)
    queue.limit = 1


def waiting(queue):
    queue.not_before = 15.0


def shared(queue):
    queue.allocated = 0
    queue.update_limits()


def backoff(queue):
    queue.take(9)
    attempt = Attempt(Target("http://h.test/", HOST, "/"), 2)
    queue.own_attempts().delay(1, PendingAttempt(attempt, 5.0, 15.0, queue))
    queue.pending = 1


@pytest.mark.parametrize(
    ("change", "word", "seconds"),
    [
        (deferred, "deferred", 5.0), (given_up, "given up", None), (circuit_open, "circuit open", 5.0),
        (half_open, "half-open", None), (parked, "parked", 5.0), (slowed, "slowed", None), (waiting, "waiting", 5.0),
        (shared, "shared", None), (backoff, "backoff", 5.0), (lambda queue: queue.take(9), "done", None),
        (lambda queue: None, "ok", None),
    ],
)  # fmt: skip
def test_each_state_has_its_word_and_the_seconds_until_it_ends(change, word, seconds):
    """Seconds are known where it is a time that is waited for."""
    queue = queue_of()
    change(queue)
    assert status_of(queue, 10.0) == (word, seconds)


def test_robots_txt_comes_first():
    """Until it is settled."""
    assert status_of(queue_of(robots=True), 10.0) == ("robots", None)
