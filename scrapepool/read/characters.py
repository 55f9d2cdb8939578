"""Characters that must not be in a URL of a list: control characters, and invisible ones before the host.

Decides how they are named in messages. In the links of a page, tabs and line breaks are dropped, as browsers do. In a
list they separate two values, which must not be joined into one URL.
"""

from __future__ import annotations

import re
import unicodedata

from ..lazy_pattern import lazy_pattern

_CONTROL = lazy_pattern("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LINE_BREAKS = frozenset("\n\v\f\r\x85\u2028\u2029")
_BEFORE_HOST = lazy_pattern(r"(?:https?:/*)?", re.IGNORECASE)
_INVISIBLE = lazy_pattern(
    "[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
"""Invisible characters: Unicode's Default_Ignorable_Code_Point, and the specials."""


def control_in(text: str) -> str | None:
    """Name the first control character in a text; None if there is none."""
    found = _CONTROL.search(text)
    if found is None:
        return None
    if found[0] == "\t":
        return "a tab"
    if found[0] in _LINE_BREAKS:
        return "a line break"
    return "a NUL" if found[0] == "\0" else f"a control character (U+{ord(found[0]):04X})"


def invisible_before_host(entry: str) -> str | None:
    """Name the first invisible character before a URL's host, or at the start of an entry; None if there is none."""
    if entry.isascii():
        return None
    before = _BEFORE_HOST.match(_INVISIBLE.sub("", entry))
    visible = before.end() if before is not None else 0
    found = _INVISIBLE.search(entry)
    if found is None or found.start() > visible:
        return None
    name = unicodedata.name(found[0], "")
    return f"an invisible character (U+{ord(found[0]):04X}{name and ' '}{name})"
