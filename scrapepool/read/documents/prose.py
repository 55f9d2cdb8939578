"""``--input-format prose``: the URLs in any text, such as a mail, Markdown, the source of a page or a log.

Decides where a URL begins: at ``http://``, ``https://`` and ``www.``. Where it ends is for linkify-it-py, which knows
brackets and punctuation; before that it ends at what no URL holds and at the partner of what stands before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from linkify_it import LinkifyIt

from ..formats.rows import MAX_LINE
from .document import Link

MAX_STRETCH = 1024 * 1024
"""Characters of text without white space that are looked through at once; longer ones are cut."""

CLOSES = dict(zip("'`|“„‘‚«‹「『（《〈【", "'`|””’’»›」』）》〉】", strict=True))  # noqa: RUF001 - these are meant
"""What ends a URL that stands right behind its partner. Parentheses, brackets and braces may be in pairs within it."""

_CUT = re.compile(r'[\s<>"](?=[^\s<>"]*\Z)')
_ESCAPES = {"&amp;": "&", "&#38;": "&", "&#x26;": "&", "\\/": "/", "&lt;": "<", "&gt;": ">", "&quot;": '"'}
_ESCAPES |= {"&#34;": '"', "&#39;": "'", "&#x27;": "'", "&apos;": "'", "&nbsp;": " ", "&#160;": " "}
_ESCAPE = re.compile("|".join(map(re.escape, _ESCAPES)), re.IGNORECASE)
_BEGIN = re.compile(r"https?://|(?<![\w.@/:+-])www\.(?=\w)", re.IGNORECASE)
_NO_PART = r'\s<>"`\\^\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff'
_STRETCH = re.compile(rf"(?>(?:(?![,;|]https?://)[^{_NO_PART}])*)", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?:[\w.~%!$&'*+;=:-]*@)?(?:\[[0-9a-fA-F:.]+\]|[\w.-]*\w)(?::\d{1,5}(?!\d))?")
_TRAILING = "?!.,:;|\u2026"
_EMPHASIS = "*_~"
"""What stands behind a URL at the end of a sentence or of a cell, and of an emphasis that began before it."""


def prose_links(pieces: Iterable[str]) -> Iterator[Link]:
    """Find the URLs of a text, in order."""
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
    """As much of a text that begins with a host as is the URL's; nothing where there is no host.

    trailing: characters that are not its last ones.
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
