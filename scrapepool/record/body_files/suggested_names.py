"""The names that a response suggests for its own file: by Content-Disposition (RFC 6266), and by the title of a page.

Decides how these are read. ``file_names`` makes them safe: they come from the server.
"""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import unquote_to_bytes

from ...charset import decode_text
from ...lazy_pattern import lazy_pattern
from ...model import Outcome

TITLE_WITHIN = 64 * 1024
"""Bytes of a page in which its title is looked for."""

MAX_TITLE = 120
"""Characters of a title that become part of a name."""

_EXTENDED = lazy_pattern(r"""(?:^|;)\s*filename\*\s*=\s*"?([\w!#$%&+^`{}~-]*)'[^';]*'([^;\s"]+)""", re.IGNORECASE)
_PLAIN = lazy_pattern(r"""(?:^|;)\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))""", re.IGNORECASE)
_TITLE = lazy_pattern(r"<title(?:\s[^>]*)?>(.*?)</title\s*>", re.IGNORECASE | re.DOTALL)


def disposition_name(outcome: Outcome) -> str | None:
    """Return the file name of a Content-Disposition without folders; None if there is none.

    ``filename*`` comes before ``filename`` (RFC 6266, section 4.3). ``filename`` is UTF-8 if its bytes are, as browsers
    read it, although RFC 9110 allows only ISO-8859-1.
    """
    for name, value in outcome.headers or ():
        if name.lower() == "content-disposition":
            found = _extended(value) or _plain(value)
            last = re.split(r"[/\\]", found or "")[-1].strip(" .")
            return last or None
    return None


def _extended(value: str) -> str | None:
    """Return the value of ``filename*`` (RFC 8187); None if there is none, or if it is not in its charset."""
    found = _EXTENDED.search(value)
    if found is None:
        return None
    try:
        return unquote_to_bytes(found[2]).decode(found[1] or "utf-8")
    except (LookupError, UnicodeDecodeError):
        return None


def _plain(value: str) -> str | None:
    found = _PLAIN.search(value)
    if found is None:
        return None
    text = found[2] if found[1] is None else re.sub(r"\\(.)", r"\1", found[1])
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def page_title(outcome: Outcome) -> str | None:
    """Return the title of a page, with collapsed white space; None if there is none."""
    if not outcome.body:
        return None
    found = _TITLE.search(decode_text(outcome.body[:TITLE_WITHIN], outcome.charset))
    return None if found is None else " ".join(unescape(found[1]).split())[:MAX_TITLE].strip() or None
