"""A report as one HTML page that needs no network and no other file.

Decides the markup, which charts stand beside which table, and how many hosts have a page of their own. All tables are
complete without scripts. All text out of records is escaped; the page allows no script but its own, no image, no
request and no form.
"""

from __future__ import annotations

import html
import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from importlib.resources import files
from math import floor, log10
from typing import Any
from urllib.parse import quote

from ...text import printable, strict_json
from ..escaping import html_text
from .all_tables import all_tables
from .list_tables import hosts_table
from .table import SIDES, Cell, Figures, Table, explain

MAX_FIGURE_BYTES = 700_000
"""Bytes of figures that a page holds at most. With more, hosts with the fewest URLs have no page and no row."""

ROW_BYTES = 900
"""Bytes of a host's row in the table, about."""

BINS = 12
"""Bins per power of ten in the histogram of a host, as in the script."""

WIDE = {"hosts", "examples", "slowest", "largest", "timeline", "moves", "destinations"}
"""Tables that take the whole width."""

CHARTS = {
    "latency": [("latency", "URLs by the seconds that the last attempt took")],
    "sizes": [("sizes", "Pages by their decoded bytes")],
    "timeline": [
        ("rate:{side}", "URLs per second, by the time (UTC) at which they were started"),
        ("delay:{side}", "p50 and p95 of the latency, by the time (UTC) at which URLs were started"),
    ],
}
"""The charts beside tables, by the table's key: what the script draws, and what that is."""

_BAD = {"failures", "failing", "errors"}


def html_page(reports: Sequence[Figures]) -> Iterator[str]:
    """Yield the page in pieces."""
    shown = _fitting(reports)
    scripts = [_asset("uplot.min.js"), _asset("page.js")]
    hashes = " ".join(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)
    names = [html_text(str(one["records"])) for one in reports]
    title = f"Report on {names[0]}" if len(names) == 1 else f"{names[0]} and {names[1]}"
    yield f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src {hashes}; base-uri 'none'; form-action 'none'">
<meta name="referrer" content="no-referrer">
<style>{_asset("uplot.min.css")}
{_asset("page.css")}</style></head><body>
<h1>{title}</h1>
"""
    if len(names) > 1:
        yield "".join(f"<p>{side} is <code>{name}</code>.</p>\n" for side, name in zip(SIDES, names, strict=True))
    tables = list(all_tables(shown, [hosts_table(shown)]))
    links = "".join(f'<li><a href="#{one.key}">{html.escape(one.title)}</a></li>' for one in tables)
    yield f'<nav aria-label="Sections"><ul>{links}</ul></nav>\n<main>\n'
    for table in tables:
        yield from _section(table)
    yield f"""</main>
<dialog id="host" aria-labelledby="host-name"><header><h2 id="host-name"></h2>
<button type="button">Close</button></header><div></div></dialog>
<footer>Made by scrapepool. Charts are drawn by uPlot (MIT licence, copyright 2022 Leon Sorokin).</footer>
<script type="application/json" id="figures">{_data(shown)}</script>
<script>{scripts[0]}</script>
<script>{scripts[1]}</script>
</body></html>
"""


def _fitting(reports: Sequence[Figures]) -> list[dict[str, Any]]:
    """Return the reports with as many hosts as a page can hold, the same ones in all; those with the most URLs stay."""
    rows: dict[str, list[tuple[Figures, Figures]]] = {}
    for one in reports:
        for row in one["hosts"]:
            rows.setdefault(row["host"], []).append((one, row))
    kept = set()
    left = MAX_FIGURE_BYTES
    for host in sorted(rows, key=lambda host: -max(row["count"] for _, row in rows[host])):
        left -= sum(len(json.dumps(_host_data(one, row))) + ROW_BYTES for one, row in rows[host])
        if left < 0:
            break
        kept.add(host)
    return [{**one, "hosts": [row for row in one["hosts"] if row["host"] in kept]} for one in reports]


def _data(reports: Sequence[Figures]) -> str:
    """Return what the script reads: no character of it can end the element that it stands in."""
    needed = [
        {
            "records": str(one["records"]),
            **{key: one[key] for key in ("latency", "sizes", "timeline")},
            "hosts": [_host_data(one, row) for row in one["hosts"]],
        }
        for one in reports
    ]
    text = strict_json(json.dumps(_printable(needed), separators=(",", ":")))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _host_data(one: Figures, row: Figures) -> dict[str, Any]:
    """Return what the page of a host shows: its histogram in few bins, and whether a command explains an example."""
    bins: dict[int, int] = {}
    for begin, end, number in row["latency"]["buckets"]:
        place = floor(log10((begin + end) / 2) * BINS)
        bins[place] = bins.get(place, 0) + number
    buckets = [[float(f"{10 ** (at / BINS):.4g}"), float(f"{10 ** ((at + 1) / BINS):.4g}"), bins[at]] for at in bins]
    latency = {name: row["latency"][name] for name in ("p50", "p90", "p95", "p99", "p99_9", "max")}
    examples = {key: [_example_data(one, example) for example in row[key]] for key in ("slowest", "examples")}
    return {**row, "latency": {**latency, "buckets": buckets}, **examples}


def _example_data(one: Figures, example: Figures) -> dict[str, Any]:
    shown = {name: example[name] for name in ("url", "error", "status", "elapsed", "bytes", "detail")}
    shown["error"] = example["error"] or example["outcome"]
    shown["explain"] = explain(str(one["records"]), example) and 1
    return {name: value for name, value in shown.items() if value is not None}


def _printable(value: Any) -> Any:
    match value:
        case str():
            return printable(value)
        case dict():
            return {printable(key): _printable(inner) for key, inner in value.items()}
        case list():
            return [_printable(inner) for inner in value]
        case _:
            return value


def _section(table: Table) -> Iterator[str]:
    key, _, side = table.key.partition("-") if table.key[-2:] in ("-A", "-B") else (table.key, "", "")
    wide = ' class="wide"' if key in WIDE or len(table.columns) > 7 else ""
    yield f'<section id="{table.key}"{wide} aria-labelledby="{table.key}-title">'
    yield f'<h2 id="{table.key}-title">{html.escape(table.title)}</h2>\n'
    if table.note:
        yield f'<p class="note">{html.escape(table.note)}</p>\n'
    for chart, caption in CHARTS.get(key, ()):
        name = chart.format(side=SIDES.index(side) if side else 0)
        yield f'<figure data-chart="{name}" role="img" aria-label="{caption}; the table has the numbers">'
        yield f"<figcaption>{caption}</figcaption></figure>\n"
    yield f'<div class="scroll" tabindex="0" role="region" aria-labelledby="{table.key}-title"><table><thead><tr>'
    for name in table.columns:
        yield f'<th scope="col"{_class(table, name)}>{html.escape(name)}</th>'
    yield "</tr></thead><tbody>\n"
    for row in table.rows:
        pairs = zip(row, table.columns, strict=True)
        yield f"<tr>{''.join(_cell(cell, table, name) for cell, name in pairs)}</tr>\n"
    yield "</tbody></table></div></section>\n"


def _class(table: Table, column: str) -> str:
    place = table.columns.index(column)
    bars = any(row[place].share is not None for row in table.rows)
    return ' class="n"' if column in table.numbers and not bars else ""


def _cell(cell: Cell, table: Table, column: str) -> str:
    value = "" if cell.value is None else f' data-v="{cell.value:.9g}"'
    text = html_text(cell.text)
    if cell.share is not None:
        bad = " bad" if {column.split(" ", maxsplit=1)[0], table.key} & _BAD else ""
        width = f"{min(1.0, cell.share):.1%}"
        return f'<td class="bar{bad}"{value}>{text}<i aria-hidden="true"><b style="width:{width}"></b></i></td>'
    if cell.host is not None:
        link = f'<a href="#host={quote(printable(cell.host), safe="")}">{text}</a>' if table.key == "hosts" else text
        return f'<td class="url">{link}</td>'
    if cell.url is not None:
        command = "" if cell.explain is None else f' data-explain="{html.escape(cell.explain)}"'
        return f'<td class="url"{command}>{text}</td>'
    return f"<td{_class(table, column)}{value}>{text}</td>"


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8").strip()
