import io
import os
import subprocess
import sys

import pytest
from render_cases import HOSTILE, snapshot

from scrapepool.ports import NoView
from scrapepool.render.choose import view_for
from scrapepool.render.plain import PlainView, progress, stopping
from scrapepool.render.summary import summary_text
from scrapepool.settings import DisplaySettings


def view(stream, **options):
    """A plain view on which it is always ten past twelve."""
    return PlainView(stream, clock=lambda: "12:10:00", **options)


def test_a_line():
    """One line tells where the run is."""
    assert progress(snapshot()) == (
        "1,204/20,000 (6 %)  183/s  ETA 1:42  in flight 32/32  ok 1,180  http_error 20  failed 4  41.2 MB"
    )
    assert progress(snapshot(reading=True, parked=2, outcomes={}, eta=None)) == (
        "1,204  reading the list, 20,000 so far  183/s  in flight 32/32  parked 2  41.2 MB"
    )


def test_a_line_every_ten_seconds():
    """However often it is shown a snapshot, it writes one line in each ten seconds of the run."""
    stream = io.StringIO()
    plain = view(stream)
    for tenth in range(315):
        plain.show(snapshot(elapsed=tenth / 10, done=tenth))
    lines = stream.getvalue().splitlines()
    assert [line.split()[:2] for line in lines] == [["12:10:00", f"{done}/20,000"] for done in (100, 200, 300)]


def test_a_pause_is_not_made_up_for():
    """After a minute without a snapshot there is one line, not six."""
    stream = io.StringIO()
    plain = view(stream)
    for elapsed in (9.0, 71.0, 72.0, 79.9, 80.0):
        plain.show(snapshot(elapsed=elapsed))
    assert len(stream.getvalue().splitlines()) == 2


def test_a_stop_is_reported_once():
    """When the run begins to stop, the next line says what it waits for."""
    stream = io.StringIO()
    plain = view(stream)
    for _ in range(3):
        plain.show(snapshot(grace=5.0, busy=1))
    assert stream.getvalue() == "stopping: waiting for 1 request, up to 5 s; press Ctrl-C again to stop now\n"


def test_a_stop_with_nothing_in_flight_waits_for_no_requests():
    """It is what came that is written then."""
    assert stopping(snapshot(grace=4.5, busy=0)) == (
        "stopping: finishing received responses, up to 5 s; press Ctrl-C again to stop now"
    )


def test_notes_and_the_summary():
    """A note is one safe line, and the summary comes last."""
    stream = io.StringIO()
    plain = view(stream)
    plain.note(f"robots.txt of {HOSTILE} is odd")
    plain.close(snapshot())
    note, _, rest = stream.getvalue().partition("\n")
    assert note == r"robots.txt of \x1b]0;owned\x07\x1b[2J\u202e[red]evil\r\n\x9b31m is odd"
    assert rest == summary_text(snapshot(), 80)


class BrokenStream(io.StringIO):
    """A standard error whose disk is full."""

    def write(self, text):
        raise OSError(28, "No space left on device")


def closed_stream():
    """A standard error that was closed."""
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("make", [BrokenStream, closed_stream])
def test_a_broken_standard_error_costs_the_display_only(make):
    """Nothing that goes wrong with standard error reaches the run."""
    plain = view(make(), every=1.0)
    plain.note("hello")
    plain.show(snapshot(elapsed=20.0))
    plain.close(snapshot())


def test_a_stuck_standard_error_costs_lines_only():
    """While nobody reads standard error, lines are dropped and the run is not held up."""
    read_end, write_end = os.pipe()
    with os.fdopen(write_end, "w") as stream:
        plain = view(stream)
        for _ in range(2000):
            plain.note("x" * 99)
        assert os.read(read_end, 100) == b"x" * 99 + b"\n"
    os.close(read_end)


def test_what_the_encoding_has_not_is_escaped(tmp_path):
    """A note in another script does not break a log in ASCII."""
    path = tmp_path / "log"
    with path.open("w", encoding="ascii") as stream:
        view(stream).note("caf\u00e9 \u65e5")
    assert path.read_bytes() == rb"caf\xe9 \u65e5" + b"\n"


class Terminal(io.StringIO):
    """Says that it is a terminal."""

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("settings", "stream", "term", "kind"),
    [
        (DisplaySettings(), Terminal, "xterm-256color", "LiveView"),
        (DisplaySettings(), Terminal, "dumb", "PlainView"),
        (DisplaySettings(), io.StringIO, "xterm-256color", "PlainView"),
        (DisplaySettings(progress="live"), io.StringIO, "xterm-256color", "LiveView"),
        (DisplaySettings(progress="plain"), Terminal, "xterm-256color", "PlainView"),
        (DisplaySettings(progress="none"), Terminal, "xterm-256color", "PlainView"),
        (DisplaySettings(quiet=True, progress="live"), Terminal, "xterm-256color", "NoView"),
    ],
)
def test_the_view_follows_settings_and_terminal(settings, stream, term, kind, monkeypatch):
    """auto is live on a terminal that can move its cursor; what is asked for is given; quiet wins."""
    monkeypatch.setenv("TERM", term)
    assert type(view_for(settings, stream())).__name__ == kind


def test_records_on_the_terminal_make_auto_plain(monkeypatch):
    """A live display would be torn apart by records that scroll over the same terminal."""
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(view_for(DisplaySettings(), Terminal(), records_on_terminal=True), PlainView)


def test_none_shows_no_progress_but_the_summary():
    """--progress none is silent on the way, and sums up at the end; -q is silent altogether."""
    stream = io.StringIO()
    silent = view_for(DisplaySettings(progress="none"), stream)
    silent.show(snapshot(elapsed=1e9))
    assert stream.getvalue() == ""
    silent.close(snapshot())
    assert stream.getvalue() == summary_text(snapshot())
    assert isinstance(view_for(DisplaySettings(quiet=True), stream), NoView)


def test_plain_does_not_import_rich():
    """A run without a live display does not pay for Rich."""
    program = (
        "import sys; from scrapepool.render.choose import view_for; from scrapepool.settings import DisplaySettings;"
        "view_for(DisplaySettings(), sys.stderr); sys.exit('rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], stderr=subprocess.PIPE, check=False).returncode == 0


def test_a_line_says_who_decides_how_long_it_takes_and_what_would_help():
    """The ETA with its reason, and what would make use of idle workers."""
    why = "example.org: 1,204 left at 1 per 2 s"
    hint = "52 of 64 workers are idle: a higher --per-host would use them"
    line = progress(snapshot(eta=2408.0, eta_reason=why, hint=hint))
    assert f"  ETA 40:08, decided by {why}  in flight " in line
    assert line.endswith(f"  {hint}")
