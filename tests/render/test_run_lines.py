import pytest
from render_cases import snapshot

from scrapepool.render.frame import frame
from scrapepool.render.run_lines import bar, errors_line, forecast_line, outcomes_line, progress_line, stopping_line


def test_while_the_list_is_read():
    """The total is not known yet: the line says how many there are so far, and the bar's block wanders."""
    reading = snapshot(reading=True, total=1_204_000, eta=None)
    assert "1,204  reading the list, 1,204,000 so far    183/s" in progress_line(reading, 100).plain
    starts = {
        "".join(text for text, _ in bar(snapshot(reading=True, elapsed=tenth / 10), 20)).index("━")
        for tenth in range(100)
    }
    assert len(starts) > 5


@pytest.mark.parametrize(("done", "full"), [(0, 0), (1, 0), (10_000, 5), (19_999, 9), (20_000, 10)])
def test_a_bar_is_full_at_the_end_only(done, full):
    """The filled part is the share that is done, rounded down."""
    pieces = bar(snapshot(done=done), 10)
    assert "".join(text for text, _ in pieces) == "━" * full + "─" * (10 - full)


def test_no_outcomes_and_no_errors_leave_their_lines_empty():
    """The table does not jump when the first error comes."""
    early = snapshot(outcomes={}, errors={}, opened=0, requests=0)
    assert outcomes_line(early, 80).plain == ""
    assert errors_line(early, 80).plain == ""
    assert len(frame(early, 80, 24)) == len(frame(snapshot(), 80, 24))


def test_stopping_says_what_it_waits_for():
    """The message promises whole seconds, rounded up, and is shorter on a narrow terminal."""
    message = stopping_line(snapshot(busy=3, grace=3.2), 80).plain
    assert message == "stopping: waiting for 3 requests, up to 4 s; press Ctrl-C again to stop now"
    assert stopping_line(snapshot(busy=3, grace=3.2), 40).plain == "stopping: 3 in flight; Ctrl-C: now"


def test_the_forecast_has_its_line_even_if_it_says_nothing():
    """Trouble comes before what decides the ETA."""
    assert forecast_line(snapshot(), 80).plain == ""
    assert (
        forecast_line(snapshot(eta_reason="h: 9 left", hint="more hosts"), 80).plain
        == "decided by h: 9 left  more hosts"
    )
    assert forecast_line(snapshot(eta_reason="h: 9 left", outage="no network"), 80).plain == "no network"
