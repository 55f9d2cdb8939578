"""What is said of a run's end while it is this machine that sets the pace."""

import pytest

from scrapepool.model import HostKey
from scrapepool.schedule.forecast.bottleneck import Bottleneck
from scrapepool.schedule.forecast.eta import Forecast

HOST = HostKey("http", "h.test", 80)
QUICK = Forecast(0.5, HOST, "100 left, 4 at a time, 20 ms each", "28 of 32 workers are idle")
SLOW = Forecast(600.0, HOST, "300 left at 1 per 2 s", "31 of 32 workers are idle")
LEFT = 100


def forecast_after(bottleneck, seconds, *, held=0.0, cpu=0.0, forecast=QUICK, rate=2.0):
    """The last forecast of seconds of which such a share was held up, and such a share of a core was used."""
    for now in seconds:
        bottleneck.held += held
        corrected = bottleneck.correct(forecast, float(now), cpu * now, left=LEFT, rate=rate)
    return corrected


def test_a_run_that_the_network_holds_up_keeps_its_forecast():
    """Writing down what comes costs some of the time in any run, and reading it some of a core."""
    assert forecast_after(Bottleneck(0.0, 0.0), range(1, 60), held=0.4, cpu=0.7) == QUICK


@pytest.mark.parametrize(("shares", "seconds"), [({"held": 0.9}, range(1, 13)), ({"cpu": 0.9}, range(1, 3))])
def test_the_end_is_told_by_the_rate(shares, seconds):
    """No host decides it then, and idle workers are of no use."""
    corrected = forecast_after(Bottleneck(0.0, 0.0), seconds, **shares)
    assert (corrected.seconds, corrected.host, corrected.hint) == (LEFT / 2.0, None, None)


def test_nothing_is_foretold_before_that_rate_was_measured():
    """It is one of the last ten seconds, most of which went as the network goes."""
    bottleneck = Bottleneck(0.0, 0.0)
    forecast_after(bottleneck, range(1, 60))
    corrected = forecast_after(bottleneck, range(60, 70), held=0.9)
    assert (corrected.seconds, corrected.host, corrected.hint) == (None, None, None)
    assert forecast_after(bottleneck, range(70, 75), held=0.9).seconds == LEFT / 2.0


def test_what_filled_the_buffers_first_is_no_rate():
    """A taker that holds a run up took what came as long as it had room: that pace does not last."""
    assert forecast_after(Bottleneck(0.0, 0.0), range(1, 10), held=0.9).seconds is None


def test_a_host_that_takes_longer_than_that_still_decides():
    """A delay is waited for, however slowly outcomes are taken."""
    corrected = forecast_after(Bottleneck(0.0, 0.0), range(1, 15), held=0.9, forecast=SLOW)
    assert (corrected.seconds, corrected.host, corrected.hint) == (600.0, HOST, None)


def test_a_taker_that_takes_nothing_leaves_no_end_to_tell():
    """Its rate is zero."""
    assert forecast_after(Bottleneck(0.0, 0.0), range(1, 100), held=1.0, rate=0.0).seconds is None


def test_it_ends_as_soon_as_outcomes_are_taken():
    """What was said before is said again."""
    bottleneck = Bottleneck(0.0, 0.0)
    forecast_after(bottleneck, range(1, 30), held=1.0)
    assert forecast_after(bottleneck, range(30, 32), held=0.1) == QUICK


def test_many_looks_a_second_decide_once_a_second():
    """A view that draws five times per second does not flicker."""
    bottleneck = Bottleneck(0.0, 0.0)
    bottleneck.held = 0.15
    assert bottleneck.correct(QUICK, 0.2, 0.0, left=LEFT, rate=2.0) == QUICK
    bottleneck.held = 0.9
    assert bottleneck.correct(QUICK, 1.0, 0.0, left=LEFT, rate=2.0).seconds is None
