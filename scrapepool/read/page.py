"""The links of an HTML page: what its ``<a>`` and ``<area>`` elements lead to.

Decides which of them count: those to http and https; places on the same page, mail addresses and scripts are no links
that could be fetched. Everything is relative to the page's first ``<base>``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..errors import InvalidURLError
from ..url import join
from .links import Document, Link, link_to
from .markup import End, Token, attributes_of

MAX_TEXT = 4096
"""Characters of a link's text that are kept."""

_OTHER_SCHEME = re.compile(r"(?!https?:)[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_AROUND = " \t\r\n\f"


def page_links(document: Document, tokens: Iterable[Token]) -> Iterator[Link]:
    """Find the links of a page, each with its text."""
    base, based = document.base, False
    open_link: str | None = None
    text = ""
    for token in tokens:
        if isinstance(token, str):
            if open_link is not None and len(text) < MAX_TEXT:
                text += token
            continue
        if token.name == "a" and open_link is not None:  # its end, or another that begins without it
            yield _link(open_link, base, text)
            open_link = None
        if isinstance(token, End) or token.name not in ("a", "area", "base"):
            continue
        said = attributes_of(token)
        href = said.get("href")
        if href is None:
            continue
        href = href.strip(_AROUND)
        if token.name == "base":
            if not based:
                base, based = _joined(base, href), True
        elif href and not href.startswith("#") and not _OTHER_SCHEME.match(href):
            if token.name == "area":
                yield _link(href, base, said.get("alt", ""))
            else:
                open_link, text = href, ""
    if open_link is not None:
        yield _link(open_link, base, text)


def _link(href: str, base: str | None, text: str) -> Link:
    shown = " ".join(text[:MAX_TEXT].split())
    return link_to(href, base, {"text": shown} if shown else None)


def _joined(base: str | None, href: str) -> str | None:
    try:
        joined = href if base is None else join(base, href)
    except InvalidURLError:
        return base
    return joined if joined[:8].lower().startswith(("http://", "https://")) else base
