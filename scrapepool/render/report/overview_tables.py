"""The tables of a report that sum up: outcomes, errors, statuses, latency, time, sizes, redirects.

Decides what they say of one report, and of two side by side. Pure functions of figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from .. import units
from ..url_history import OUTCOMES
from ..url_history import STEPS as STEP_NAMES
from .table import (
    Cell,
    Figures,
    Table,
    count_cell,
    key_of_side,
    seconds_cell,
    share_cell,
    size_cell,
    table,
    text_cell,
    titles_for,
)

PERCENTILES = {
    "mean": "mean", "p50": "p50", "p90": "p90", "p95": "p95", "p99": "p99", "p99_9": "p99.9", "max": "max",
}  # fmt: skip

RANGES = tuple(digit * 10.0**power for power in range(-4, 4) for digit in (1, 2, 5))
"""Ends of the ranges of latency in the histogram for people, in seconds."""

TIME_ROWS = 24
"""Rows of the table of the timeline at most: it is an alternative to the chart, which has all steps."""


def overview_tables(reports: Sequence[Figures]) -> Iterator[Table]:
    """Yield the tables that sum up."""
    yield _overview(reports)
    yield _outcomes(reports)
    yield _counts(
        "errors", "Errors", "error", reports, lambda one: {row["error"]: row["count"] for row in one["errors"]}
    )
    yield _counts("statuses", "Statuses", "status", reports, lambda one: one["statuses"], by_key=True)
    if any(one["changes"] for one in reports):
        yield _counts("changes", "Changes", "change", reports, lambda one: one["changes"])
    yield _percentiles("latency", "Latency", reports, seconds_cell, "Seconds of the last attempt of each URL.")
    yield _ranges(reports)
    yield _timings(reports)
    yield _percentiles("sizes", "Page sizes", reports, size_cell, "Bytes of each page that succeeded, decoded.")
    yield _types(reports)
    yield from (_timeline(one, side) for one, side in zip(reports, titles_for("", reports), strict=True))


def _overview(reports: Sequence[Figures]) -> Table:
    rows: list[tuple[str, Callable[[Figures], Cell]]] = [
        ("URLs", lambda one: count_cell(one["count"])),
        ("hosts", lambda one: count_cell(one["host_count"])),
        ("succeeded", lambda one: _part(one, _good(one))),
        ("first started", lambda one: text_cell(one["started"] or units.UNKNOWN)),
        ("last started", lambda one: text_cell(one["last_started"] or units.UNKNOWN)),
        ("between the two", lambda one: text_cell(units.spoken(one["seconds"]))),
        ("received", lambda one: size_cell(one["bytes"])),
        ("decoded", lambda one: size_cell(one["decoded_bytes"])),
        ("retried", lambda one: _part(one, one["requested"] - one["attempts"].get("1", 0))),
        ("waited between attempts", lambda one: text_cell(units.spoken(one["waited"]))),
        ("redirected", lambda one: _part(one, one["redirects"]["urls"])),
        ("over a kept connection", lambda one: _part(one, one["reused"], "requested")),
    ]
    if any(one["replaced"] for one in reports):
        rows.append(("failures replaced by later records", lambda one: count_cell(one["replaced"])))
    made = [(text_cell(name), *map(show, reports)) for name, show in rows]
    return table("overview", "Overview", ("", *titles_for("value", reports)), made, most=len(made))


def _good(one: Figures) -> int:
    return int(one["outcomes"]["ok"] + one["outcomes"]["unchanged"])


def _part(one: Figures, number: int, of: str = "count") -> Cell:
    return Cell(
        f"{units.count(number)} ({units.precise_share(number, one[of])})" if one[of] else units.count(number), number
    )


def _counted(name: Cell, reports: Sequence[Figures], counts: Iterable[int], *more: Cell) -> tuple[Cell, ...]:
    pairs = zip(counts, reports, strict=True)
    return (
        name,
        *(cell for number, one in pairs for cell in (count_cell(number), share_cell(number, one["count"]))),
        *more,
    )


def _columns(name: str, reports: Sequence[Figures], *more: str) -> tuple[str, ...]:
    pairs = zip(titles_for("URLs", reports), titles_for("share", reports), strict=True)
    return (name, *(title for pair in pairs for title in pair), *more)


def _outcomes(reports: Sequence[Figures]) -> Table:
    seen = dict.fromkeys(word for one in reports for word, number in one["outcomes"].items() if number)
    rows = [
        _counted(
            text_cell(word),
            reports,
            [one["outcomes"].get(word, 0) for one in reports],
            text_cell(OUTCOMES.get(word, "")),
        )
        for word in seen
    ]
    return table("outcomes", "Outcomes", _columns("outcome", reports, "meaning"), rows)


def _counts(
    key: str,
    title: str,
    name: str,
    reports: Sequence[Figures],
    pick: Callable[[Figures], Mapping[str, int]],
    *,
    by_key: bool = False,
) -> Table:
    found = [pick(one) for one in reports]
    keys = list(dict.fromkeys(word for counts in found for word in counts))
    keys.sort(key=lambda word: word if by_key else (-max(counts.get(word, 0) for counts in found), word))
    rows = [_counted(text_cell(word), reports, [counts.get(word, 0) for counts in found]) for word in keys]
    return table(key, title, _columns(name, reports), rows, most=20)


def _percentiles(key: str, title: str, reports: Sequence[Figures], show: Callable[..., Cell], note: str) -> Table:
    rows = [
        (text_cell(name), *(show(one[key][percentile]) for one in reports))
        for percentile, name in PERCENTILES.items()
        if any(one[key]["count"] for one in reports)
    ]
    return table(
        key, title, ("percentile", *titles_for("value", reports)), rows, f"{note} Percentiles are at most 3 % high."
    )


def _ranges(reports: Sequence[Figures]) -> Table:
    """Count latencies in ranges whose ends are 1, 2, 5, 10 and so on; a bucket counts where its middle is."""
    found: list[dict[int, int]] = []
    for one in reports:
        counts: dict[int, int] = {}
        for begin, end, number in one["latency"]["buckets"]:
            place = sum(bound <= (begin + end) / 2 for bound in RANGES)
            counts[place] = counts.get(place, 0) + number
        found.append(counts)
    places = sorted({place for counts in found for place in counts})
    rows = []
    for place in range(places[0], places[-1] + 1) if places else ():
        bounds = (0.0, *RANGES, float("inf"))[place : place + 2]
        name = f"{seconds_cell(bounds[0]).text} to {seconds_cell(bounds[1]).text}"
        if bounds[1] == float("inf"):
            name = f"from {seconds_cell(bounds[0]).text}"
        totals = [max(1, one["latency"]["count"]) for one in reports]
        cells = [
            cell
            for counts, whole in zip(found, totals, strict=True)
            for cell in (count_cell(counts.get(place, 0)), share_cell(counts.get(place, 0), whole))
        ]
        rows.append((Cell(name, bounds[0]), *cells))
    return table("latency-ranges", "Latency by range", _columns("seconds", reports), rows, most=len(rows))


def _timings(reports: Sequence[Figures]) -> Table:
    rows = []
    wholes = [sum(step["seconds"] for step in one["timings"].values()) for one in reports]
    for step, name in STEP_NAMES.items():
        spent = [one["timings"][step] for one in reports]
        if not any(time["count"] for time in spent):
            continue
        means = [seconds_cell(time["seconds"] / time["count"] if time["count"] else None) for time in spent]
        shares = [
            Cell(units.precise_share(time["seconds"], whole), time["seconds"] / whole, share=time["seconds"] / whole)
            if whole
            else text_cell(units.UNKNOWN)
            for time, whole in zip(spent, wholes, strict=True)
        ]
        counts = [count_cell(time["count"]) for time in spent]
        groups = zip(counts, means, shares, strict=True)
        rows.append((text_cell(name), *(cell for group in groups for cell in group)))
    titles = zip(*(titles_for(title, reports) for title in ("requests", "mean", "share of time")), strict=True)
    columns = ("step", *(title for group in titles for title in group))
    note = "What the last attempts spent their time on. Only new connections have the first three steps."
    return table("timings", "Where the time goes", columns, rows, note)


def _types(reports: Sequence[Figures]) -> Table:
    found = [{row["content_type"]: row for row in one["content_types"]} for one in reports]
    kinds = dict.fromkeys(kind for rows in found for kind in rows)
    nothing = {"count": 0, "bytes": 0}
    made = [
        (
            text_cell(kind),
            *(
                cell
                for rows, one in zip(found, reports, strict=True)
                for row in (rows.get(kind, nothing),)
                for cell in (count_cell(row["count"]), share_cell(row["count"], one["count"]), size_cell(row["bytes"]))
            ),
        )
        for kind in kinds
    ]
    titles = zip(*(titles_for(title, reports) for title in ("URLs", "share", "received")), strict=True)
    columns = ("content type", *(title for group in titles for title in group))
    return table("content-types", "Content types", columns, made)


def _timeline(one: Figures, side: str) -> Table:
    found = one["timeline"]
    rows = []
    if found is not None:
        steps = len(found["ok"])
        width = -(-steps // TIME_ROWS)
        for begin in range(0, steps, width):
            several = slice(begin, begin + width)
            totals = [sum(found[name][several]) for name in ("ok", "failed", "skipped", "bytes")]
            slowest = max((value for value in found["p95"][several] if value is not None), default=None)
            after = begin * found["step"]
            rows.append(
                (
                    Cell(units.clock(after), after),
                    *map(count_cell, totals[:3]),
                    size_cell(totals[3]),
                    seconds_cell(slowest),
                ),
            )
    columns = ("after", "succeeded", "failed", "skipped", "received", "worst p95")
    note = "URLs by the time (UTC) at which their first attempt started."
    return table(key_of_side("timeline", side), f"Timeline{side}", columns, rows, note, TIME_ROWS)
