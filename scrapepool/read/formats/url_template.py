"""``--url-template``: makes a URL from the columns of a row.

Supports the simple and the reserved expansion of RFC 6570 (``{id}``, ``{+path}``) with one variable each. Knows no row
format.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ...errors import SettingsError
from ...lazy_pattern import lazy_pattern
from ..characters import control_in
from .rows import RowError, named

RESERVED = ":/?#[]@!$&'()*+,;="
"""Characters that ``{+name}`` does not encode (RFC 3986 section 2.2)."""

_VARIABLE = lazy_pattern(r"\{(\+?)([^{}]+)\}")


class URLTemplate:
    """A parsed template. columns: the names that it uses. Raises SettingsError for an invalid template."""

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
        """Insert a row's values into the URL, percent-encoded. Raises RowError if one is missing or empty."""
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
