import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.model import HostKey
from scrapepool.render.keys.decoder import Key
from scrapepool.render.keys.view_state import (
    LONGEST_FILTER,
    Command,
    Page,
    ViewState,
    changed_workers,
    press,
)
from scrapepool.schedule.forecast.host_query import HostOrder, HostQuery

HOSTS = [HostKey("https", f"h{number}.test", 443) for number in range(30)]


def after(*keys, state=None, hosts=HOSTS, last_top=0):
    """The state after some keys, and the commands that they gave."""
    state, commands = state or ViewState(), []
    for key in keys:
        state, command = press(state, key, hosts, 10, last_top)
        commands += [] if command is None else [command]
    return state, commands


@pytest.mark.parametrize(
    ("key", "command"),
    [("p", Command.PAUSE), (" ", Command.PAUSE), ("+", Command.MORE), ("-", Command.FEWER), ("q", Command.STOP)],
)
def test_commands(key, command):
    """A command changes nothing of what is seen."""
    assert after(key) == (ViewState(), [command])


def test_q_leaves_another_page_and_stops_nothing():
    """A pager does the same; on the first page, the key stops the run."""
    for page in "he?":
        state, commands = after(page, "q")
        assert (state.page, commands) == (Page.RUN, [])


def test_pages_open_and_close():
    """The key of a page closes it again, and Escape goes back to where the page of a host was opened."""
    assert after("h")[0].page is Page.HOSTS
    assert after("h", "h")[0].page is Page.RUN
    assert after("h", "e")[0].page is Page.ERRORS
    state = after("h", "j", "j", Key.ENTER)[0]
    assert (state.page, state.chosen) == (Page.HOST, HOSTS[1])
    assert after(Key.ESCAPE, state=state)[0].page is Page.HOSTS
    assert after(Key.ENTER)[0].chosen == HOSTS[0]
    assert after(Key.ENTER, hosts=[])[0].page is Page.RUN


def test_the_filter_is_typed():
    """Keys are characters while it is; Enter keeps it, Escape lists all hosts again."""
    state, commands = after("/", "q", "P", "x", Key.BACKSPACE, Key.UP)
    assert (state.containing, state.typed, commands) == ("qp", True, [])
    assert state.query == HostQuery(HostOrder.ACTIVITY, "qp")
    kept = after(Key.ENTER, state=state)[0]
    assert (kept.containing, kept.typed) == ("qp", False)
    assert after(Key.ESCAPE, state=kept)[0].containing == ""
    assert after(Key.ESCAPE, state=state)[0] == ViewState()
    assert after(Key.CLEAR, state=state)[0].containing == ""
    assert after("e", "/")[0].page is Page.HOSTS
    assert len(after("/", *"a" * 200)[0].containing) == LONGEST_FILTER


def test_hosts_are_sorted_in_turn():
    """After the last order comes the first."""
    state, seen = ViewState(), []
    for _ in HostOrder:
        state = after("s", state=state)[0]
        seen.append(state.order)
    assert seen == [*list(HostOrder)[1:], HostOrder.ACTIVITY]


def test_the_cursor_moves_within_the_table():
    """It moves by one line or by a screenful, and never over an end."""
    moves = {"j": 1, "k": 0, Key.DOWN: 1, Key.PAGE_DOWN: 9, Key.END: 29, "G": 29, Key.HOME: 0, Key.UP: 0}
    start = after("j")[0]
    assert start.chosen == HOSTS[0]
    for key, place in moves.items():
        assert after(key, state=start)[0].chosen == HOSTS[place]
    assert after(Key.PAGE_DOWN, Key.PAGE_DOWN, Key.PAGE_UP, state=start)[0].chosen == HOSTS[9]
    assert after(Key.END)[0].chosen == HOSTS[29]
    assert after("j", hosts=[])[0].chosen is None


def test_other_pages_scroll():
    """They scroll between their first line and their last."""
    assert after("?", "j", "j", last_top=5)[0].top == 2
    assert after("?", Key.END, "k", last_top=5)[0].top == 4
    assert after("?", "k")[0].top == 0


@given(st.integers(1, 10_000), st.sampled_from([Command.MORE, Command.FEWER]), st.integers(1, 10_000))
def test_workers_stay_in_their_bounds(workers, command, most):
    """They change by one if they are few, and by a tenth if they are many."""
    changed = changed_workers(workers, command, most)
    assert 1 <= changed <= most
    if most >= workers <= 20:
        assert abs(changed - workers) <= 1


@given(st.lists(st.sampled_from(["h", "e", "?", "s", "/", "q", "a", *Key])))
def test_no_row_of_keys_is_an_error(keys):
    """Only the documented keys give a command."""
    state, commands = after(*keys)
    assert set(commands) <= {Command.STOP}
    assert isinstance(state, ViewState)
