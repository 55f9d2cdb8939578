"""One page, parsed as each kind of expression needs it: text, a tree of elements, JSON, JSON-LD objects.

Decides what counts as HTML and as JSON, and the base of relative references. Everything is parsed at most once, and
only on request. Knows no expressions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..charset import decode_text, text_charset
from ..errors import InvalidURLError
from ..text import brief
from ..url import join, parse
from .extraction import Page, UnreadableError

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser

_NAMED_BY = ("property", "name", "itemprop", "http-equiv")


class ParsedPage:
    """Parses one page. Every property except ``text`` raises UnreadableError if the page has another format."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._absolute: dict[str, str | None] = {}

    def require_markup(self) -> None:
        """Raise UnreadableError if the Content-Type is neither markup nor text."""
        content_type = (self._page.content_type or "").partition(";")[0].strip().lower()
        if content_type and not content_type.startswith("text/") and not content_type.endswith(("/xml", "+xml")):
            raise UnreadableError(f"not HTML but {brief(content_type)}")

    @cached_property
    def text(self) -> str:
        """The body in its charset."""
        return decode_text(self._page.body, self._page.charset)

    @cached_property
    def _charset(self) -> str:
        return text_charset(self._page.body, self._page.charset)

    @cached_property
    def tree(self) -> LexborHTMLParser:
        """The document as a browser would build it."""
        from selectolax.lexbor import LexborHTMLParser  # noqa: PLC0415 - an extra

        self.require_markup()
        return LexborHTMLParser(self.text)

    @cached_property
    def document(self) -> Any:
        """The document for XPath: XML by the rules of XML if its Content-Type says so, else HTML. No entity is read."""
        from lxml import etree  # noqa: PLC0415 - an extra

        self.require_markup()
        kind = (self._page.content_type or "").partition(";")[0].strip().lower()
        is_xml = kind.endswith(("/xml", "+xml")) and kind != "application/xhtml+xml"
        parser: Any = etree.HTMLParser(encoding="utf-8", no_network=True)
        if is_xml:
            parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
        try:
            document = etree.fromstring(self._page.body if is_xml else self.text.encode("utf-8", "replace"), parser)
        except etree.LxmlError as error:
            raise UnreadableError(f"not {'XML' if is_xml else 'HTML'}: {_reason(error)}") from None
        if document is None:
            raise UnreadableError("no element")
        return document

    @cached_property
    def json(self) -> Any:
        """The body as JSON, whatever its Content-Type says."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError) as error:
            raise UnreadableError(f"not JSON: {_reason(error)}") from None

    @cached_property
    def base(self) -> str:
        """The base of relative references: the page's ``<base href>``, or else its URL."""
        element = self.tree.css_first("base[href]")
        try:
            base = join(self._page.url, "" if element is None else element.attributes.get("href") or "")
            parse(base)
        except InvalidURLError:
            return self._page.url
        return base

    def absolute(self, reference: str) -> str | None:
        """Resolve a reference against the base; None if it is invalid. Cached, as pages repeat most references."""
        if reference not in self._absolute:
            try:
                self._absolute[reference] = join(self.base, reference, self._charset)
            except InvalidURLError:
                self._absolute[reference] = None
        return self._absolute[reference]

    @cached_property
    def metas(self) -> Mapping[str, list[str]]:
        """Contents of the ``<meta>`` elements by lower-cased name (property, itemprop, http-equiv), in order."""
        found: dict[str, list[str]] = {}
        for element in self.tree.css("meta[content]"):
            attributes = element.attributes
            names = {(attributes.get(attribute) or "").strip().lower() for attribute in _NAMED_BY}
            for name in names - {""}:
                found.setdefault(name, []).append(attributes["content"] or "")
        return found

    @cached_property
    def json_ld(self) -> list[Any]:
        """The page's JSON-LD objects in order. Objects in a list or a ``@graph`` are separate objects."""
        objects: list[Any] = []
        reasons = []
        for script in self.tree.css('script[type="application/ld+json" i]'):
            try:
                objects += _objects(json.loads(script.text(), strict=False))  # line ends in strings are common
            except (ValueError, RecursionError) as error:
                reasons.append(_reason(error))
        if reasons and not objects:
            raise UnreadableError(f"not JSON-LD: {reasons[0]}")
        return objects


def _objects(value: Any) -> Iterator[Any]:
    for item in value if isinstance(value, list) else [value]:
        yield item
        graph = item.get("@graph") if isinstance(item, dict) else None
        if isinstance(graph, list):
            yield from graph


def _reason(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else brief(str(error), 100)
