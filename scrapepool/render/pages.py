"""The pages of the live view beside the run's own: help, errors with examples, one host.

Decides what they say. Pure functions of a snapshot; ``frame`` cuts and scrolls them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from ..model import HostKey
from ..plural import counted
from ..ports import Example, HostRow, Snapshot
from ..text import printable
from . import units
from .hosts_table import cell_style, state_text
from .lines import joined
from .summary import commonest

SHOWN_EXAMPLES = 5
"""Examples of an error, or of a host's failures."""

KEYS = (
    ("p, Space", "pause, and go on: what is in flight ends, nothing new begins"),
    ("+ -", "more or fewer workers (requests in flight)"),
    ("s", "sort hosts by activity, URLs left, failures, latency or name"),
    ("/", "list only hosts whose name contains a text; Enter keeps it, Escape lists all"),
    ("h", "all hosts"),
    ("Enter", "the page of the chosen host"),
    ("e", "errors with examples"),
    ("Up Down j k", "choose a host, or scroll; also Page Up, Page Down, Home, End"),
    ("Escape", "back"),
    ("q", "on the first page: stop as a first Ctrl-C does; elsewhere: back"),
    ("Ctrl-C", "stop: what is in flight gets 5 s; again: stop now"),
    ("Ctrl-Z", "suspend; fg continues, and the keys work again"),
    ("?", "this page"),
)


def help_page() -> list[Text]:
    """List the keys."""
    return [joined([(f"{key:<13}", "bold"), (text, "")]) for key, text in KEYS]


def errors_page(snapshot: Snapshot) -> list[Text]:
    """List the errors, the most frequent first, each with the last URLs that had it."""
    lines: list[Text] = []
    for error, number in commonest(snapshot.errors):
        lines.append(joined([(f"{units.count(number):>8}  ", "bold"), (printable(error), "red")]))
        examples = [one for one in snapshot.examples if one.error == error]
        lines += (joined([(" " * 10, ""), *pieces]) for pieces in map(_example, examples[:SHOWN_EXAMPLES]))
    return lines or [joined([("no errors so far", "dim")])]


def host_page(snapshot: Snapshot, host: HostKey) -> list[Text]:
    """Show everything that is known of one host, with the last of its URLs that failed."""
    row = next((row for row in snapshot.hosts if row.host == host), None)
    title = joined([(printable(str(host)), "bold")])
    if row is None:
        return [title, joined([("not among the listed hosts now", "dim")])]
    facts = [joined([(f"{name:<13}", "dim"), (text, style)]) for name, text, style in _facts(row)]
    failures = [one for one in snapshot.examples if one.host == host]
    return [title, *facts, *_failures(failures)]


def _facts(row: HostRow) -> Iterator[tuple[str, str, str]]:
    left = row.total - row.done
    yield "URLs", f"{units.count(row.done)} of {units.count(row.total)}, {units.count(left)} left", ""
    yield "state", state_text(row), cell_style(row, "state") or ""
    if row.held_up is not None:
        yield "", printable(row.held_up), "yellow"
    yield "in flight", f"{row.in_flight}, at most {row.limit}", ""
    yield "delay", f"{units.spoken(row.delay)} between two requests" if row.delay else "none", ""
    yield "robots.txt", row.robots or "not requested", cell_style(row, "robots") or ""
    yield "errors", units.count(row.errors), cell_style(row, "errors") or ""
    latency = f"p50 {units.milliseconds(row.p50)} ms, p95 {units.milliseconds(row.p95)} ms"
    yield "latency", f"{latency}, mean {units.milliseconds(row.mean)} ms", ""
    reuse = units.reuse(row.requests, row.opened)
    yield "requests", f"{units.count(row.requests)} over {counted(row.opened, 'connection')}, {reuse} reuse", ""
    yield "idle", counted(row.idle, "connection"), ""


def _failures(examples: Sequence[Example]) -> Iterator[Text]:
    if examples:
        yield joined([("last failures", "bold")])
    for one in examples[: 2 * SHOWN_EXAMPLES]:
        yield joined([("  ", ""), (f"{printable(one.error)}  ", "red"), *_example(one)])


def _example(one: Example) -> list[tuple[str, str]]:
    return [(printable(one.url), ""), (f"  {printable(one.detail)}" if one.detail else "", "dim")]
