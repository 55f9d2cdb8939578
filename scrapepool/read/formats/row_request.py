"""What a row of a JSON Lines list requests otherwise than the run: its own method, header fields, body and timeout.

Decides which keys of a row are meant so, and which of their values can be meant. A column that only happens to be
called ``data`` or ``method``, as in records of this program and in many a data set, must not change a request: a
request of a row's own stands under the key ``request``, or an option says that columns are meant. Sends nothing.
"""

from __future__ import annotations

import json
import math
from typing import Any

from ...groups import OUTCOMES
from ...header import field_fault
from ...model import RowRequest
from .rows import RowError

REQUEST = "request"
KEYS = ("method", "headers", "data", "timeout", "save_as")
NAMES = frozenset(KEYS)
ASKING = NAMES | {REQUEST}
"""Keys without which a row has no request of its own."""

FORBIDDEN = frozenset({"CONNECT", "TRACE", "TRACK"})
"""Methods that no row can have: the forbidden ones of the Fetch standard (section 2.2.1)."""

LONGEST = 20 * 86_400
"""Seconds that a row's timeout may last, as one of the command line."""


def is_record(row: dict[str, Any]) -> bool:
    """Whether a row is a record of ``fetch``, whose keys tell of a response."""
    return isinstance(row.get("url"), str) and row.get("outcome") in OUTCOMES


def take_request(row: dict[str, Any], *, columns: bool) -> RowRequest | None:
    """Take a row's own request out of it: an object under ``request``, else, with ``columns``, the row's own keys.

    None where it has none. A null counts as not there. Raises RowError.
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
    )


def _check_keys(said: dict[str, Any]) -> None:
    for key in said:
        if key not in NAMES:
            raise RowError(
                f"{REQUEST} has the key {key!r}; it takes {', '.join(KEYS)} (with --no-row-requests it is a column)"
            )


def _method(value: Any) -> str:
    if not (isinstance(value, str) and value.isascii() and value.isalpha()):
        raise RowError(f"no HTTP method: {value!r}")
    method = value.upper()
    if method in FORBIDDEN:
        raise RowError(f"{method} is no method that a row can have")
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
    """The body, and whether it was JSON: text is sent as it stands, an object or array as JSON."""
    if not isinstance(value, str | dict | list):
        raise RowError("data is neither text nor an object or array")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode(), not isinstance(value, str)
    except UnicodeEncodeError:
        raise RowError("data holds a lone surrogate, which UTF-8 cannot carry") from None


def _timeout(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST or math.isnan(value):
        raise RowError(f"no timeout: {value!r}; give seconds above 0")
    return float(value)


def _save_as(value: Any) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise RowError("save_as is no file name")
    return value
