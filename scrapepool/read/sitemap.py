"""Sitemaps and their indexes (sitemaps.org protocol 0.90).

Decides which elements are URLs, and which lead to further sitemaps. What belongs to extensions (images, news, other
languages) is passed over: it is told from the protocol's own elements by its prefix. Fetches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..errors import ListError
from .links import Child, Document, Link, link_to
from .markup import End, Start, Token

ROOTS = ("urlset", "sitemapindex")
ENTRIES = {"url": False, "sitemap": True}
FIELDS = frozenset({"loc", "lastmod", "changefreq", "priority"})
MAX_FIELD = 64 * 1024
"""Characters of a field's text that are read."""


def sitemap_links(document: Document, tokens: Iterable[Token]) -> Iterator[Link | Child]:
    """Find the URLs of a sitemap, with what it says of them, and the sitemaps of an index.

    Raises ListError for another document, and for one that ends too early.
    """
    reading = _Reading(document)
    for token in tokens:
        if isinstance(token, str):
            reading.text(token)
        elif isinstance(token, Start):
            reading.start(token)
        elif token.name == reading.root:
            return
        elif (found := reading.end(token)) is not None:
            yield found
    if not reading.root:
        raise ListError(document.name, "is no sitemap: there is no element in it")
    raise ListError(document.name, f"ends before </{reading.root}>, so that URLs may be missing")


class _Reading:
    """A sitemap as far as it was read. root: its first element; its prefix is that of all that counts."""

    def __init__(self, document: Document) -> None:
        self.root = ""
        self._document = document
        self._prefix = ""
        self._entry: str | None = None
        self._field: str | None = None
        self._said: dict[str, str] = {}

    def text(self, text: str) -> None:
        if self._field is not None and len(self._said[self._field]) < MAX_FIELD:
            self._said[self._field] += text

    def start(self, tag: Start) -> None:
        before, colon, name = tag.name.rpartition(":")
        self._field = None
        if not self.root:
            if name not in ROOTS:
                raise ListError(self._document.name, f"is no sitemap: its first element is <{tag.name[:40]}>")
            self.root, self._prefix = tag.name, before + colon
        elif before + colon != self._prefix:
            return
        elif name in ENTRIES:
            self._entry, self._said = name, {}
        elif self._entry is not None and name in FIELDS and name not in self._said:
            self._field = name
            self._said[name] = ""

    def end(self, tag: End) -> Link | Child | None:
        self._field = None
        if self._entry is None or tag.name != self._prefix + self._entry:
            return None
        is_child, self._entry = ENTRIES[self._entry], None
        fields = {name: text.strip() for name, text in self._said.items()}
        url = fields.pop("loc", "")
        if not url:
            return Link("", fields, "no <loc>")
        link = link_to(url, self._document.base, fields)
        return Child(link.url) if is_child and link.reason is None else link
