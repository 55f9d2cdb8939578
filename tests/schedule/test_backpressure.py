"""What is said of a run's end while whoever takes its outcomes holds it up."""

import pytest

from scrapepool.model import HostKey
from scrapepool.schedule.backpressure import Backpressure
from scrapepool.schedule.forecast import Forecast

HOST = HostKey("http", "h.test", 80)
QUICK = Forecast(0.5, HOST, "100 left, 4 at a time, 20 ms each", "28 of 32 workers idle: more hosts would help")
LEFT = 100


def told(backpressure, share, seconds, *, forecast=QUICK, rate=2.0):
    """The last forecast of seconds of which such a share was held."""
    for now in seconds:
        backpressure.held += share
        corrected = backpressure.correct(forecast, float(now), left=LEFT, rate=rate)
    return corrected


def test_a_run_that_is_not_held_up_keeps_its_forecast():
    """Writing down what comes costs some of the time in any run."""
    assert told(Backpressure(0.0), 0.4, range(1, 60)) == QUICK


def test_nothing_is_foretold_before_the_pace_is_known():
    """No end, no host that decides it, and no advice: idle workers are of no use."""
    corrected = told(Backpressure(0.0), 0.9, range(1, 10))
    assert (corrected.seconds, corrected.host, corrected.hint) == (None, None, None)


def test_the_end_is_told_by_the_rate_once_that_was_measured():
    """It is the outcomes' taker that decides, so no host is named."""
    corrected = told(Backpressure(0.0), 0.9, range(1, 15))
    assert (corrected.seconds, corrected.host, corrected.hint) == (LEFT / 2.0, None, None)


def test_a_host_that_takes_longer_than_that_still_decides():
    """A delay is waited for, however slowly outcomes are taken."""
    slow = Forecast(600.0, HOST, "300 left at 1 per 2 s", "31 of 32 workers idle: more hosts would help")
    corrected = told(Backpressure(0.0), 0.9, range(1, 15), forecast=slow)
    assert (corrected.seconds, corrected.host, corrected.hint) == (600.0, HOST, None)


@pytest.mark.parametrize("seconds", [range(1, 5), range(1, 100)])
def test_a_taker_that_takes_nothing_leaves_no_end_to_tell(seconds):
    """Its rate is zero."""
    assert told(Backpressure(0.0), 1.0, seconds, rate=0.0).seconds is None


def test_it_ends_as_soon_as_outcomes_are_taken():
    """What was said before is said again."""
    backpressure = Backpressure(0.0)
    told(backpressure, 1.0, range(1, 30))
    assert told(backpressure, 0.1, range(30, 32)) == QUICK


def test_many_looks_a_second_decide_once_a_second():
    """A view that draws five times a second does not flicker."""
    backpressure = Backpressure(0.0)
    backpressure.held = 0.15
    assert backpressure.correct(QUICK, 0.2, left=LEFT, rate=2.0) == QUICK
    backpressure.held = 0.9
    assert backpressure.correct(QUICK, 1.0, left=LEFT, rate=2.0).seconds is None
