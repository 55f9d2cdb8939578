"""Turns an outcome into a record: the value of each field (``record_fields`` has their names and types).

Knows neither formats nor files nor the run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from typing import Any

from ...charset import decode_text
from ...errors import UsageError
from ...header import is_harmless
from ...model import (
    SUCCESSES,
    Deferred,
    Outcome,
    RowRequest,
    Step,
    Timings,
    TLSFacts,
    Unchanged,
    Wait,
    error_of,
    verdict,
)
from ...record_fields import FIELDS, TABLE, TIMINGS, TLS_FACTS
from ...settings import OutputSettings
from ...text import HIDDEN, printable
from ...validators import NOTHING

OBJECTS = frozenset({"timings", "tls", "input", "data", "headers", "before"})
"""Fields whose entries can be named, as ``timings.ttfb``."""

GET = "GET"
"""The method that records need not name."""

_OPTIONS = {field.name: field.option for field in TABLE if field.option is not None}
"""Fields that need an option, with that option."""

_LAST_INSTANT = 253_402_300_799.999  # 9999-12-31T23:59:59.999Z: RFC 3339 years have four digits


def known_fields(settings: OutputSettings, method: str = GET) -> tuple[str, ...]:
    """Name the fields that a record can have under ``settings``, in order."""
    named = settings.named_fields
    there = {"method": method != GET or "method" in named, "list": settings.lists or "list" in named}
    there |= {
        name: bool(getattr(settings, "compared" if option == "--since" else name)) for name, option in _OPTIONS.items()
    }
    return tuple(name for name in FIELDS if there.get(name, True))


def with_option(column: str) -> str:
    """Name a column together with the option that it is there by, if it needs one."""
    option = _OPTIONS.get(column.partition(".")[0]) or ("several lists" if column == "list" else None)
    return column if option is None else f"{column} ({option})"


def chosen_fields(settings: OutputSettings, method: str = GET) -> tuple[str, ...]:
    """Return the fields of ``--fields``, in its order and each once; without it, all fields that a record can have.

    Fields behind a ``+`` are added to all fields. Raises UsageError for a name that is no field, or that needs an
    option which is not given.
    """
    known = known_fields(settings, method)
    named = settings.named_fields
    if settings.fields is not None and not named:
        raise UsageError("--fields names no field")
    for name in named:
        field, dot, entry = name.partition(".")
        if field in _OPTIONS and field not in known:
            raise UsageError(f"the field {name} needs {_OPTIONS[field]}")
        if dot and field in OBJECTS and entry:
            entries = {"timings": TIMINGS, "tls": TLS_FACTS, "data": settings.data}.get(field)
            if entries is not None and entry not in entries:
                raise UsageError(f"unknown field: {printable(name)}; {field} has {', '.join(entries)}")
        elif name not in FIELDS:
            raise UsageError(f"unknown field: {printable(name)}; choose from {', '.join(known)}")
    if settings.has_all_fields:
        return (*known, *(name for name in named if name not in known))
    return named


def record(outcome: Outcome, settings: OutputSettings, method: str = GET) -> dict[str, Any]:
    """Return the record of an outcome: JSON values, fields in order.

    ``change``, ``fresh`` and ``before`` are there where an outcome has them; ``list``, ``headers``, ``body``, ``data``
    and ``history`` as ``settings`` ask, ``not_before`` for a deferral only, ``input`` where the target has one,
    ``request`` where something tells it from others of its URL, ``method`` where it is not GET. Durations are seconds.
    """
    target = outcome.target
    fields: dict[str, Any] = {
        "url": target.url,
        "line": target.line,
        **({"list": target.source} if settings.lists else {}),
        "outcome": verdict(outcome),
        "status": outcome.status,
        "error": error_of(outcome),
        "detail": None if outcome.detail is None else printable(outcome.detail),
        "final_url": outcome.final_url,
        "redirects": list(outcome.redirects),
        "hops": [hop._asdict() for hop in outcome.hops],
        "attempts": outcome.attempts,
        "started": None if outcome.started is None else instant(outcome.started),
        "elapsed": round(outcome.elapsed, 6),
        "waited": round(outcome.waited, 3),
        "content_type": outcome.content_type,
        "charset": outcome.charset,
        "bytes": length(outcome),
        "wire_bytes": outcome.wire_bytes,
        "sha256": outcome.sha256,
        "reused": outcome.reused,
        "path": outcome.path,
        "complete": outcome.complete,
        "remote": outcome.remote,
        "timings": None if outcome.timings is None else _steps(outcome.timings),
    }
    if settings.tls:
        fields["tls"] = None if outcome.tls is None else _tls(outcome.tls)
    etag, last_modified, fresh_until, vary = outcome.validators or NOTHING
    fields["etag"], fields["last_modified"] = etag, last_modified
    fields["fresh_until"] = None if fresh_until is None else instant(fresh_until)
    fields["vary"] = vary
    if outcome.change is not None:
        fields["change"] = outcome.change
    if isinstance(outcome, Unchanged) and outcome.fresh:
        fields["fresh"] = True
    if outcome.before is not None:
        fields["before"] = dict(outcome.before.record)
    if isinstance(outcome, Deferred):
        fields["not_before"] = instant(outcome.not_before)
    if settings.headers:
        fields["headers"] = None if outcome.headers is None else joined_headers(outcome.headers)
    if settings.body:
        fields["body"] = None if outcome.body is None else decode_text(outcome.body, outcome.charset)
    if settings.wants_data:
        fields["data"] = outcome.data
    if settings.history:
        fields["history"] = [_step(step) for step in outcome.history or ()]
    if target.input is not None:
        fields["input"] = dict(target.input)
    fields.update(own_fields(outcome, method))
    return fields


def length(outcome: Outcome) -> int | None:
    """Return the length of a body; None for one that is unchanged, of which no earlier record tells it."""
    return (outcome.bytes or None) if isinstance(outcome, Unchanged) else outcome.bytes


def own_fields(outcome: Outcome, method: str = GET) -> dict[str, Any]:
    """Return how a target with a request of its own was requested: ``request``, ``row_request`` and ``method``."""
    target = outcome.target
    fields: dict[str, Any] = {}
    if (apart := target.apart(method)) is not None:
        request: dict[str, Any] = {"method": apart.method, "data_sha256": apart.data or None} if apart.method else {}
        fields["request"] = request if apart.occurrence == 1 else {**request, "occurrence": apart.occurrence}
    if target.request is not None and verdict(outcome) not in SUCCESSES and (said := row_request(target.request)):
        fields["row_request"] = said
    if (asked := target.method(method)) != GET:
        fields["method"] = asked
    return fields


def row_request(request: RowRequest) -> dict[str, Any]:
    """Write what a row sets for its request as rows of lists do, so that it can be repeated.

    Header fields that may hold a secret are hidden. ``data`` that is not UTF-8, which only a program can pass, is left
    out.
    """
    said: dict[str, Any] = {name: getattr(request, name) for name in ("method", "timeout", "save_as")}
    if request.headers:
        said["headers"] = {name: value if is_harmless(name) else HIDDEN for name, value in request.headers}
    if request.data is not None:
        with suppress(UnicodeDecodeError):
            said["data"] = request.data.decode()
    return {name: value for name, value in said.items() if value is not None}


def found(fields: dict[str, Any], name: str) -> Any:
    """Return a field of a record, or an entry of one that is an object, as ``input.id``; None where there is none."""
    field, dot, entry = name.partition(".")
    value = fields.get(field)
    if not dot:
        return value
    return value.get(entry) if isinstance(value, dict) else None


def selection(settings: OutputSettings, method: str = GET) -> Callable[[Outcome], dict[str, Any]]:
    """Return a function that makes the records that ``settings`` ask for.

    With ``--fields`` every record has exactly the fields named, null where an outcome has none; those behind a ``+``
    are added to the fields that it has anyway. Raises UsageError.
    """
    chosen = chosen_fields(settings, method)
    if settings.has_all_fields:
        added = settings.named_fields

        def add(outcome: Outcome) -> dict[str, Any]:
            whole = record(outcome, settings, method)
            beside = {"method": outcome.target.method(method), "list": outcome.target.source}
            return whole | {name: found(beside | whole, name) for name in added if name not in whole}

        return add if added else lambda outcome: record(outcome, settings, method)

    def select(outcome: Outcome) -> dict[str, Any]:
        whole = record(outcome, settings, method)
        whole["method"] = outcome.target.method(method)
        whole["list"] = outcome.target.source
        return {name: found(whole, name) for name in chosen}

    return select


def instant(unix: float) -> str:
    """Write Unix seconds as RFC 3339 in UTC with milliseconds; what lies beyond the years 1970 to 9999 is clamped."""
    if not 0.0 <= unix <= _LAST_INSTANT:
        unix = max(0.0, min(_LAST_INSTANT, unix))
    second, millisecond = divmod(int(unix * 1000), 1000)
    return f"{_second(second)}.{millisecond:03}Z"


@lru_cache(maxsize=256)  # the seconds of late: many records start in the same one
def _second(unix: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(unix))


def _steps(timings: Timings) -> dict[str, float | None]:
    return {
        name: None if seconds is None else round(seconds, 6) for name, seconds in zip(TIMINGS, timings, strict=True)
    }


def _tls(facts: TLSFacts) -> dict[str, str | None]:
    expires = None if facts.expires is None else instant(facts.expires)
    texts = {name: None if text is None else printable(text) for name, text in zip(TLS_FACTS, facts[:4], strict=False)}
    return {**texts, "expires": expires}


def _step(step: Step) -> dict[str, Any]:
    """Return a wait as ``waited`` and ``for``, and an attempt without the fields that it lacks."""
    if isinstance(step, Wait):
        return {"waited": round(step.seconds, 3), "for": step.why}
    fields = {
        "attempt": step.number,
        "url": step.url,
        "started": None if step.started is None else instant(step.started),
        "elapsed": round(step.elapsed, 6),
        "status": step.status,
        "error": step.error,
        "detail": None if step.detail is None else printable(step.detail),
        "remote": step.remote,
        "reused": step.reused,
        "timings": None if step.timings is None else _steps(step.timings),
        "retry_after": step.retry_after,
        "redirected_to": step.redirected_to,
    }
    return {name: value for name, value in fields.items() if value is not None}


def joined_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str | list[str]]:
    """Map header fields by lower-cased name, repeated ones joined with ``, `` (RFC 9110 section 5.3).

    ``set-cookie`` is a list, as its values hold commas (RFC 6265 section 3).
    """
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value)
    return {name: found if name == "set-cookie" else ", ".join(found) for name, found in values.items()}
