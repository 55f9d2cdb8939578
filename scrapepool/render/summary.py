"""The summary of a run, for a person and for a program.

Decides what a summary says and how. Pure functions of the last Snapshot. Knows no terminals, colours or exit codes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import OutputError
from ..histogram import LogHistogram
from ..model import OUTCOMES
from ..plural import counted
from ..ports import HostRow, Snapshot
from ..text import printable, strict_json
from . import units
from .latency_figures import latency_pieces, percentiles

if TYPE_CHECKING:
    from ..fail_conditions import Verdict

SLOWEST = 5
"""How many of the slowest hosts a summary names: enough to show a pattern, few enough to read."""

_INDENT = 10
_COUNTS = frozenset({"done", "stopped", "left", "outcomes", "errors"})
"""The parts of a summary that say what failed."""


def ordered(outcomes: Mapping[str, int]) -> list[tuple[str, int]]:
    """List the outcomes so far, in the order in which they are shown."""
    return [(word, outcomes[word]) for word in OUTCOMES if outcomes.get(word)]


def commonest(errors: Mapping[str, int]) -> list[tuple[str, int]]:
    """List the errors so far, the most frequent first."""
    return sorted(((word, number) for word, number in errors.items() if number), key=lambda item: (-item[1], item[0]))


def slowest(snapshot: Snapshot, limit: int = SLOWEST) -> list[HostRow]:
    """List the hosts with the highest 95th percentile of latency."""
    measured = [row for row in snapshot.slowest or snapshot.hosts if row.p95 is not None]
    return sorted(measured, key=lambda row: (-(row.p95 or 0.0), row.host))[:limit]


def overall_rate(snapshot: Snapshot) -> float:
    """Return the final outcomes per second over the whole run, without its pauses."""
    active = snapshot.elapsed - snapshot.paused_for
    return snapshot.done / active if active > 0 else 0.0


def summary_text(snapshot: Snapshot, width: int = 80) -> str:
    """Summarize the run in a few lines of at most ``width`` columns, each with a newline."""
    sections = [*_sections(snapshot), *_striking(snapshot), *_checks(snapshot.checks)]
    return "".join(f"{line}\n" for title, pieces in sections for line in _wrapped(title, pieces, width))


def failure_text(snapshot: Snapshot, lines: Sequence[str], more: int, width: int = 80) -> str:
    """Say in a few lines what failed in a quiet run: the counts, then single URLs.

    lines: one per URL.
    more: number of further lines that are left out.
    """
    counts = [section for section in _sections(snapshot) if section[0] in _COUNTS]
    counts += _checks(snapshot.checks)
    text = "".join(f"{line}\n" for title, pieces in counts for line in _wrapped(title, pieces, width))
    text += "".join(f"{line}\n" for line in lines)
    return text + (f"and {units.count(more)} more, listed in the records\n" if more else "")


def decided(snapshot: Snapshot) -> list[str]:
    """Say which host decides how long the run takes, and why; nothing if it is not one host."""
    return [] if snapshot.eta_reason is None else [printable(f"decided by {snapshot.eta_reason}")]


def _sections(snapshot: Snapshot) -> Iterator[tuple[str, list[str]]]:
    if not snapshot.total and snapshot.passed_over:
        yield "done", ["nothing was left to do"]
        return
    whole = snapshot.done >= snapshot.total and not snapshot.reading
    yield (
        "done" if whole else "stopped",
        [
            counted(snapshot.done, "URL")
            if whole
            else f"{units.count(snapshot.done)} of {units.count(snapshot.total)}",
            f"in {units.spoken(snapshot.elapsed)}",
            units.rate(overall_rate(snapshot)),
            units.size(snapshot.bytes),
        ],
    )
    if not whole and not snapshot.reading and snapshot.eta is not None:
        left = counted(snapshot.total - snapshot.done, "URL")
        yield "left", [left, f"{units.spoken(snapshot.eta)} more", *decided(snapshot)]
    held_up = [printable(row.held_up) for row in snapshot.hosts if row.held_up is not None]
    if held_up and not whole:
        yield "held up", held_up[:SLOWEST]
    if snapshot.outcomes:
        yield "outcomes", [f"{word} {units.count(number)}" for word, number in ordered(snapshot.outcomes)]
    if snapshot.changes:
        yield "changes", changed(snapshot.changes)
    if errors := commonest(snapshot.errors):
        yield "errors", [f"{printable(word)} {units.count(number)}" for word, number in errors]
    if snapshot.requests:
        yield "requests", list(_requests(snapshot))
    if (latencies := snapshot.latencies) is not None and latencies.count:
        yield "latency", latency_pieces(latencies)
    if hosts := slowest(snapshot):
        yield "slowest", [f"{printable(row.host.netloc)} p95 {units.milliseconds(row.p95)} ms" for row in hosts]


def _striking(snapshot: Snapshot) -> Iterator[tuple[str, list[str]]]:
    """Show what is striking about pages that succeeded, a line each."""
    for place, note in enumerate(snapshot.striking):
        yield "" if place else "note", [printable(note)]


def changed(changes: Mapping[str, int]) -> list[str]:
    """Count the pages by how they changed, in the order in which that is shown."""
    from ..change import Change  # noqa: PLC0415 - for runs that know earlier ones

    return [f"{word} {units.count(changes[word])}" for word in Change if changes.get(word)]


def _by_change(changes: Mapping[str, int]) -> dict[str, int]:
    from ..change import Change  # noqa: PLC0415 - as above

    return {word: changes.get(word, 0) for word in Change}


def _checks(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, list[str]]]:
    """Show the result of each expression of ``--fail-if`` on a line of its own."""
    width = max((len(verdict.check.text) for verdict in verdicts), default=0)
    for number, verdict in enumerate(verdicts):
        held = f"{'FAILED' if verdict.holds else 'ok':<6}  {printable(verdict.check.text):<{width}}  {figure(verdict)}"
        yield "" if number else "checked", [held]


def figure(verdict: Verdict) -> str:
    """Format the figure that an expression is about."""
    if verdict.count is None:
        return units.spoken(verdict.value)
    count = units.count(verdict.count)
    return f"{verdict.value or 0.0:.2%} ({count} of {units.count(verdict.of or 0)})" if verdict.check.share else count


def _requests(snapshot: Snapshot) -> Iterator[str]:
    yield f"{units.count(snapshot.requests)} over {counted(snapshot.opened, 'connection')}"
    if saved := handshakes_saved(snapshot):
        yield f"{counted(saved, 'handshake')} saved ({units.reuse(snapshot.requests, snapshot.opened)} reuse)"
    if round(snapshot.saved):
        yield f"about {units.spoken(snapshot.saved)} of connecting saved"
    if snapshot.retried:
        yield counted(snapshot.retried, "retry", "retries")


def _wrapped(title: str, pieces: list[str], width: int) -> Iterator[str]:
    """Yield lines of whole pieces, the first with the title; a piece wider than a line is cut in its middle."""
    room = max(8, width - _INDENT)
    line = ""
    head = title
    for piece in (units.middle_cut(piece, room, "...") for piece in pieces):
        if line and len(line) + 2 + len(piece) > room:
            yield f"{head:<{_INDENT}}{line}"
            head, line = "", piece
        else:
            line = f"{line}  {piece}" if line else piece
    yield f"{head:<{_INDENT}}{line}"


def handshakes_saved(snapshot: Snapshot) -> int:
    """Count the requests that needed no connection of their own."""
    return max(0, snapshot.requests - snapshot.opened)


def summary_dict(snapshot: Snapshot) -> dict[str, Any]:
    """Summarize the run for a program. The keys are an API.

    done, total: number of targets with a final outcome, and of targets known.
    complete: whether all targets have one and every list was read to its end.
    elapsed: seconds.
    rate: outcomes per second over the run.
    bytes: of bodies as received.
    outcomes: number by word, with every word of ``OUTCOMES``.
    errors: number by slug, the most frequent first.
    striking: lines about pages that succeeded, such as "price: found in 0 of 300 pages".
    changes: number by word with --since, with every word of a record's ``change``; otherwise empty.
    requests, opened, handshakes_saved, retried: requests sent, connections opened, their difference, retries.
    hosts: number of hosts.
    saved: seconds that requests over kept connections did not spend on opening one, over all requests together: an
    estimate from the mean that opening a connection to each host took.
    latency: of all requests (retries included, robots.txt left out) count, p50, p95, p99 and max (seconds, within 3 %;
    max is exact), and buckets, a list of lower end, upper end and count.
    passed_over: number of targets that earlier records have already (--resume).
    slowest: up to ``SLOWEST`` objects of host, requests, errors, p50 and p95 (seconds).
    by_host: the same of all hosts, with done, total, opened and state; of a run with more than 10,000 finished hosts,
    the busiest.
    checks: one object per expression of ``--fail-if``: expression, value (a share for one with %, seconds for a
    duration, null if unknown), count, of (the total of a share; both are null for a duration), failed.
    """
    return {
        "done": snapshot.done,
        "total": snapshot.total,
        "complete": snapshot.done >= snapshot.total and not snapshot.reading,
        "elapsed": round(snapshot.elapsed, 3),
        "rate": round(overall_rate(snapshot), 3),
        "bytes": snapshot.bytes,
        "outcomes": {word: snapshot.outcomes.get(word, 0) for word in OUTCOMES},
        "errors": dict(commonest(snapshot.errors)),
        "striking": list(snapshot.striking),
        "changes": _by_change(snapshot.changes) if snapshot.changes else {},
        "requests": snapshot.requests,
        "opened": snapshot.opened,
        "handshakes_saved": handshakes_saved(snapshot),
        "retried": snapshot.retried,
        "hosts": snapshot.host_count,
        "saved": round(snapshot.saved, 3),
        "latency": _latency_dict(snapshot.latencies or LogHistogram()),
        "passed_over": snapshot.passed_over,
        "slowest": [_host_dict(row) for row in slowest(snapshot)],
        "by_host": [
            {**_host_dict(row), "done": row.done, "total": row.total, "opened": row.opened, "state": row.state}
            for row in snapshot.all_hosts
        ],
        "checks": [
            {
                "expression": verdict.check.text,
                "value": None if verdict.value is None else round(verdict.value, 6),
                "count": verdict.count,
                "of": verdict.of,
                "failed": verdict.holds,
            }
            for verdict in snapshot.checks
        ],
    }


def _host_dict(row: HostRow) -> dict[str, Any]:
    return {
        "host": str(row.host),
        "requests": row.requests,
        "errors": row.errors,
        "p50": _seconds(row.p50),
        "p95": _seconds(row.p95),
    }


def _latency_dict(latencies: LogHistogram) -> dict[str, Any]:
    return {
        "count": latencies.count,
        **{name: _seconds(value) for name, value in percentiles(latencies).items()},
        "buckets": [[round(begin, 7), round(end, 7), count] for begin, end, count in latencies.buckets()],
    }


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def summary_json(snapshot: Snapshot, exit_code: int) -> str:
    """Format ``summary_dict`` and ``exit_code`` as one JSON object, in ASCII."""
    return strict_json(json.dumps({**summary_dict(snapshot), "exit_code": exit_code}, indent=2)) + "\n"


Opener = Callable[[str, int], int]


def write_summary_json(path: str, snapshot: Snapshot, exit_code: int, opener: Opener | None = None) -> None:
    """Write ``summary_json`` to a file. Raises OutputError.

    opener: opens the file, as for ``open``.
    """
    text = summary_json(snapshot, exit_code)
    try:
        with open(path, "w", encoding="ascii", opener=opener) as file:
            file.write(text)
    except OSError as error:
        raise OutputError.from_error(path, error) from error
    except ValueError as error:  # a NUL in the path
        raise OutputError(path, str(error)) from None
