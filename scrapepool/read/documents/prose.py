"""``--input-format prose``: finds the URLs in any text, such as mail, Markdown, source code or a log.

A URL begins at ``http://``, ``https://`` or ``www.``. It ends at a character that no URL contains, or at the closing
partner of the quote before it; linkify-it-py then decides about brackets and punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from linkify_it import LinkifyIt

from ...lazy_pattern import lazy_pattern
from ..formats.rows import MAX_LINE
from .document import Link

MAX_STRETCH = 1024 * 1024
"""Characters of text without white space that are searched at once; a longer stretch is split."""

CLOSES = dict(zip("'`|“„‘‚«‹「『（《〈【", "'`|””’’»›」』）》〉】", strict=True))  # noqa: RUF001 - these are meant
"""Ends a URL that directly follows the opening partner. Parentheses, brackets and braces may be part of a URL."""

_CUT = lazy_pattern(r'[\s<>"](?=[^\s<>"]*\Z)')
_ESCAPES = {"&amp;": "&", "&#38;": "&", "&#x26;": "&", "\\/": "/", "&lt;": "<", "&gt;": ">", "&quot;": '"'}
_ESCAPES |= {"&#34;": '"', "&#39;": "'", "&#x27;": "'", "&apos;": "'", "&nbsp;": " ", "&#160;": " "}
_ESCAPE = lazy_pattern("|".join(map(re.escape, _ESCAPES)), re.IGNORECASE)
_BEGIN = lazy_pattern(r"https?://|(?<![\w.@/:+-])www\.(?=\w)", re.IGNORECASE)
_NO_PART = r'\s<>"`\\^\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff'
_STRETCH = lazy_pattern(rf"(?>(?:(?![,;|]https?://)[^{_NO_PART}])*)", re.IGNORECASE)
_AUTHORITY = lazy_pattern(r"(?:[\w.~%!$&'*+;=:-]*@)?(?:\[[0-9a-fA-F:.]+\]|[\w.-]*\w)(?::\d{1,5}(?!\d))?")
_TRAILING = "?!.,:;|\u2026"
_EMPHASIS = "*_~"
"""Characters of emphasis. Like trailing punctuation, the closing one behind a URL is not part of it."""


def prose_links(pieces: Iterable[str]) -> Iterator[Link]:
    """Yield the URLs of a text, in order."""
    rest = ""
    for piece in pieces:
        rest += piece
        cut = _CUT.search(rest, max(0, len(rest) - MAX_STRETCH))
        if cut is not None or len(rest) > MAX_STRETCH:
            end = len(rest) if cut is None else cut.end()
            yield from _links(rest[:end])
            rest = rest[end:]
    yield from _links(rest)


def _links(text: str) -> Iterator[Link]:
    if "&" in text or "\\/" in text:
        text = _ESCAPE.sub(lambda found: _ESCAPES[found[0].lower()], text)
    at = 0
    while (begin := _BEGIN.search(text, at)) is not None:
        at = begin.end()
        stretch = _STRETCH.match(text, at)
        assert stretch is not None  # noqa: S101  # it matches the empty string too
        behind = stretch[0]
        before = text[begin.start() - 1 : begin.start()]
        if before in CLOSES:
            behind = behind.partition(CLOSES[before])[0]
        behind = _url(behind, _TRAILING + before if before in _EMPHASIS else _TRAILING)
        if behind:
            at += len(behind)
            too_long = len(behind) > MAX_LINE
            yield Link(begin[0] + behind, None, f"longer than {MAX_LINE // 1024} KiB" if too_long else None)


def _url(text: str, trailing: str) -> str:
    """Return the part of a text behind ``://`` that belongs to the URL; empty if it does not begin with a host.

    trailing: characters that do not end a URL.
    """
    authority = _AUTHORITY.match(text)
    if authority is None:
        return ""
    behind = text[authority.end() :]
    if behind[:1] not in ("/", "?", "#"):
        return authority[0]
    length = _linkify().test_schema_at(f"//h{behind}", "http:", 0) - len("//h")
    return authority[0] + behind[: max(0, length)].rstrip(trailing)


@cache
def _linkify() -> LinkifyIt:
    return LinkifyIt()
