"""What changed between two runs, in five forms: text, JSON Lines, CSV, Markdown and HTML.

Decides how a difference is written. Pure functions of entries that yield pieces of text, so that five million entries
need no more memory than one. All text is printable, and safe in its form.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

from ..change import Difference, PageState
from ..plural import counted
from ..text import printable, strict_json
from . import units
from .escaping import html_text, markdown_code

SIDE_FIELDS = ("outcome", "status", "error", "bytes", "sha256", "final_url", "elapsed")
"""Fields of the older and the newer record in the forms for programs."""

MEANINGS = {
    Difference.NEW: "no record in the older file",
    Difference.CHANGED: "the page differs",
    Difference.GONE: "the status is now 404 or 410",
    Difference.BACK: "the page is there again",
    Difference.LEFT_LIST: "no record in the newer file",
    Difference.FAILING: "the URL fails now and did not before",
    Difference.REDIRECTING: "redirects lead to another URL than before",
    Difference.SLOWER: "twice as slow as before, and at least a second slower",
}


class Entry(Protocol):
    """One difference; ``results.comparison.Entry`` is one."""

    @property
    def difference(self) -> Difference: ...  # noqa: D102
    @property
    def url(self) -> str: ...  # noqa: D102
    @property
    def old(self) -> PageState | None: ...  # noqa: D102
    @property
    def new(self) -> PageState | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Overview:
    """The names and counts before the entries.

    old, new: names of the record files.
    old_targets, new_targets: number of targets in each.
    counts: number of entries of each difference that is shown.
    same: targets with an equal page in both.
    unknown: targets with a page in both, about which the records do not say enough.
    """

    old: str
    new: str
    old_targets: int
    new_targets: int
    counts: Mapping[Difference, int]
    same: int
    unknown: int

    def counted(self) -> str:
        """Format all counts on one line."""
        words = [f"{one} {units.count(number)}" for one, number in self.counts.items() if number]
        words.append(f"same {units.count(self.same)}")
        return "  ".join(words if not self.unknown else [*words, f"unknown {units.count(self.unknown)}"])


Form = Callable[[Overview, Iterable[Entry]], Iterator[str]]


def text(overview: Overview, entries: Iterable[Entry]) -> Iterator[str]:
    """Write text for people, kind by kind, with one line per entry."""
    old, new = counted(overview.old_targets, "URL"), counted(overview.new_targets, "URL")
    yield f"{printable(overview.old)} ({old}) -> {printable(overview.new)} ({new})\n"
    yield f"{overview.counted()}\n"
    for kind, group in groupby(entries, key=lambda entry: entry.difference):
        yield f"\n{kind} ({units.count(overview.counts[kind])}): {MEANINGS[kind]}\n"
        for entry in group:
            yield f"  {printable(entry.url)}  {'  ->  '.join(filter(None, sides(entry)))}".rstrip() + "\n"


def jsonl(overview: Overview, entries: Iterable[Entry]) -> Iterator[str]:  # noqa: ARG001 - a Form
    """Write one JSON object per entry."""
    for entry in entries:
        value = {"change": entry.difference, "url": entry.url, "old": _side(entry.old), "new": _side(entry.new)}
        yield f"{strict_json(json.dumps(value, separators=(',', ':')))}\n"


def table(overview: Overview, entries: Iterable[Entry]) -> Iterator[str]:  # noqa: ARG001 - a Form
    """Write CSV: a header row, and one row per entry."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    names = [f"{side}_{name}" for side in ("old", "new") for name in SIDE_FIELDS]
    writer.writerow(["change", "url", *names])
    for entry in entries:
        values = [_side(side) or {} for side in (entry.old, entry.new)]
        cells = [value.get(name) for value in values for name in SIDE_FIELDS]
        row = [entry.difference, entry.url, *cells]
        writer.writerow([printable(cell) if isinstance(cell, str) else cell for cell in row])
        yield lines.getvalue()
        lines.seek(0)
        lines.truncate()
    yield lines.getvalue()


def markdown(overview: Overview, entries: Iterable[Entry]) -> Iterator[str]:
    """Write Markdown: the counts, and a table for each kind."""
    yield f"# Changes\n\nFrom {markdown_code(overview.old)} to {markdown_code(overview.new)}: {overview.counted()}\n"
    for kind, group in groupby(entries, key=lambda entry: entry.difference):
        meaning = MEANINGS[kind]
        yield f"\n## {kind} ({units.count(overview.counts[kind])})\n\n{meaning[0].upper()}{meaning[1:]}.\n\n"
        yield "| URL | before | now |\n| --- | --- | --- |\n"
        for entry in group:
            before, now = sides(entry)
            yield f"| {_link(entry.url)} | {markdown_code(before)} | {markdown_code(now)} |\n"


def page(overview: Overview, entries: Iterable[Entry]) -> Iterator[str]:
    """Write one HTML page that needs no other file and runs no script."""
    yield HTML_HEAD
    yield f"<p><code>{html_text(overview.old)}</code> to <code>{html_text(overview.new)}</code></p>\n"
    yield f"<p>{html_text(overview.counted())}</p>\n"
    for kind, group in groupby(entries, key=lambda entry: entry.difference):
        yield f"<details open><summary>{kind} ({units.count(overview.counts[kind])}): {MEANINGS[kind]}</summary>\n"
        yield "<table><tr><th>URL</th><th>before</th><th>now</th></tr>\n"
        for entry in group:
            before, now = map(html_text, sides(entry))
            yield f"<tr><td>{_anchor(entry.url)}</td><td>{before}</td><td>{now}</td></tr>\n"
        yield "</table></details>\n"
    yield "</body></html>\n"


FORMS: Mapping[str, Form] = {"text": text, "jsonl": jsonl, "csv": table, "md": markdown, "html": page}
"""The forms by name."""

CHANGE_SUFFIXES = {".txt": "text", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".md": "md", ".html": "html"}
"""The forms by the suffixes of files."""

HTML_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Changes</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<style>
body { font: 15px/1.4 system-ui, sans-serif; margin: 2em; }
table { border-collapse: collapse; margin: .5em 0 1.5em; }
th, td { text-align: left; padding: .2em .8em .2em 0; border-bottom: 1px solid #ccc; overflow-wrap: anywhere; }
summary { font-weight: bold; cursor: pointer; }
</style></head><body><h1>Changes</h1>
"""


def sides(entry: Entry) -> tuple[str, str]:
    """Describe the state before and the state now in a few words; nothing for a record that does not exist."""
    return _described(entry.difference, entry.old), _described(entry.difference, entry.new)


def _described(difference: Difference, state: PageState | None) -> str:
    if state is None:
        return ""
    match difference:
        case Difference.CHANGED if state.bytes is not None:
            return counted(state.bytes, "byte")
        case Difference.REDIRECTING if state.final_url:
            return printable(state.final_url)
        case Difference.SLOWER:
            return units.spoken(state.elapsed)
    status = None if state.status is None else str(state.status)
    if state.error is None or state.error.startswith("http_"):
        return status or state.error or state.outcome
    detail = f": {state.detail}" if state.detail and difference is Difference.FAILING else ""
    return printable(f"{state.error}{detail}")


def _side(state: PageState | None) -> dict[str, Any] | None:
    return None if state is None else {name: getattr(state, name) for name in SIDE_FIELDS}


def _link(url: str) -> str:
    shown = printable(url)
    if not shown.lower().startswith(("http://", "https://")) or set(shown) & set(" <>\\`"):
        return markdown_code(shown)
    return f"<{shown.replace('|', '%7C')}>"


def _anchor(url: str) -> str:
    shown = html_text(url)
    if not url.lower().startswith(("http://", "https://")) or printable(url) != url:
        return shown
    return f'<a href="{shown}" rel="noopener noreferrer">{shown}</a>'
