import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from render_cases import HOSTILE, SNAPSHOTS, row, snapshot
from rich.cells import cell_len

from scrapepool.model import HostKey
from scrapepool.render.screenshot import svg
from scrapepool.render.tables import bar, errors_line, frame, hosts_table, outcomes_line, progress_line, stopping_line


def plain(lines):
    """The lines' text."""
    return [line.plain for line in lines]


def test_a_frame():
    """At a common size the display has progress, counts, and every column of every host."""
    lines = plain(frame(snapshot(2, parked=3), 120, 40))
    assert lines[0].endswith("1,204/20,000  6 %  183/s  ETA 1:42  in flight 32/32  0:07 elapsed  41.2 MB")
    assert len(lines[0]) == 120
    assert lines[1] == "ok 1,180  http_error 20  failed 4  parked 3  41 connections  96 % reuse"
    assert lines[2] == "http_4xx 20  read_timeout 3  dns 1"
    assert lines[3].split("  ")[0] == "host"
    assert lines[4].split() == ["host-0.example.org", "7/1,000", "3/4", "4", "1", "96", "%", "23", "88", "·", "ok"]
    assert len(lines) == 6


@pytest.mark.slow
@given(SNAPSHOTS, st.integers(1, 130), st.integers(1, 30), st.none() | st.floats(0, 5), st.booleans())
@settings(max_examples=300, deadline=None)
def test_no_frame_is_larger_than_the_terminal(seen, width, height, left, ascii_only):
    """Whatever the run and the terminal, a frame fits and holds nothing that acts."""
    lines = frame(dataclasses.replace(seen, grace=left), width, height, ascii_only=ascii_only)
    assert 1 <= len(lines) <= height
    for line in lines:
        assert cell_len(line.plain) <= width
        assert not set(line.plain) & {chr(code) for code in (*range(32), *range(0x7F, 0xA0), 0x202E, 0x2028)}


@pytest.mark.parametrize("size", [(40, 8), (40, 2), (20, 3), (80, 24), (200, 60)])
def test_the_state_of_the_run_survives_any_size(size):
    """The count of what is done is on the screen at every size, and the stop message at the bottom."""
    lines = plain(frame(snapshot(300, grace=4.0), *size))
    assert "1,204/20,000" in lines[0]
    assert lines[-1].startswith("stopping")


def test_narrow_tables_keep_what_matters():
    """Columns give way by rank: a narrow table has hosts, what is done and the state."""
    header = plain(hosts_table(snapshot(3), 40, 10))[0]
    assert header.split() == ["host", "done", "errors", "state"]
    assert plain(hosts_table(snapshot(3), 24, 10))[0].split() == ["host", "state"]


def test_no_table_where_no_host_fits():
    """A header without a host tells nothing."""
    assert hosts_table(snapshot(3), 80, 2) == []
    assert hosts_table(snapshot(0), 80, 20) == []
    assert hosts_table(snapshot(1), 80, 2) != []


@pytest.mark.parametrize(
    ("hosts", "count", "height", "shown", "more"),
    [
        (300, 300, 14, 12, "… and 288 more hosts"),
        (13, 13, 14, 13, None),
        (14, 14, 14, 12, "… and 2 more hosts"),
        (3, 10_000, 14, 3, "… and 9,997 more hosts"),
        (13, 14, 14, 12, "… and 2 more hosts"),
        (2, 3, 14, 2, "… and 1 more host"),
    ],
)
def test_hosts_that_do_not_fit_are_counted(hosts, count, height, shown, more):
    """The table is as high as the room allows, and its last line says how many hosts it leaves out."""
    lines = plain(hosts_table(snapshot(hosts, host_count=count), 120, height))
    assert sum(line.startswith("host-") for line in lines) == shown
    assert lines[-1] == more if more else lines[-1].startswith("host-")


def test_hostile_names_are_text():
    """Controls in a host name are spelt out, and markup in it stays text without a style."""
    hostile = row(host=HostKey("https", HOSTILE, 443))
    line = hosts_table(snapshot([hostile]), 200, 5)[1]
    assert line.plain.startswith(r"\x1b]0;owned\x07\x1b[2J\u202e[red]evil\r\n\x9b31m")
    assert "red" not in {str(span.style) for span in line.spans}


def test_long_names_are_cut_in_the_middle():
    """Both ends of a name stay, and the table stays straight."""
    long = row(host=HostKey("https", "a" * 60 + ".example.org", 8443))
    lines = plain(hosts_table(snapshot([row(), long]), 100, 5))
    assert lines[2].startswith("aaaa")
    assert ".org:8443  " in lines[2]
    assert lines[0].index("state") == lines[1].index("ok") == lines[2].index("ok")


@pytest.mark.parametrize(
    ("state", "until", "text"),
    [("waiting", 4.2, "waiting 0:05"), ("parked", 41.0, "parked 0:41"), ("given up", None, "given up")],
)
def test_states_tell_how_long(state, until, text):
    """A host that waits shows how long it still will."""
    assert plain(hosts_table(snapshot([row(state=state, until=until)]), 120, 5))[1].endswith(f"  {text}")


def test_what_robots_and_delays_do_is_shown_where_there_is_any():
    """Two columns more, in colours of their own; neither where no host has anything to put there."""
    polite = [row(robots="ok"), row(robots="disallow 3", delay=2.0), row(robots="unreachable")]
    header, first, second, third = hosts_table(snapshot(polite), 130, 9)
    assert "  delay  robots       errors  state" in header.plain
    assert "  2.0 s  disallow 3        ·  ok" in second.plain
    assert len({line.plain.rindex("ok") for line in (first, second, third)}) == 1
    style = {line.plain[span.start : span.end]: str(span.style) for line in (second, third) for span in line.spans}
    assert (style["disallow 3"], style["unreachable"]) == ("yellow", "red")
    bare = hosts_table(snapshot(3), 130, 9)[0].plain
    assert "robots" not in bare
    assert "delay" not in bare


def test_errors_of_a_host_stand_out():
    """A host with errors has their number in red."""
    line = hosts_table(snapshot([row(errors=12)]), 120, 5)[1]
    assert [str(span.style) for span in line.spans if line.plain[span.start : span.end].strip() == "12"] == ["red"]


def test_while_the_list_is_read():
    """The total is not known yet: the line says how many there are so far, and the bar's block wanders."""
    reading = snapshot(reading=True, total=1_204_000, eta=None)
    assert "1,204  reading the list, 1,204,000 so far  183/s" in progress_line(reading, 100).plain
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


def test_without_line_drawing():
    """A terminal whose encoding has no lines and dots gets ASCII."""
    lines = plain(frame(snapshot(300, grace=1.0), 60, 20, ascii_only=True))
    assert all(line.isascii() for line in lines)
    assert lines[0].startswith("#")


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


def test_a_screenshot_is_reproducible_and_safe():
    """The same snapshot makes the same SVG, well-formed even with a hostile host name."""
    from xml.etree import ElementTree

    seen = snapshot([row(), row(host=HostKey("https", HOSTILE + "<&>", 443))])
    picture = svg(seen, 100, 20, title="scrapepool fetch <urls>")
    assert ElementTree.fromstring(picture).tag.endswith("svg")
    assert picture == svg(seen, 100, 20, title="scrapepool fetch <urls>")
