"""A pause stops the clock of a run, and what was waited for before it is waited for anew."""

from __future__ import annotations

from scrapepool.schedule.pause import Pause


def test_pauses_add_up() -> None:
    """The one that goes on counts, too; to want a state twice changes nothing."""
    pause = Pause()
    for wanted, now in ((False, 1.0), (True, 2.0), (True, 3.0), (False, 5.0), (False, 6.0), (True, 10.0)):
        pause.follow(wanted, now)
    assert pause.active
    assert pause.seconds(11.5) == 4.5


def test_a_wait_goes_on_in_a_pause_and_begins_anew_after_it() -> None:
    """Nothing was tried meanwhile."""
    pause = Pause()
    assert pause.is_waited_out(0.0, 60.0, 60.0)
    pause.follow(True, 50.0)
    assert not pause.is_waited_out(0.0, 60.0, 100.0)
    pause.follow(False, 100.0)
    assert not pause.is_waited_out(0.0, 60.0, 159.0)
    assert pause.is_waited_out(0.0, 60.0, 160.0)
