"""The tables of a report that list hosts, URLs and redirects.

Decides their columns, and how two reports stand side by side. Pure functions of figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ...plural import counted
from .table import (
    Cell,
    Figures,
    Table,
    count_cell,
    host_cell,
    key_of_side,
    seconds_cell,
    share_cell,
    size_cell,
    table,
    text_cell,
    titles_for,
    url_cell,
)


def list_tables(reports: Sequence[Figures]) -> Iterator[Table]:
    """Yield the tables that list, but for that of hosts."""
    for one, side in zip(reports, titles_for("", reports), strict=True):
        yield _examples("examples", "Examples of errors", side, one, _failed(one), most=15)
    for one, side in zip(reports, titles_for("", reports), strict=True):
        yield _examples("slowest", "Slowest pages", side, one, one["slowest"])
        yield _examples("largest", "Largest pages", side, one, one["largest"], most=5)
    for one, side in zip(reports, titles_for("", reports), strict=True):
        yield from _redirects(one, side)


def hosts_table(reports: Sequence[Figures]) -> Table:
    """List all hosts that the figures have, those with the most URLs first."""
    found = [{row["host"]: row for row in one["hosts"]} for one in reports]
    names = dict.fromkeys(name for rows in found for name in rows)
    columns: list[str] = ["host"]
    shows: list[Callable[[Any], Cell]] = [
        lambda row: count_cell(row["count"]),
        lambda row: count_cell(row["failures"]),
        lambda row: share_cell(row["failures"], row["count"]),
        lambda row: size_cell(row["bytes"]),
        lambda row: seconds_cell(row["latency"]["p50"]),
        lambda row: seconds_cell(row["latency"]["p95"]),
        lambda row: seconds_cell(row["latency"]["p99"]),
        lambda row: seconds_cell(row["latency"]["max"]),
    ]
    titles = ("URLs", "failures", "failing", "received", "p50", "p95", "p99", "max")
    for title in titles:
        columns += titles_for(title, reports)
    rows = [
        (
            host_cell(name),
            *(show(rows[name]) if name in rows else Cell("") for show in shows for rows in found),
        )
        for name in names
    ]
    pairs = zip(map(_left_out, reports), titles_for("", reports), strict=True)
    notes = [f"{side.strip()}: {note}" if side else note for note, side in pairs if note]
    return table("hosts", "Hosts", columns, rows, " ".join(notes))


def ranked_hosts(reports: Sequence[Figures]) -> Iterator[Table]:
    """Yield the table of hosts in the three orders that a form without sorting shows."""
    hosts = hosts_table(reports)
    for key, title, column in (
        ("busiest", "Hosts with the most URLs", "URLs"),
        ("failing", "Hosts with the most failures", "failures"),
        ("slow", "Slowest hosts, by p95", "p95"),
    ):
        places = [hosts.columns.index(name) for name in titles_for(column, reports)]
        ranked = sorted(hosts.rows, key=lambda row: -max(row[place].value or 0 for place in places))
        shown = [row for row in ranked if any(row[place].value for place in places)]
        if shown:
            yield replace(hosts, key=key, title=title, rows=shown, note=hosts.note if key == "busiest" else "")


def _left_out(one: Figures) -> str:
    listed = len(one["hosts"])
    text = (
        f"{listed:,} of {one['host_count']:,} hosts are listed, those with the most URLs."
        if listed < one["host_count"]
        else ""
    )
    if one["host_records_missing"]:
        text += (
            f" There were too many to keep all figures: those of a host may lack up to "
            f"{counted(one['host_records_missing'], 'URL')}."
        )
    return text.strip()


def _failed(one: Figures) -> list[Any]:
    """List examples of all errors: first one of each error, then a second one of each, and so on."""
    lists = [row["examples"] for row in one["errors"]]
    longest = max(map(len, lists), default=0)
    return [examples[place] for place in range(longest) for examples in lists if place < len(examples)]


def _examples(key: str, title: str, side: str, one: Figures, examples: Sequence[Any], most: int = 10) -> Table:
    rows = [
        (
            text_cell(example["error"] or example["outcome"]),
            text_cell("" if example["status"] is None else str(example["status"])),
            seconds_cell(example["elapsed"] or None),
            size_cell(example["bytes"]),
            url_cell(example, one),
            text_cell(example["detail"] or ""),
        )
        for example in examples
    ]
    columns = ("result", "status", "took", "size", "URL", "detail")
    return table(key_of_side(key, side), title + side, columns, rows, most=most)


def _redirects(one: Figures, side: str) -> Iterator[Table]:
    found = one["redirects"]
    if not found["urls"]:
        return
    hops = [
        (Cell(number, int(number)), count_cell(urls), share_cell(urls, found["urls"]))
        for number, urls in found["hops"].items()
    ]
    yield table(key_of_side("hops", side), f"Redirects{side}", ("redirects in a row", "URLs", "share"), hops)
    moves = [(host_cell(row["from"]), host_cell(row["to"]), count_cell(row["count"])) for row in found["moves"]]
    yield table(key_of_side("moves", side), f"Redirects from host to host{side}", ("from", "to", "URLs"), moves)
    ends = [
        (Cell(row["url"], url=row["url"]), count_cell(row["count"]))
        for row in found["destinations"]
        if row["count"] > 1
    ]
    yield table(key_of_side("destinations", side), f"Where several redirects end{side}", ("URL", "URLs"), ends, most=5)
