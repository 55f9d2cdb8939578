import io
import os
import pty
import re
import sys
import threading
import time

import pytest
from render_cases import HOSTILE, Screen, row, snapshot
from rich.console import Console
from rich.control import strip_control_codes

from scrapepool.model import HostKey
from scrapepool.ports import Controls
from scrapepool.ports.controls import MOST_ROWS, USUAL_ROWS
from scrapepool.render import live
from scrapepool.render.keys.decoder import Key
from scrapepool.render.live import INTERVAL, LiveView, coloured_summary
from scrapepool.render.region import Region, terminal
from scrapepool.render.stderr import Stderr
from scrapepool.render.summary import summary_text
from scrapepool.schedule.forecast.host_query import HostQuery


class Terminal(io.StringIO):
    """A standard error that feeds a Screen."""

    def __init__(self, screen):
        super().__init__()
        self._screen = screen

    def write(self, text):
        self._screen.feed(text)
        return super().write(text)


def console_on(screen):
    """A console that draws on the screen, and believes in its size."""
    console = Console(
        file=Stderr(Terminal(screen), synchronized=True), force_terminal=True, color_system="256", _environ={}
    )
    console.size = (screen.width, screen.height)
    return console


@pytest.mark.parametrize(("width", "height"), [(120, 40), (80, 24), (40, 8), (30, 4), (12, 2)])
def test_redrawing_never_scrolls(width, height):
    """Frame after frame stands in the same place below what was there, and is gone at the end."""
    screen = Screen(width, height)
    screen.feed("$ scrapepool\n")
    with Region(console_on(screen)) as region:
        for done in (1, 5, 20, 300):
            region.draw(snapshot(done, done=done, errors={} if done < 5 else {"dns": 1}), [])
            assert screen.rows[0] == "$ scrapepool"
            assert sum("/20,000" in line for line in screen.rows) == 1
            assert len(screen.rows) <= height
    assert screen.lines == ["$ scrapepool"]


def test_notes_stand_above():
    """A note scrolls away upwards; the region stays below it, once."""
    screen = Screen(100, 12)
    with Region(console_on(screen)) as region:
        for number in range(20):
            region.draw(snapshot(30), [f"note {number} [red]as it is[/red]"])
        assert screen.lines[:20] == [f"note {number} [red]as it is[/red]" for number in range(20)]
        assert sum("/20,000" in line for line in screen.rows) == 1


@pytest.mark.parametrize("widths", [(120, 60, 40), (40, 120, 41), (100, 99, 98, 97), (120, 13)])
def test_resizing_leaves_nothing_behind(widths):
    """When the terminal wraps the old frame's lines, the next frame still replaces all of it."""
    screen = Screen(widths[0], 60)
    screen.feed("$ scrapepool\n")
    console = console_on(screen)
    with Region(console) as region:
        for width in widths:
            screen.resize(width)
            console.size = (width, 60)
            region.draw(snapshot(5), [])
            assert screen.lines[0] == "$ scrapepool"[:width]
            assert sum("1,204/20,000" in line for line in screen.rows) == 1
            assert sum(line.startswith("host-4") for line in screen.rows) == 1
        screen.resize(widths[-1] - 1)
        console.size = (widths[-1] - 1, 60)
    assert "host" not in "".join(screen.rows)


def test_the_stop_counts_down():
    """The seconds that a stop still waits are on the screen, rounded up."""
    screen = Screen(100, 20)
    with Region(console_on(screen)) as region:
        for grace, left in ((5.0, "5 s"), (3.5, "4 s"), (0.0, "0 s")):
            region.draw(snapshot(2, grace=grace), [])
            assert f"up to {left}" in screen.lines[-1]


def test_a_whole_run():
    """After the close, the notes and the summary are left on the screen."""
    screen = Screen(100, 20)
    view = LiveView(console_on(screen), interval=0.001)
    view.note(f"first {HOSTILE}")
    for done in range(50):
        view.show(snapshot(30, done=done))
    view.note("last")
    view.close(snapshot())
    view.note("too late")
    view.show(snapshot())
    notes = [r"first \x1b]0;owned\x07\x1b[2J\u202e[red]evil\r\n\x9b31m", "last"]
    assert [line for line in screen.lines if line] == [*notes, *summary_text(snapshot(), 100).splitlines()]


def test_a_run_that_ends_before_it_is_shown():
    """A run of no time leaves the summary and starts no thread."""
    screen = Screen(80, 24)
    LiveView(console_on(screen)).close(snapshot())
    assert screen.lines == summary_text(snapshot(), 80).splitlines()


class StuckTerminal(io.StringIO):
    """A terminal that takes nothing until ``let_go`` is set."""

    def __init__(self):
        super().__init__()
        self.reached = threading.Event()
        self.let_go = threading.Event()

    def write(self, text):
        self.reached.set()
        self.let_go.wait()
        return super().write(text)


def test_a_stuck_terminal_does_not_hold_the_run_up(monkeypatch):
    """show, note and close return although the terminal takes nothing."""
    monkeypatch.setattr(live, "_CLOSE_TIMEOUT", 0.01)
    stuck = StuckTerminal()
    view = LiveView(Console(file=stuck, force_terminal=True, width=80, height=24, _environ={}))
    try:
        view.show(snapshot())
        assert stuck.reached.wait(10)
        view.show(snapshot())
        view.note("hello")
        view.close(snapshot())
        assert "outcomes" not in stuck.getvalue()
    finally:
        stuck.let_go.set()
        view._thread.join()


def test_the_coloured_summary_is_the_summary():
    """Colours change no character, and outcomes have theirs."""
    text = coloured_summary(snapshot(), 80)
    assert text.plain == summary_text(snapshot(), 80)
    assert {"green", "yellow", "red", "bold"} <= {str(span.style) for span in text.spans}


def test_no_colour_when_asked(monkeypatch):
    """NO_COLOR leaves no colour codes, only bold and dim."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    out = io.StringIO()
    with Region(terminal(out)) as region:
        region.draw(snapshot(), [])
    codes = {code for group in re.findall(r"\x1b\[([\d;]*)m", out.getvalue()) for code in group.split(";")}
    assert codes <= {"0", "1", "2"}


def test_nothing_from_a_url_reaches_the_terminal():
    """On a real terminal, a hostile host name and a hostile note leave no control behind but the display's own."""
    reader, writer = pty.openpty()
    received = []

    def read():
        while True:
            try:
                piece = os.read(reader, 65536)
            except OSError:  # the other end is closed
                return
            received.append(piece)

    thread = threading.Thread(target=read)
    thread.start()
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        view = LiveView(terminal(stream), interval=0.001)
        view.show(snapshot([row(host=HostKey("https", HOSTILE, 443))]))
        view.note(HOSTILE)
        view.close(snapshot([row(host=HostKey("https", HOSTILE, 443))]))
    thread.join()
    os.close(reader)
    text = b"".join(received).decode()
    assert "owned" in text
    Screen(10_000, 10_000).feed(text)  # refuses every control that no redraw needs
    assert strip_control_codes(HOSTILE) not in text
    assert "\u202e" not in text


def test_standard_error_is_given_back():
    """While the region is up, stray writes to standard error appear above it; afterwards it is as it was."""
    before = sys.stderr
    screen = Screen(100, 20)
    with Region(console_on(screen)) as region:
        region.draw(snapshot(2), [])
        sys.stderr.write("a stray warning\n")
        region.draw(snapshot(2), [])
        assert screen.lines[0] == "a stray warning"
    assert sys.stderr is before


def live_on(screen):
    """A view that takes keys, and its controls."""
    view, controls = LiveView(console_on(screen), interval=0.001), Controls(most_workers=40)
    view.press("p")
    assert not controls.paused, "no keys before it may be steered"
    view.steer(controls)
    view.press("p")
    assert not controls.paused, "no keys before there is something to see"
    return view, controls


def test_keys_change_the_run():
    """Each command reaches the controls, and the hosts that are wanted follow what is looked at."""
    stopped, woken = [], []
    view, controls = live_on(Screen(100, 30))
    controls.stop = lambda: stopped.append(True)
    view.press("q")
    assert stopped.pop(), "a run can be stopped while it reads earlier records"
    controls.stop, controls.wake = lambda: stopped.append(True), lambda: woken.append(True)
    view.show(snapshot(3, workers=32))
    for key in "p+-+":
        view.press(key)
    assert (controls.paused, controls.workers) == (True, 35)
    view.press("p")
    for key in ("h", "/", "h", "o"):
        view.press(key)
    assert (controls.paused, controls.rows, controls.query.containing) == (False, MOST_ROWS, "ho")
    for key in (Key.ESCAPE, "q", "q"):
        view.press(key)
    assert (controls.rows, controls.query) == (USUAL_ROWS, HostQuery())
    assert stopped == [True]
    assert len(woken) == 12
    assert view.interval < INTERVAL
    view.close(None)


def await_screen(screen, wanted):
    """Wait until a line is on the screen."""
    deadline = time.monotonic() + 20
    while not any(wanted(line) for line in screen.rows):
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_the_page_of_a_key_is_drawn_at_once():
    """It needs no further snapshot, however seldom frames are drawn."""
    screen = Screen(100, 30)
    view, _ = live_on(screen)
    view._frame_rate.interval = 100.0
    view.show(snapshot(3))
    await_screen(screen, lambda line: line.startswith("? help"))
    view.press("?")
    await_screen(screen, lambda line: line.startswith("Ctrl-Z"))
    view.close(None)


def test_the_terminal_is_left_for_a_while():
    """After ``suspend`` nothing of the region is there, and no note either; ``resume`` shows both."""
    screen = Screen(100, 30)
    view = LiveView(console_on(screen), interval=0.001)
    view.suspend()
    view.resume()
    view.show(snapshot(3))
    await_screen(screen, lambda line: "/20,000" in line)
    view.suspend()
    assert screen.lines == [""]
    view.note("while away")
    view.resume()
    await_screen(screen, lambda line: "/20,000" in line)
    await_screen(screen, lambda line: line == "while away")
    view.suspend()
    view.note("at the end")
    view.close(None)
    assert [line for line in screen.lines if line] == ["while away"]


def test_a_job_in_the_background_draws_nothing_but_notes():
    """It draws again when the shell gives it the terminal."""
    screen = Screen(100, 30)
    console = console_on(screen)
    background = threading.Event()
    background.set()
    console.file.in_background = background.is_set
    view = LiveView(console, interval=0.001)
    view.show(snapshot(3))
    view.note("a note")
    await_screen(screen, lambda line: line == "a note")
    assert screen.lines == ["a note"]
    background.clear()
    await_screen(screen, lambda line: "/20,000" in line)
    view.close(None)
    assert screen.lines == ["a note"]


def test_a_step_is_shown_alone_before_the_run():
    """The screen is not blank while earlier records are read."""
    screen = Screen(60, 20)
    view = LiveView(console_on(screen), interval=0.001)
    view.step("reading out.jsonl: 1,000 records", 2.0)
    await_screen(screen, lambda line: line == "reading out.jsonl: 1,000 records")
    view.step(None, 3.0)
    view.close(None)
    assert screen.lines == [""]
