"""The tables of a report that list hosts, URLs and redirects.

Decides their columns, and how two reports stand side by side. Pure functions of figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ...plural import counted
from .table import Cell, Figures, Table, count, host_cell, keyed, seconds, share, sided, size, table, url_cell, words


def list_tables(reports: Sequence[Figures]) -> Iterator[Table]:
    """Yield the tables that list, but for that of hosts."""
    yield _errors(reports)
    for one, side in zip(reports, sided("", reports), strict=True):
        yield _examples("examples", "Examples of errors", side, one, _failed(one), most=15)
    for one, side in zip(reports, sided("", reports), strict=True):
        yield _examples("slowest", "Slowest pages", side, one, one["slowest"])
        yield _examples("largest", "Largest pages", side, one, one["largest"], most=5)
    for one, side in zip(reports, sided("", reports), strict=True):
        yield from _redirects(one, side)


def hosts_table(reports: Sequence[Figures]) -> Table:
    """List all hosts that the figures have, those with the most URLs first."""
    found = [{row["host"]: row for row in one["hosts"]} for one in reports]
    names = dict.fromkeys(name for rows in found for name in rows)
    columns: list[str] = ["host"]
    shows: list[Callable[[Any], Cell]] = [
        lambda row: count(row["count"]),
        lambda row: count(row["failures"]),
        lambda row: share(row["failures"], row["count"]),
        lambda row: size(row["bytes"]),
        lambda row: seconds(row["latency"]["p50"]),
        lambda row: seconds(row["latency"]["p95"]),
        lambda row: seconds(row["latency"]["p99"]),
        lambda row: seconds(row["latency"]["max"]),
    ]
    titles = ("URLs", "failures", "failing", "received", "p50", "p95", "p99", "max")
    for title in titles:
        columns += sided(title, reports)
    rows = [
        (
            host_cell(name),
            *(show(rows[name]) if name in rows else Cell("") for show in shows for rows in found),
        )
        for name in names
    ]
    pairs = zip(map(_left_out, reports), sided("", reports), strict=True)
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
        places = [hosts.columns.index(name) for name in sided(column, reports)]
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


def _errors(reports: Sequence[Figures]) -> Table:
    found = [{row["error"]: row["count"] for row in one["errors"]} for one in reports]
    slugs = sorted(
        dict.fromkeys(slug for counts in found for slug in counts),
        key=lambda slug: -max(counts.get(slug, 0) for counts in found),
    )
    rows = [
        (
            words(slug),
            *(
                cell
                for counts, one in zip(found, reports, strict=True)
                for cell in (count(counts.get(slug, 0)), share(counts.get(slug, 0), one["count"]))
            ),
        )
        for slug in slugs
    ]
    pairs = zip(sided("URLs", reports), sided("share", reports), strict=True)
    return table("errors", "Errors", ("error", *(title for pair in pairs for title in pair)), rows, most=20)


def _failed(one: Figures) -> list[Any]:
    """List examples of all errors: first one of each error, then a second one of each, and so on."""
    lists = [row["examples"] for row in one["errors"]]
    longest = max(map(len, lists), default=0)
    return [examples[place] for place in range(longest) for examples in lists if place < len(examples)]


def _examples(key: str, title: str, side: str, one: Figures, examples: Sequence[Any], most: int = 10) -> Table:
    rows = [
        (
            words(example["error"] or example["outcome"]),
            words("" if example["status"] is None else str(example["status"])),
            seconds(example["elapsed"] or None),
            size(example["bytes"]),
            url_cell(example, one),
            words(example["detail"] or ""),
        )
        for example in examples
    ]
    columns = ("result", "status", "took", "size", "URL", "detail")
    return table(keyed(key, side), title + side, columns, rows, most=most)


def _redirects(one: Figures, side: str) -> Iterator[Table]:
    found = one["redirects"]
    if not found["urls"]:
        return
    hops = [
        (Cell(number, int(number)), count(urls), share(urls, found["urls"])) for number, urls in found["hops"].items()
    ]
    yield table(keyed("hops", side), f"Redirects{side}", ("redirects in a row", "URLs", "share"), hops)
    moves = [(host_cell(row["from"]), host_cell(row["to"]), count(row["count"])) for row in found["moves"]]
    yield table(keyed("moves", side), f"Redirects from host to host{side}", ("from", "to", "URLs"), moves)
    ends = [
        (Cell(row["url"], url=row["url"]), count(row["count"])) for row in found["destinations"] if row["count"] > 1
    ]
    yield table(keyed("destinations", side), f"Where several redirects end{side}", ("URL", "URLs"), ends, most=5)
