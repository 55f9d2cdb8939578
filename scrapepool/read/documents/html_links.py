"""The links of an HTML page: what its ``<a>`` and ``<area>`` elements lead to.

Decides which of them count: those to http and https; places on the same page, mail addresses and scripts are no links
that could be fetched. Everything is relative to the page's first ``<base>``, and resolved as browsers do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress

from ...errors import InvalidURLError
from ...url import join, parse, plain, without_line_breaks
from .document import NO_BASE_URL, Document, Link
from .markup import End, Token, attributes_of

MAX_TEXT = 4096
"""Characters of a link's text that are kept."""

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_AROUND = "".join(map(chr, range(0x21)))  # with the line breaks and tabs inside, what the URL standard drops first


def page_links(document: Document, tokens: Iterable[Token], charset: str = "utf-8") -> Iterator[Link]:
    """Find the links of a page, each with its text. charset: of the page, in which queries are encoded."""
    base, based = document.base, False
    open_link: str | None = None
    text = ""
    for token in tokens:
        if isinstance(token, str):
            if open_link is not None and len(text) < MAX_TEXT:
                text += token
            continue
        if token.name == "a" and open_link is not None:  # its end, or another that begins without it
            yield _link(open_link, base, text, charset)
            open_link = None
        if isinstance(token, End) or token.name not in ("a", "area", "base"):
            continue
        said = attributes_of(token)
        href = said.get("href")
        if href is None:
            continue
        href = without_line_breaks(href).strip(_AROUND)
        if token.name == "base":
            if not based:
                base, based = _joined(base, href), True
        elif href and not href.startswith("#") and _is_http(href):
            if token.name == "area":
                yield _link(href, base, said.get("alt", ""), charset)
            else:
                open_link, text = href, ""
    if open_link is not None:
        yield _link(open_link, base, text, charset)


def _link(href: str, base: str | None, text: str, charset: str) -> Link:
    shown = " ".join(text[:MAX_TEXT].split())
    said = {"text": shown} if shown else None
    try:
        return Link(_absolute(href, base, charset), said)
    except InvalidURLError as error:
        relative = base is None and not _SCHEME.match(href)
        return Link(href, said, NO_BASE_URL if relative else error.reason)


def _absolute(href: str, base: str | None, charset: str) -> str:
    """Resolve a link. An absolute one stays as the page spells it, where that requests the same."""
    joined = join(base, f"https:{href}" if base is None and href.startswith("//") else href, charset)
    if _SCHEME.match(href):
        with suppress(InvalidURLError):
            return plain(href) if parse(href) == parse(joined) else joined
    return joined


def _joined(base: str | None, href: str) -> str | None:
    try:
        joined = join(base, href)
    except InvalidURLError:
        return base
    return joined if _is_http(joined) else base


def _is_http(reference: str) -> bool:
    """Whether a reference is relative, or has a scheme that can be fetched."""
    scheme = _SCHEME.match(reference)
    return scheme is None or scheme[0].lower() in ("http:", "https:")
