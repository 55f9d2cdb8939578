"""Feeds: RSS 0.9 to 2.0 with RSS 1.0's RDF, and Atom (RFC 4287).

Decides which link of an entry counts: Atom's ``alternate`` or RSS's ``<link>``, else a ``<guid>`` or ``<id>`` that is a
URL and is not marked as no permalink, else the enclosure. Elements of extensions, which have a prefix, are ignored,
except for two dates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ...errors import InvalidURLError, ListError
from ...url import join
from .document import SHOWN, Document, Link, link_to
from .element_parser import parse_elements
from .markup import End, Start, Token, attributes_of

ROOTS = frozenset({"rss", "rdf", "feed", "channel"})
ENTRIES = frozenset({"item", "entry"})
TEXTS = {
    "title": "title",
    "link": "link",
    "guid": "guid",
    "id": "guid",
    "pubdate": "date",
    "dc:date": "date",
    "published": "date",
    "issued": "date",
    "updated": "updated",
    "modified": "updated",
    "source": "source",
}
"""Elements whose text is used, and what for. Elements inside them are ignored: a source has a title, too."""

MAX_TEXT = 64 * 1024
"""Characters of an element's text that are read. A longer URL is rejected; other texts are truncated."""

RELATIONS = "http://www.iana.org/assignments/relation/"
"""The prefix of a link relation that is written in full (RFC 4287 section 4.2.7.2)."""


def feed_links(document: Document, tokens: Iterable[Token]) -> Iterator[Link]:
    """Iterate over the entries of a feed, each with its title and date.

    Raises ListError for a document that is no feed, and for one that is cut off.
    """
    return parse_elements(_FeedParser(document), tokens, document.name, kind="feed", found="entries")


@dataclass(slots=True)
class _Entry:
    """An entry, as far as it was parsed. texts: by use. alternate, enclosure: references. base: from ``xml:base``."""

    name: str
    base: str | None
    texts: dict[str, str] = field(default_factory=dict)
    alternate: str | None = None
    enclosure: str | None = None
    permalink: bool = True


class _FeedParser:
    """A feed, as far as it was parsed. root: its first element."""

    def __init__(self, document: Document) -> None:
        self.root = ""
        self._name = document.name
        self._base = document.base
        self._prefix = ""
        self._entry: _Entry | None = None
        self._element = ""  # whose text is read
        self._use = ""  # of that text

    def text(self, text: str) -> None:
        if self._element and self._entry is not None and len(self._entry.texts[self._use]) <= MAX_TEXT:
            self._entry.texts[self._use] += text

    def start(self, tag: Start) -> None:
        if not self.root:
            before, colon, name = tag.name.rpartition(":")
            if name not in ROOTS:
                raise ListError(self._name, f"is not a feed: its first element is <{tag.name[:40]}>")
            self.root, self._prefix, self._base = tag.name, before + colon, _base(tag, self._base)
            return
        name = tag.name.removeprefix(self._prefix)  # the prefixes of extensions stay
        if name in ENTRIES:
            self._entry, self._element = _Entry(tag.name, _base(tag, self._base)), ""
        elif self._entry is not None and not self._element:
            use = TEXTS.get(name)
            if not _took(self._entry, name, tag) and use is not None and not self._entry.texts.get(use):
                self._element, self._use = tag.name, use
                self._entry.texts[use] = ""

    def end(self, tag: End) -> Iterator[Link]:
        if tag.name == self._element:
            self._element = ""
        entry = self._entry
        if entry is not None and tag.name == entry.name:
            self._entry, self._element = None, ""
            yield _link(entry)


def _took(entry: _Entry, name: str, tag: Start) -> bool:
    """Use the attributes of a link element. Return whether the element's text can be ignored."""
    if name == "guid":
        entry.permalink = attributes_of(tag).get("ispermalink", "true").strip().lower() != "false"
        return False
    if name not in ("link", "enclosure"):
        return False
    said = attributes_of(tag)
    kind = said.get("rel", "alternate").strip().lower().removeprefix(RELATIONS)
    if name == "enclosure" or kind == "enclosure":
        entry.enclosure = entry.enclosure or said.get("url") or said.get("href")
        return True
    if "href" in said and kind == "alternate" and entry.alternate is None:
        entry.alternate = _joined(_base(tag, entry.base), said["href"])
    return "href" in said


def _link(entry: _Entry) -> Link:
    texts = {use: " ".join(text.split()) for use, text in entry.texts.items()}
    guid = texts.pop("guid", "")
    is_url = guid.lower().startswith(("http://", "https://"))
    url = entry.alternate or texts.pop("link", "") or (guid if is_url and entry.permalink else "") or entry.enclosure
    updated = texts.pop("updated", "")
    said = {"title": texts.get("title", ""), "date": texts.get("date", "") or updated}
    said = {name: text[:MAX_TEXT] for name, text in said.items() if text}
    if url and len(url) > MAX_TEXT:
        return Link(url[:SHOWN], said, f"a link longer than {MAX_TEXT // 1024} KiB")
    return link_to(url, entry.base, said) if url else Link(said.get("title", ""), said, "an entry without a link")


def _base(tag: Start, base: str | None) -> str | None:
    """Resolve an ``xml:base`` (XML Base, section 4)."""
    if "xml:base" not in tag.attributes.lower():
        return base
    return _joined(base, attributes_of(tag).get("xml:base", "")) or base


def _joined(base: str | None, reference: str) -> str:
    reference = reference.strip()
    try:
        return reference if base is None else join(base, reference)
    except InvalidURLError:
        return reference
