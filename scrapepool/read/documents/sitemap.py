"""Sitemaps and their indexes (sitemaps.org protocol 0.90).

Finds the URLs, and the sitemaps of an index. Elements of extensions (images, news, other languages), which have another
prefix than the root element, are ignored. Fetches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...errors import ListError
from .document import SHOWN, ChildSitemap, Document, Link, link_to
from .element_parser import parse_elements
from .markup import End, Start, Token

ROOTS = ("urlset", "sitemapindex")
ENTRIES = {"url": False, "sitemap": True}
FIELDS = frozenset({"loc", "lastmod", "changefreq", "priority"})
MAX_FIELD = 64 * 1024
"""Characters of a field's text that are read. A longer URL is rejected; other fields are truncated."""


def sitemap_links(document: Document, tokens: Iterable[Token]) -> Iterator[Link | ChildSitemap]:
    """Iterate over the URLs of a sitemap with their other fields, and the sitemaps of an index.

    Raises ListError for a document that is no sitemap, and for one that is cut off.
    """
    return parse_elements(_SitemapParser(document), tokens, document.name, kind="sitemap", found="URLs")


class _Field:
    """A field of an entry. nested: whether it is inside an element that is not part of the protocol."""

    def __init__(self, name: str, *, nested: bool) -> None:
        self.name = name
        self.nested = nested
        self.text = ""


class _SitemapParser:
    """A sitemap, as far as it was parsed. root: its first element. Only elements with the same prefix count."""

    def __init__(self, document: Document) -> None:
        self.root = ""
        self._document = document
        self._prefix = ""
        self._entry: str | None = None
        self._unknown: str | None = None  # an open element of the entry that is not part of the protocol
        self._field: _Field | None = None
        self._fields: list[_Field] = []

    def text(self, text: str) -> None:
        if self._field is not None and len(self._field.text) <= MAX_FIELD:
            self._field.text += text

    def start(self, tag: Start) -> None:
        before, colon, name = tag.name.rpartition(":")
        self._field = None
        if not self.root:
            if name not in ROOTS:
                raise ListError(self._document.name, f"is not a sitemap: its first element is <{tag.name[:40]}>")
            self.root, self._prefix = tag.name, before + colon
        elif before + colon != self._prefix:
            return
        elif name in ENTRIES:
            self._entry, self._unknown, self._fields = name, None, []
        elif self._entry is None:
            return
        elif name in FIELDS:
            self._field = _Field(name, nested=self._unknown is not None)
            self._fields.append(self._field)
        elif self._unknown is None:
            self._unknown = tag.name

    def end(self, tag: End) -> Iterator[Link | ChildSitemap]:
        self._field = None
        if tag.name == self._unknown:
            self._unknown = None
        if self._entry is None or tag.name != self._prefix + self._entry:
            return
        is_child, self._entry = ENTRIES[self._entry], None
        own = [field for field in self._fields if not field.nested]
        locs = [field for field in own if field.name == "loc"] or [
            field for field in self._fields if field.name == "loc"
        ]
        said: dict[str, str] = {}
        for field in own:
            if field.name != "loc":
                said.setdefault(field.name, field.text.strip()[:MAX_FIELD])
        urls = [url for field in locs if (url := field.text.strip())]
        if not urls:
            yield Link("", said, "no <loc>")
        for url in urls:
            yield self._found(url, said, is_child=is_child)

    def _found(self, url: str, said: dict[str, str], *, is_child: bool) -> Link | ChildSitemap:
        if len(url) > MAX_FIELD:
            return Link(url[:SHOWN], said, f"a <loc> longer than {MAX_FIELD // 1024} KiB")
        link = link_to(url, self._document.base, said)
        return ChildSitemap(link.url) if is_child and link.reason is None else link
