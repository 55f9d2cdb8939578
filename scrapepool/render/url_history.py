"""The history of one URL, from its record, in plain words.

Decides what is said, in which order and how. A pure function of the record, which may lack any field, and may hold
anything if another program wrote it. Knows no files.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..model import WaitReason
from ..plural import counted
from ..text import printable
from . import units

OUTCOMES = {
    "ok": "it succeeded",
    "unchanged": "the server says that the page is unchanged",
    "http_error": "the server responded with an error status",
    "failed": "no complete response was received",
    "skipped": "it was not requested",
    "deferred": "its host asked for a longer pause than --max-park",
}
"""What the words of a record's ``outcome`` mean."""

REASONS: dict[str, str] = {
    WaitReason.TURN: "for its turn",
    WaitReason.DELAY: "for its turn on a host with a delay between requests",
    WaitReason.ROBOTS: "for the host's robots.txt",
    WaitReason.RETRY_AFTER: "as long as the server asked for (Retry-After)",
    WaitReason.PARKED: "while the host got no requests, after 429 or 503",
    WaitReason.CIRCUIT: "while the host was down and was only probed",
    WaitReason.WINDOW: "for the hours in which the host may be requested",
    WaitReason.BACKOFF: "before the retry (backoff)",
    WaitReason.OUTAGE: "while the network seemed down",
}
"""What a URL waited for, by the words of a record's ``history``."""

STEPS = {"dns": "DNS", "connect": "connect", "tls": "TLS", "ttfb": "first byte", "download": "body"}
"""The names of the steps of a record's ``timings``."""

HOST, NETWORK = "its host", "the network"
WHOSE = (HOST, NETWORK)
"""What an attempt can count against instead of the URL."""

TELL_MORE = "For every attempt and every wait, write the records with fetch --verbose."

_TIME = len("00:00:00.000")
_INDENT = " " * (_TIME + 2)


def url_history(record: Mapping[str, Any], times: int = 1) -> str:
    """Describe what happened to a URL, line by line, without control characters.

    times: number of records of this URL; this is the last one.
    """
    lines = [_text(record.get("url")) or "a record without a URL", *_place(record, times), ""]
    history = record.get("history")
    steps = history if isinstance(history, list) else []
    middle = [*_date(record), *_history(steps)] if steps else [*_summary(record)]
    lines += [*middle, ""] if middle else []
    lines += _verdict(record)
    if not isinstance(history, list):
        lines += ["", TELL_MORE]
    return "".join(f"{line}\n" for line in lines)


def _place(record: Mapping[str, Any], times: int) -> Iterator[str]:
    line = _number(record.get("line"))
    if line is not None:
        name = _text(record.get("list"))
        yield f"line {line:.0f} of {name or 'its list'}"
    method = _text(record.get("method"))
    if method is not None:
        yield f"requested with {method}"
    if times > 1:
        yield f"{times} records of this URL; this is the last one, which counts"


def _date(record: Mapping[str, Any]) -> Iterator[str]:
    started = _text(record.get("started"))
    if started is not None:
        yield f"{started[:10]}, times in UTC"


# -- with a history --------------------------------------------------------------------------------


def _history(history: list[Any]) -> Iterator[str]:
    begun: float | None = None
    given_back = _given_back(history)
    for at, step in enumerate(history):
        if not isinstance(step, dict):
            continue
        seconds = _number(step.get("waited"))
        if seconds is not None:
            why = _text(step.get("for")) or ""
            yield f"{_INDENT}waited {units.spoken(seconds)} {REASONS.get(why, f'for {why}')}"
            continue
        number = _number(step.get("attempt"))
        goes_on = number is not None and number == begun
        begun = number if _text(step.get("redirected_to")) else None
        yield from _attempt(step, goes_on=goes_on)
        if at in given_back:
            yield f"{_INDENT}counted against {given_back[at]}, not against this URL"
    if given_back:
        against = [f"{units.count(list(given_back.values()).count(whose))} against {whose}" for whose in WHOSE]
        own = _counted(history)
        yield f"{counted(own, 'of the attempts counts', 'of the attempts count')} for this URL; " + (
            ", ".join(text for text in against if not text.startswith("0 "))
        )


def _given_back(history: list[Any]) -> dict[int, str]:
    """Return what failed instead of the URL, by the place of each attempt that was not counted.

    An attempt was not counted if the next one has its number.
    """
    given_back: dict[int, str] = {}
    last: tuple[int, float] | None = None
    begun: float | None = None
    whose = HOST
    for at, step in enumerate(history):
        if not isinstance(step, dict):
            continue
        if _number(step.get("waited")) is not None:
            whose = NETWORK if _text(step.get("for")) == WaitReason.OUTAGE else whose
            continue
        number = _number(step.get("attempt"))
        if last is not None and number == last[1] and number != begun:
            given_back[last[0]] = whose
        begun = number if _text(step.get("redirected_to")) else None
        last, whose = None if number is None else (at, number), HOST
    return given_back


def _counted(history: list[Any]) -> int:
    """Count the attempts that count for the URL: those with a number of their own."""
    return len({_number(step.get("attempt")) for step in history if isinstance(step, dict)} - {None})


def _attempt(step: Mapping[str, Any], *, goes_on: bool) -> Iterator[str]:
    """Describe one attempt. goes_on: whether a redirect to another host led to it."""
    number = _number(step.get("attempt"))
    name = "continued" if goes_on else f"attempt {number:.0f}" if number is not None else "attempt"
    time = (_text(step.get("started")) or "")[11 : 11 + _TIME]
    yield f"{time:{_TIME}}  {name}: {_result(step)}"
    if goes_on and (url := _text(step.get("url"))) is not None:
        yield f"{_INDENT}at {url}"
    yield from (f"{_INDENT}{line}" for line in _how(step))


def _result(attempt: Mapping[str, Any]) -> str:
    """Describe how an attempt ended, and how long it took."""
    onward = _text(attempt.get("redirected_to"))
    if onward is not None:
        status = _number(attempt.get("status"))
        what = f"redirected to {onward}" if status is None else f"status {status:.0f}, redirected to {onward}"
    else:
        status, error, detail = (
            _number(attempt.get("status")),
            _text(attempt.get("error")),
            _text(attempt.get("detail")),
        )
        pieces = [f"status {status:.0f}"] if status is not None else []
        if error is not None and not (status is not None and error.startswith("http_")):
            pieces.append(error)
        what = ", ".join(pieces) or "no response"
        if detail is not None:
            what = f"{what} ({detail})"
    elapsed = _number(attempt.get("elapsed"))
    return what if elapsed is None else f"{what}, after {units.latency(elapsed)}"


def _how(attempt: Mapping[str, Any]) -> Iterator[str]:
    """Describe the connection of an attempt, and how long its steps took."""
    remote = _text(attempt.get("remote"))
    if remote is not None:
        reused = attempt.get("reused") is True
        yield (
            f"over a connection to {remote} that was used before" if reused else f"over a new connection to {remote}"
        )
    timings = attempt.get("timings")
    if isinstance(timings, dict):
        found = [(name, _number(timings.get(step))) for step, name in STEPS.items()]
        steps = [f"{name} {units.latency(seconds)}" for name, seconds in found if seconds is not None]
        if steps:
            yield ", ".join(steps)
    after = _number(attempt.get("retry_after"))
    if after is not None:
        yield f"the server asked to wait {units.spoken(after)}"


# -- without one -----------------------------------------------------------------------------------


def _summary(record: Mapping[str, Any]) -> Iterator[str]:
    """Describe the attempts of a record without a history: their number, and the last one."""
    attempts, waited = _number(record.get("attempts")), _number(record.get("waited"))
    started = _text(record.get("started"))
    if not attempts:
        if waited:
            yield f"never requested; it waited {units.spoken(waited)}"
        return
    when = "" if started is None else f", the first at {started[:10]} {started[11 : 11 + _TIME]} UTC"
    yield f"{counted(int(attempts), 'attempt')}{when}"
    if waited:
        yield f"{units.spoken(waited)} of waiting before attempts (backoff, limits, or a pause that the host asked for)"
    yield f"{'the attempt' if attempts == 1 else 'the last attempt'}: {_result(record)}"
    yield from _how(record)


# -- both ------------------------------------------------------------------------------------------


def _verdict(record: Mapping[str, Any]) -> Iterator[str]:
    outcome = _text(record.get("outcome")) or "unknown"
    status, error, detail = (_text(record.get(name)) for name in ("status", "error", "detail"))
    facts = [fact for fact in (f"status {status}" if status else None, error) if fact is not None]
    yield f"{outcome}: {OUTCOMES.get(outcome, 'an outcome that this version of scrapepool does not know')}" + (
        f" ({', '.join(facts)})" if facts else ""
    )
    if detail is not None:
        yield detail
    yield from _redirects(record)
    size, kind = _number(record.get("bytes")), _text(record.get("content_type"))
    if status is not None and size is not None:
        whole = "" if record.get("complete") is not False else ", cut"
        yield f"{units.size(int(size))} {f'of {kind}' if kind else 'without a Content-Type'}{whole}"
    path = _text(record.get("path"))
    if path is not None:
        yield f"saved as {path}"
    not_before = _text(record.get("not_before"))
    if not_before is not None:
        yield f"it may be requested again from {not_before[:10]} {not_before[11:19]} UTC on"


def _redirects(record: Mapping[str, Any]) -> Iterator[str]:
    redirects = record.get("redirects")
    if not isinstance(redirects, list) or not redirects:
        return
    final = _text(record.get("final_url"))
    hops = record.get("hops")
    statuses = [hop.get("status") for hop in hops if isinstance(hop, dict)] if isinstance(hops, list) else []
    lines: list[str] = []
    for place, url in enumerate([*redirects[1:], *([final] if final is not None else [])]):
        status = _number(statuses[place]) if place < len(statuses) else None
        by = "" if status is None else f" with status {status:.0f}"
        lines.append(f"redirected{by} to {_text(url)}")
    shown = _lines_before_loop(lines)
    yield from (f"then {line}" if place else line for place, line in enumerate(lines[: shown or None]))
    if shown:
        yield f"and so on in a loop: {counted(len(lines), 'redirect')}"


def _lines_before_loop(lines: Sequence[str]) -> int:
    """Return how many lines there are before they repeat to the end; 0 if they do not."""
    first: dict[str, int] = {}
    for place, line in enumerate(lines):
        if line in first:
            period = place - first[line]
            return place if lines[place:] == lines[first[line] : -period] else 0
        first[line] = place
    return 0


def _number(value: Any) -> float | None:
    """Return a finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:
        return None


def _text(value: Any) -> str | None:
    """Return a value as text that is safe to show; None if there is none."""
    return None if value is None or value == "" else printable(str(value))
