"""``--url-template``: a URL out of a row's columns.

Decides how a column's value is written into a URL: simple and reserved expansion of RFC 6570 (``{id}``, ``{+path}``),
for one variable each. Knows no rows' format.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ...errors import SettingsError
from ..characters import control_in
from .rows import RowError, named

RESERVED = ":/?#[]@!$&'()*+,;="
"""What ``{+name}`` leaves as it is (RFC 3986 section 2.2)."""

_VARIABLE = re.compile(r"\{(\+?)([^{}]+)\}")


class URLTemplate:
    """A template, taken apart once. columns: the names that it asks for. Raises SettingsError for one that is none."""

    def __init__(self, text: str) -> None:
        if (control := control_in(text)) is not None:
            raise SettingsError("input.url_template: {} in {!r}", control, text)
        self._text = text
        self.columns = [name for _, name in _VARIABLE.findall(text)]
        if not self.columns:
            raise SettingsError("input.url_template: no {{column}} in {!r}", text)
        if "{" in (rest := _VARIABLE.sub("", text)) or "}" in rest:
            raise SettingsError("input.url_template: a brace without its other half in {!r}", text)

    def __repr__(self) -> str:
        return f"<URLTemplate {self._text}>"

    def expand(self, row: Mapping[str, Any]) -> str:
        """Write a row's values into the URL, percent-encoded. Raises RowError where one is missing or empty."""
        return _VARIABLE.sub(lambda found: _value(found[2], row, RESERVED if found[1] else ""), self._text)


def _value(name: str, row: Mapping[str, Any], safe: str) -> str:
    if name not in row:
        raise RowError(f"no {name!r} for the template; there is {named(row)}")
    value = row[name]
    if isinstance(value, bool):
        value = "true" if value else "false"
    if value is None or value == "":
        raise RowError(f"{name!r} is empty, and the template needs it")
    if not isinstance(value, str | int | float):
        raise RowError(f"{name!r} is neither text nor a number")
    if (control := control_in(text := str(value))) is not None:
        raise RowError(f"{control} in {name!r}")
    return quote(text, safe=safe, errors="replace")
