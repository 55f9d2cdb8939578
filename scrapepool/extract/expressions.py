"""The kinds of expressions: CSS, XPath, regular expressions, JMESPath over JSON and JSON-LD, names of ``<meta>``.

Decides what each kind finds on a page, and which of several matches is used. Each kind is a function that compiles an
expression into a function that finds the values on a page.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jmespath
from jmespath.exceptions import ArityError, JMESPathError, UnknownFunctionError

from ..errors import SettingsError
from ..lazy_pattern import lazy_pattern
from ..selection import Selection
from ..text import brief
from .extraction import UnreadableError
from .parsed_page import ParsedPage

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

Find = Callable[[ParsedPage], Any]

URL_ATTRIBUTES = frozenset(
    {"action", "background", "cite", "data", "formaction", "href", "longdesc", "manifest", "poster", "src"}
)
"""Attributes that hold one URL (HTML, index of attributes); their values are resolved to absolute URLs."""

MOST_LEVELS = 100
"""Nested lists and objects in a value."""

_PSEUDO = lazy_pattern(r"::\s*(text|html|attr\(\s*([^\s()]+)\s*\))\s*$", re.IGNORECASE)
_KEYWORD = lazy_pattern(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`)|@([A-Za-z_]\w*)""", re.DOTALL)


def find_for(selection: Selection) -> Find:
    """Compile a selection. Raises SettingsError."""
    try:
        return _KINDS[selection.kind](selection.expression, selection.every)
    except _WrongError as error:
        raise SettingsError("output.select {}: {}", selection.name, error) from None


class _WrongError(Exception):
    """Why an expression does not compile. Never leaves this module."""


def _css(expression: str, every: bool) -> Find:
    """Find elements: their text with collapsed white space, or what ``::text``, ``::attr(name)``, ``::html`` select."""
    from selectolax.lexbor import LexborHTMLParser, SelectolaxError  # noqa: PLC0415 - an extra

    pseudo = _PSEUDO.search(expression)
    selector = expression[: pseudo.start()].strip() if pseudo else expression.strip()
    try:
        LexborHTMLParser("").css(selector)
    except (SelectolaxError, UnicodeError):
        raise _WrongError(f"not a CSS selector: {brief(selector)}") from None
    attribute = (pseudo[2] or "").lower() if pseudo else ""
    if attribute:
        return _attribute(selector, attribute, every)
    value = _VALUES[pseudo[1].lower()] if pseudo else _whole_text

    def all_of(page: ParsedPage) -> list[str]:
        return [value(node) for node in page.tree.css(selector)]

    def first(page: ParsedPage) -> str | None:
        node = page.tree.css_first(selector)
        return None if node is None else value(node)

    return all_of if every else first


def _attribute(selector: str, name: str, every: bool) -> Find:
    def values(page: ParsedPage) -> list[str]:
        found = [(attrs[name] or "") for node in page.tree.css(selector) if name in (attrs := node.attributes)]
        if not every:
            del found[1:]
        return [page.absolute(value) or value for value in found] if name in URL_ATTRIBUTES else found

    return values if every else lambda page: next(iter(values(page)), None)


def _whole_text(node: LexborNode) -> str:
    return _collapsed(node.text())


def _own_text(node: LexborNode) -> str:
    return _collapsed(node.text(deep=False))


def _collapsed(text: str) -> str:
    return " ".join(text.split())


_VALUES: dict[str, Callable[[LexborNode], str]] = {"text": _own_text, "html": lambda node: node.html or ""}


def _xpath(expression: str, every: bool) -> Find:
    """Find elements (their text with collapsed white space), attributes, text, and values of functions by XPath 1.0."""
    from lxml import etree  # noqa: PLC0415 - an extra

    try:
        compiled = etree.XPath(expression)
    except etree.XPathSyntaxError as error:
        raise _WrongError(f"not an XPath expression: {brief(expression)}: {error}") from None

    def all_of(page: ParsedPage) -> list[Any]:
        try:
            found = compiled(page.document)
        except etree.XPathError as error:
            raise UnreadableError(brief(str(error), 100)) from None
        return [_xpath_value(value, page) for value in (found if isinstance(found, list) else [found])]

    return all_of if every else lambda page: next(iter(all_of(page)), None)


def _xpath_value(value: Any, page: ParsedPage) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        return _collapsed("".join(value.itertext()))
    if (name := getattr(value, "attrname", None)) is not None:
        return (page.absolute(value) or str(value)) if name in URL_ATTRIBUTES else str(value)
    return _collapsed(value)


def _re(expression: str, every: bool) -> Find:
    """Find what the pattern's group matches in the page's text, or the whole match if it has no group."""
    try:
        pattern = re.compile(expression)
    except (re.error, RecursionError, OverflowError) as error:
        raise _WrongError(f"not a regular expression: {brief(expression)}: {error}") from None
    if pattern.groups > 1:
        raise _WrongError(f"{pattern.groups} groups in {brief(expression)}; keep one and write the others as (?:...)")
    group = pattern.groups

    def first(page: ParsedPage) -> str | None:
        match = pattern.search(page.text)
        return None if match is None else match[group]

    return (lambda page: [match[group] for match in pattern.finditer(page.text)]) if every else first


def _json(expression: str, every: bool) -> Find:
    """Find any JSON value in a JSON body by JMESPath."""
    search = _jmespath(expression)
    return (lambda page: _listed([search(page.json)])) if every else lambda page: search(page.json)


def _json_ld(expression: str, every: bool) -> Find:
    """Search each of the page's JSON-LD objects by JMESPath; ``@type`` needs no quotes."""
    search = _jmespath(_KEYWORD.sub(lambda found: found[1] or f'"@{found[2]}"', expression))

    def all_of(page: ParsedPage) -> list[Any]:
        return _listed([search(item) for item in page.json_ld])

    def first(page: ParsedPage) -> Any:
        return next((value for item in page.json_ld if (value := search(item)) is not None), None)

    return all_of if every else first


def _listed(values: list[Any]) -> list[Any]:
    """Flatten lists among the values, and leave out nulls."""
    return [item for value in values for item in (value if isinstance(value, list) else [value]) if item is not None]


def _jmespath(expression: str) -> Callable[[Any], Any]:
    try:
        compiled = jmespath.compile(expression)
        try:
            compiled.search(None)
        except (UnknownFunctionError, ArityError):
            raise
        except JMESPathError:
            pass  # a function that does not accept null
    except (JMESPathError, RecursionError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise _WrongError(f"not a JMESPath expression: {brief(expression)}: {brief(reason, 100)}") from None

    def search(value: Any) -> Any:
        try:
            return _shallow(compiled.search(value))
        except JMESPathError as error:
            raise UnreadableError(brief(str(error), 100)) from None

    return search


def _shallow(value: Any, levels: int = MOST_LEVELS) -> Any:
    """Return the value. Raises UnreadableError if it is nested so deeply that writing it could fail."""
    if isinstance(value, list | dict):
        if not levels:
            raise UnreadableError(f"lists and objects nested more than {MOST_LEVELS} deep")
        for item in value.values() if isinstance(value, dict) else value:
            _shallow(item, levels - 1)
    return value


def _meta(expression: str, every: bool) -> Find:
    """Find the content of ``<meta>`` elements by name, property, itemprop or http-equiv, case-insensitively."""
    name = expression.strip().lower()
    if every:
        return lambda page: list(page.metas.get(name, ()))
    return lambda page: next(iter(page.metas.get(name, ())), None)


_KINDS: dict[str, Callable[[str, bool], Find]] = {
    "css": _css,
    "xpath": _xpath,
    "re": _re,
    "json": _json,
    "meta": _meta,
    "jsonld": _json_ld,
}
