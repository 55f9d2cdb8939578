"""What a person looks at in the live view, and what each key makes of it.

Decides the meaning of every key. Pure: a state and a key give the next state, and perhaps a command for the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from ...frozen import frozen
from ...model import HostKey
from ...schedule.forecast.host_query import HostOrder, HostQuery
from .decoder import Key

LONGEST_FILTER = 80
"""Characters of a filter; a host name has at most 253, and nobody types as many."""

LARGEST_SINGLE_STEP = 20
"""Workers up to which a key changes them by one; above, by a tenth."""


class Page(StrEnum):
    """What the view shows."""

    RUN = "run"
    HOSTS = "hosts"
    HOST = "host"
    ERRORS = "errors"
    HELP = "help"


class Command(StrEnum):
    """What a key asks of the run."""

    PAUSE = "pause"
    MORE = "more workers"
    FEWER = "fewer workers"
    STOP = "stop"


@frozen
class ViewState:
    """What is shown.

    page: see its type. before: the page to which Escape returns from the page of a host.
    order, containing: which hosts are listed. typed: whether the filter is being typed.
    chosen: the host with the cursor, None before a key moved it. top: first line of a page that scrolls.
    """

    page: Page = Page.RUN
    before: Page = Page.RUN
    order: HostOrder = HostOrder.ACTIVITY
    containing: str = ""
    typed: bool = False
    chosen: HostKey | None = None
    top: int = 0

    @property
    def query(self) -> HostQuery:
        """The hosts that the snapshots should list."""
        return HostQuery(self.order, self.containing)

    @property
    def lists_hosts(self) -> bool:
        """Whether the page has a table of hosts, with a cursor."""
        return self.page in (Page.RUN, Page.HOSTS)


Pressed = tuple[ViewState, Command | None]

_COMMANDS = {
    "p": Command.PAUSE,
    " ": Command.PAUSE,
    "+": Command.MORE,
    "=": Command.MORE,
    "-": Command.FEWER,
    "_": Command.FEWER,
}
_PAGES = {"h": Page.HOSTS, "e": Page.ERRORS, "?": Page.HELP}
_MOVES = {"j": Key.DOWN, "k": Key.UP, "g": Key.HOME, "G": Key.END}


def press(state: ViewState, key: str, hosts: Sequence[HostKey], lines: int, last_top: int = 0) -> Pressed:
    """Return the state after a key, and the command that it gives.

    hosts: the hosts that are listed, in order. lines: lines that fit on the screen. last_top: the
    first line when the end of the page is shown.
    """
    if not state.typed and (command := _COMMANDS.get(key)) is not None:
        return state, command
    if not state.typed and key == "q" and state.page is Page.RUN:
        return state, Command.STOP
    return _shown(state, key, hosts, lines, last_top), None


def changed_workers(workers: int, command: Command, most: int) -> int:
    """Return the number of workers after a command."""
    step = max(1, workers // 10) if workers > LARGEST_SINGLE_STEP else 1
    return max(1, min(most, workers + step if command is Command.MORE else workers - step))


def _shown(state: ViewState, key: str, hosts: Sequence[HostKey], lines: int, last_top: int) -> ViewState:
    """Return the state after a key that gives no command."""
    if state.typed:
        state = _typed(state, key)
    elif (page := _PAGES.get(key)) is not None:
        state = replace(state, page=Page.RUN if state.page is page else page, top=0)
    elif key == "s":
        orders = list(HostOrder)
        order = orders[(orders.index(state.order) + 1) % len(orders)]
        state = replace(state, order=order, chosen=None)
    elif key == "/":
        page = state.page if state.lists_hosts else Page.HOSTS
        state = replace(state, page=page, typed=True, containing="", chosen=None)
    elif key == Key.ENTER and state.lists_hosts and hosts:
        chosen = state.chosen if state.chosen in hosts else hosts[0]
        state = replace(state, page=Page.HOST, before=state.page, chosen=chosen, top=0)
    elif key in (Key.ESCAPE, "q"):
        state = _left(state)
    else:
        state = _moved(state, _MOVES.get(key, key), hosts, lines, last_top)
    return state


def _typed(state: ViewState, key: str) -> ViewState:
    match key:
        case Key.ENTER:
            return replace(state, typed=False)
        case Key.ESCAPE:
            return replace(state, typed=False, containing="")
        case Key.BACKSPACE:
            return replace(state, containing=state.containing[:-1])
        case Key.CLEAR:
            return replace(state, containing="")
        case _ if len(key) == 1 and len(state.containing) < LONGEST_FILTER:
            return replace(state, containing=state.containing + key.lower())
    return state


def _left(state: ViewState) -> ViewState:
    """Leave a page; on the first one, leave the filter and the cursor."""
    match state.page:
        case Page.RUN:
            return replace(state, containing="", chosen=None)
        case Page.HOST:
            return replace(state, page=state.before, top=0)
        case _:
            return replace(state, page=Page.RUN, top=0)


def _moved(state: ViewState, key: str, hosts: Sequence[HostKey], lines: int, last_top: int) -> ViewState:
    """Move the cursor in a table of hosts, or scroll another page."""
    steps: dict[str, int] = {Key.UP: -1, Key.DOWN: 1, Key.PAGE_UP: -max(1, lines - 1), Key.PAGE_DOWN: max(1, lines - 1)}
    far = len(hosts) + 10**6
    steps |= {Key.HOME: -far, Key.END: far}
    step = steps.get(key)
    if step is None:
        return state
    if not state.lists_hosts:
        return replace(state, top=max(0, min(last_top, state.top + step)))
    if not hosts:
        return state
    if state.chosen is None or state.chosen not in hosts:
        return replace(state, chosen=hosts[-1] if step == far else hosts[0])
    place = list(hosts).index(state.chosen) + step
    return replace(state, chosen=hosts[max(0, min(len(hosts) - 1, place))])
