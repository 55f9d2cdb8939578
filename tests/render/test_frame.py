import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from render_cases import HOSTILE, SNAPSHOTS, row, snapshot
from rich.cells import cell_len

from scrapepool.model import HostKey
from scrapepool.ports import Example
from scrapepool.render.frame import frame, last_top
from scrapepool.render.keys.view_state import Page, ViewState
from scrapepool.render.screenshot import svg

HOST = HostKey("https", "host-0.example.org", 443)
STATES = st.none() | st.builds(
    ViewState, page=st.sampled_from(Page), typed=st.booleans(), chosen=st.none() | st.just(HOST), top=st.integers(0, 3)
)


def plain(lines):
    """The lines' text."""
    return [line.plain for line in lines]


def test_a_frame():
    """At a common size the display has progress, counts, and every column of every host."""
    lines = plain(frame(snapshot(2, parked=3), 120, 40))
    assert lines[0].endswith(
        "1,204/20,000    6 %    183/s      0 B/s  ETA    1:42  in flight 32/32  0:07 elapsed  41.2 MB"
    )
    assert len(lines[0]) == 120
    assert lines[1] == "ok 1,180  http_error 20  failed 4  parked 3  41 connections  96 % reuse"
    assert lines[2] == "http_4xx 20  read_timeout 3  dns 1"
    assert lines[3] == ""
    assert lines[4].split()[:2] == ["host", "done"]
    assert lines[5].split() == ["host-0.example.org", "7/1,000", "3/4", "96", "%", "88", "·", "·", "·", "ok"]
    assert len(lines) == 7


@pytest.mark.slow
@given(SNAPSHOTS, st.integers(1, 130), st.integers(1, 30), st.none() | st.floats(0, 5), st.booleans(), STATES)
@settings(max_examples=100, deadline=None)
def test_no_frame_is_larger_than_the_terminal(seen, width, height, left, ascii_only, state):
    """Whatever the run and the terminal, a frame fits and holds nothing that acts."""
    seen = dataclasses.replace(seen, grace=left, examples=(Example(HOSTILE, HOST, HOSTILE, HOSTILE),))
    lines = frame(seen, width, height, ascii_only=ascii_only, state=state, step=HOSTILE)
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


def test_without_line_drawing():
    """A terminal whose encoding has no lines and dots gets ASCII."""
    lines = plain(frame(snapshot(300, grace=1.0), 60, 20, ascii_only=True))
    assert all(line.isascii() for line in lines)
    assert lines[0].startswith("#")


def test_a_screenshot_is_reproducible_and_safe():
    """The same snapshot makes the same SVG, well-formed even with a hostile host name."""
    from xml.etree import ElementTree

    seen = snapshot([row(), row(host=HostKey("https", HOSTILE + "<&>", 443))])
    picture = svg(seen, 100, 20, title="scrapepool fetch <urls>")
    assert ElementTree.fromstring(picture).tag.endswith("svg")
    assert picture == svg(seen, 100, 20, title="scrapepool fetch <urls>")


def test_each_page_has_its_text_and_its_keys():
    """Errors come with examples, a host with its failures, and the last line names the keys that do something."""
    example = Example("dns", HOST, "https://host-0.example.org/a", "no such host")
    seen = snapshot([row(held_up="host-0 gets no requests", delay=0.5), row(1)], examples=(example,))

    def shown(page, **changes):
        return plain(frame(seen, 100, 24, state=ViewState(page=page, **changes)))

    assert shown(Page.RUN)[-1].startswith("? help  p pause  q stop  + - workers  s by activity  / filter")
    errors = shown(Page.ERRORS)
    assert [line.strip() for line in errors[1:4]] == ["20  http_4xx", "3  read_timeout", "1  dns"]
    assert errors[4].strip() == "https://host-0.example.org/a  no such host"
    host = "\n".join(shown(Page.HOST, chosen=HOST))
    assert "host-0.example.org" in host
    assert "7 of 1,000, 993 left" in host
    assert "host-0 gets no requests" in host
    assert "0.5 s between two requests" in host
    assert "dns  https://host-0.example.org/a  no such host" in host
    assert "not among the listed hosts" in "\n".join(shown(Page.HOST, chosen=HostKey("https", "b", 443)))
    assert any(line.startswith("Ctrl-Z") for line in shown(Page.HELP))
    assert len([line for line in shown(Page.HOSTS) if line.startswith("host-")]) == 2
    assert shown(Page.RUN, typed=True, containing="exa")[-1].startswith("/exa_  0 hosts  Enter: keep")
    assert plain(frame(snapshot(errors={}), 80, 9, state=ViewState(page=Page.ERRORS)))[1] == "no errors so far"


def test_a_page_scrolls_to_its_end_and_no_further():
    """The last line of the help is on the screen when it is scrolled down."""
    state = ViewState(page=Page.HELP)
    end = last_top(snapshot(), state, 6)
    assert end > 0
    lines = plain(frame(snapshot(), 80, 8, state=dataclasses.replace(state, top=end)))
    assert lines[-2].startswith("?")
    assert last_top(snapshot(), state, 100) == 0


def test_a_pause_and_a_step_are_shown():
    """The ETA gives way to the pause; a step has a line of its own."""
    lines = plain(frame(snapshot(paused=True, eta=None), 100, 20, state=ViewState(), step="writing out.parquet"))
    assert "paused  in flight" in lines[0]
    assert "ETA" not in lines[0]
    assert lines[3] == "paused: nothing new begins; p goes on"
    assert lines[-2] == "writing out.parquet"
    assert "p go on" in lines[-1]


@pytest.mark.parametrize("width", [80, 100, 120])
def test_nothing_moves_from_one_frame_to_the_next(width):
    """Whatever hosts are shown and however the figures change, columns and figures stay where they are."""
    calm = snapshot([row(number) for number in range(3)], rate=3.2, byte_rate=10, busy=1, eta=9.0)
    busy = snapshot(
        [
            row(3, state="circuit open", until=12.0, delay=0.074, errors=12_345, done=1234, total=9999, p95=31.204),
            row(4, robots="unreachable"),
        ],
        rate=1234.0,
        byte_rate=41_200_000,
        eta=3723.0,
        errors={},
        host_count=9,
    )
    first, second = plain(frame(calm, width, 24)), plain(frame(busy, width, 24))
    assert first[4] == second[4]
    assert first[0].index("in flight") == second[0].index("in flight")
    assert second[5].index("circuit open 0:12") == first[4].index("state")
