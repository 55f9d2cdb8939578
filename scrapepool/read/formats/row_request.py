"""The request overrides of a row of JSON Lines: its own method, header fields, body and timeout.

Overrides are an object under the key ``request``; with ``--row-requests`` also the columns ``method``, ``data`` and so
on. Without that option such a column must not change a request: many data sets, and this program's own records, have
columns of these names.
"""

from __future__ import annotations

import json
import math
from typing import Any

from ...header import field_fault
from ...model import OUTCOMES, RowRequest
from .rows import RowError

REQUEST = "request"
KEYS = ("method", "headers", "data", "timeout", "save_as")
PLACE = "place"
"""Where a row that ``retry`` fetches again was taken from: its line, and the name of its list."""
NAMES = frozenset(KEYS)
ASKING = NAMES | {REQUEST}
"""A row with none of these keys has no overrides."""

FORBIDDEN = frozenset({"CONNECT", "TRACE", "TRACK"})
"""The forbidden methods of the Fetch standard (section 2.2.1)."""

MAX_TIMEOUT = 20 * 86_400
"""Seconds: the upper limit of a row's timeout, as of ``--timeout``."""


def is_record(row: dict[str, Any]) -> bool:
    """Whether a row is a record of ``fetch``, whose keys describe a response."""
    return isinstance(row.get("url"), str) and row.get("outcome") in OUTCOMES


def take_request(row: dict[str, Any], *, columns: bool) -> RowRequest | None:
    """Remove a row's request overrides and return them; None if there are none. A null counts as missing.

    They are the object under ``request``, or with ``columns`` the row's own keys. Raises RowError.
    """
    if isinstance(row.get(REQUEST), dict):
        said = row[REQUEST]
        _check_keys(said)
        del row[REQUEST]
    elif columns:
        said = {key: row.pop(key) for key in KEYS if key in row}
    else:
        return None
    taken = {key: value for key, value in said.items() if value is not None}
    if not taken:
        return None
    headers = _headers(taken.get("headers", {}))
    data = None
    if "data" in taken:
        data, is_json = _data(taken["data"])
        if is_json and not any(name.lower() == "content-type" for name, _ in headers):
            headers = (*headers, ("Content-Type", "application/json"))
    return RowRequest(
        method=_method(taken["method"]) if "method" in taken else None if data is None else "POST",
        headers=headers,
        data=data,
        timeout=_timeout(taken["timeout"]) if "timeout" in taken else None,
        save_as=_save_as(taken["save_as"]) if "save_as" in taken else None,
        place=_place(taken[PLACE]) if PLACE in taken else None,
    )


def _place(value: Any) -> tuple[int | None, str | None]:
    match value:
        case [int() | None as line, str() | None as name]:
            return line, name
    raise RowError(f"no place: {value!r}; retry alone writes them")


def _check_keys(said: dict[str, Any]) -> None:
    for key in said:
        if key not in NAMES and key != PLACE:
            raise RowError(
                f"{REQUEST} has the key {key!r}; it takes {', '.join(KEYS)} (without row requests it is a column)"
            )


def _method(value: Any) -> str:
    if not (isinstance(value, str) and value.isascii() and value.isalpha()):
        raise RowError(f"no HTTP method: {value!r}")
    method = value.upper()
    if method in FORBIDDEN:
        raise RowError(f"the method {method} is not allowed")
    return method


def _headers(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        raise RowError("headers are no JSON object")
    fields = []
    for name, content in value.items():
        if isinstance(content, bool) or not isinstance(content, str | int):
            raise RowError(f"the header {name!r} is no text")
        fault = field_fault(name, text := str(content).strip())
        if fault is not None:
            raise RowError(fault)
        fields.append((name, text))
    return tuple(fields)


def _data(value: Any) -> tuple[bytes, bool]:
    """Return the body, and whether it is JSON: text is sent unchanged, an object or array as JSON."""
    if not isinstance(value, str | dict | list):
        raise RowError("data is neither text nor an object or array")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode(), not isinstance(value, str)
    except UnicodeEncodeError:
        raise RowError("data holds a lone surrogate, which UTF-8 cannot carry") from None


def _timeout(value: Any) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 < value <= MAX_TIMEOUT
        or math.isnan(value)
    ):
        raise RowError(f"no timeout: {value!r}; give seconds above 0")
    return float(value)


def _save_as(value: Any) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise RowError("save_as is no file name")
    return value
