import pytest

from scrapepool.render.frame_rate import LONGEST_INTERVAL, SHARE, FrameRate


def test_drawing_keeps_to_its_share():
    """The dearer a frame, the rarer: never under the wish, never over a second."""
    pace = FrameRate(0.2)
    pace.spend(0.001, busy=1.0)
    assert pace.interval == 0.2
    pace = FrameRate(0.2)
    pace.spend(0.010, busy=1.0)
    assert pace.interval == pytest.approx(0.010 / SHARE)
    for _ in range(50):
        pace.spend(0.005, busy=0.4)
    assert pace.interval == pytest.approx(0.005 / SHARE / 0.4, rel=0.01)
    for _ in range(50):
        pace.spend(5.0, busy=1.0)
    assert pace.interval == LONGEST_INTERVAL
