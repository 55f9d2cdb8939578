"""The live display as lines of text: a pure function of a snapshot, what a person looks at, and the terminal's size.

Decides which page is shown, and how many lines each part of it gets. Does not know when or where it is drawn. Text from
outside is made printable and is never parsed as markup.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from ..plural import counted
from ..ports import Snapshot
from ..text import printable
from .hosts_table import hosts_table
from .keys.view_state import Page, ViewState
from .lines import cut, joined, spaced
from .pages import errors_page, help_page, host_page
from .run_lines import errors_line, forecast_line, outcomes_line, progress_line, stopping_line

LEAST_FOR_KEYS = 8
"""Lines of the lowest display that names the keys."""

FIRST_VIEW = ViewState()


def frame(
    snapshot: Snapshot,
    width: int,
    height: int,
    *,
    ascii_only: bool = False,
    state: ViewState | None = None,
    step: str | None = None,
) -> list[Text]:
    """Lay out the whole display: at most ``height`` lines of at most ``width`` columns.

    ascii_only: for terminals whose encoding has no line drawing.
    state: what is shown; None if no keys are read.
    step: the line of a long step, for example of closing a file.
    """
    seen = state or FIRST_VIEW
    head = [progress_line(snapshot, width, ascii_only=ascii_only)]
    if seen.page is Page.RUN:
        head += [outcomes_line(snapshot, width), errors_line(snapshot, width), forecast_line(snapshot, width)]
    foot = [] if step is None else [spaced([(printable(step), "cyan")], width)]
    if snapshot.grace is not None:
        foot.append(stopping_line(snapshot, width))
    if state is not None and height >= LEAST_FOR_KEYS:
        foot.append(keys_line(state, snapshot, width))
    head = head[: max(1, height - len(foot))]
    room = height - len(head) - len(foot)
    return [*head, *_body(snapshot, seen, width, room, ascii_only=ascii_only), *foot][: max(0, height)]


def last_top(snapshot: Snapshot, state: ViewState, lines: int) -> int:
    """Return the first line of a page when its end is shown."""
    return max(0, len(_page(snapshot, state)) - lines)


def _body(snapshot: Snapshot, state: ViewState, width: int, room: int, *, ascii_only: bool) -> list[Text]:
    if state.lists_hosts:
        return hosts_table(snapshot, width, room, ascii_only=ascii_only, chosen=state.chosen)
    lines = _page(snapshot, state)[state.top :][: max(0, room)]
    if ascii_only:
        lines = [Text(line.plain.encode("ascii", "backslashreplace").decode()) for line in lines]
    return [cut(line, width) for line in lines]


def _page(snapshot: Snapshot, state: ViewState) -> Sequence[Text]:
    match state.page:
        case Page.ERRORS:
            return errors_page(snapshot)
        case Page.HOST if state.chosen is not None:
            return host_page(snapshot, state.chosen)
        case _:
            return help_page()


def keys_line(state: ViewState, snapshot: Snapshot, width: int) -> Text:
    """Name the keys, or show the text that is being typed."""
    if state.typed:
        found = counted(snapshot.matching, "host")
        return spaced(
            [(f"/{state.containing}_", "bold"), (found, ""), ("Enter: keep  Escape: all hosts", "dim")], width
        )
    keys = [("?", "help")]
    if state.page is Page.RUN:
        keys += [("p", "go on" if snapshot.paused else "pause"), ("q", "stop"), ("+ -", "workers")]
    else:
        keys += [("Esc", "back"), ("p", "go on" if snapshot.paused else "pause")]
    if state.lists_hosts:
        keys += [("s", f"by {state.order}"), ("/", state.containing or "filter")]
    if state.page is not Page.ERRORS:
        keys.append(("e", "errors"))
    if state.page is not Page.HOSTS:
        keys.append(("h", "hosts"))
    if state.lists_hosts:
        keys.append(("Enter", "host"))
    line = joined([])
    for key, text in keys:
        gap = "  " if line else ""
        if len(line) + len(gap) + len(key) + 1 + len(text) > width:
            break
        line.append(gap).append(key, "bold").append(f" {text}", "dim")
    return cut(line, width)
