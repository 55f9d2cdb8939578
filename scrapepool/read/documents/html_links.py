"""The links of an HTML page: the targets of its ``<a>`` and ``<area>`` elements.

Links to http and https count; fragments of the same page, mail addresses and scripts do not. Links are resolved against
the page's first ``<base>``, as in browsers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress

from ...errors import InvalidURLError
from ...lazy_pattern import lazy_pattern
from ...url import join, parse, plain, without_line_breaks
from ..entries import NO_BASE_URL
from .document import Document, Link
from .markup import End, Token, attributes_of

MAX_TEXT = 4096
"""Characters of a link's text that are kept."""

_SCHEME = lazy_pattern(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_AROUND = "".join(map(chr, range(0x21)))  # the URL standard strips these around a URL


def page_links(document: Document, tokens: Iterable[Token], charset: str = "utf-8") -> Iterator[Link]:
    """Yield the links of a page with their texts. charset: of the page; queries are encoded in it."""
    base, based = document.base, False
    open_link: str | None = None
    text = ""
    for token in tokens:
        if isinstance(token, str):
            if open_link is not None and len(text) < MAX_TEXT:
                text += token
            continue
        if token.name == "a" and open_link is not None:  # its end tag, or the next link if that is missing
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
    """Resolve a link. An absolute link stays as written if that is the same request."""
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
    """Whether a reference is relative or has the scheme http or https."""
    scheme = _SCHEME.match(reference)
    return scheme is None or scheme[0].lower() in ("http:", "https:")
