"""XML and HTML cut into tags and text, as leniently as feeds and sitemaps in the wild ask for.

Decides where a tag ends and what a character reference stands for. Expat refuses one in six of the feeds that
feedparser is tested with, among them those with a bare ``&`` in a URL, with ``&nbsp;``, with a blank line before the
declaration. Here nothing is refused and nothing is fetched: a DTD is passed over, so there are no entities to expand
and none to load; an unknown one stays as it is. Takes time in proportion to the input and holds at most MAX_TAG of it
beside the piece at hand, whatever it says. Knows no element by its meaning, apart from those of HTML whose content is
no markup.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator
from html import unescape
from html.entities import html5
from typing import NamedTuple

MAX_TAG = 64 * 1024
"""Characters of the longest tag that is read; a longer one is passed over."""

LONGEST_REFERENCE = 40
"""Characters that may yet belong to a character reference at the end of a piece; the longest name has 31."""

LONGEST_END = 32
"""Characters that may yet belong to what ends a comment, a section or an element of raw text."""

RAW_TEXT = frozenset({"script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes"})
"""Elements of HTML up to whose end tag there are no tags (WHATWG HTML section 13.2.6.4)."""

_VALUE = r'"[^"]*+"|\'[^\']*+\'|(?!["\'])[^\s>]*+'
_TEXT_AND_TAG = re.compile(rf"([^<]*+)<(/?)([a-z_:][^\s/>]*+)((?>(?:[^>=]++|=\s*+(?:{_VALUE}))*))>", re.IGNORECASE)
_ATTRIBUTE = re.compile(rf"([^\s=>/]+)(?:\s*=\s*({_VALUE}))?")
_DECLARATION = re.compile(r"[\[>]")
_REFERENCE = re.compile(r"&(?:#(x[0-9a-f]{1,8}|[0-9]{1,8})|([a-z][a-z0-9]{1,30}))(;?)", re.IGNORECASE)
_NAME = re.compile(r"[a-z_:]", re.IGNORECASE)

_COMMENT_END = re.compile(r"--!?>")
_CDATA_END = re.compile(r"\]\]>")
_DTD_END = re.compile(r"\]\s*>")
_TAG_END = re.compile(r">")
_XML_INSTRUCTION_END = re.compile(r"\?>")
_CDATA = "<![CDATA["


class Start(NamedTuple):
    """A start tag. name: in lower case, with its prefix. attributes: as written, for ``attributes_of``."""

    name: str
    attributes: str


class End(NamedTuple):
    """An end tag; also that of an XML element which has none."""

    name: str


Token = Start | End | str
"""A str is text, its references resolved. It may come in several pieces."""


def tokens(pieces: Iterable[str], *, html: bool) -> Iterator[Token]:
    """Cut markup into tags and text, piece by piece. html: by the rules of HTML, not XML. Never raises."""
    cutter = _Cutter(html)
    for piece in pieces:
        yield from cutter.cut(piece)
    yield from cutter.cut("", last=True)


def attributes_of(start: Start) -> dict[str, str]:
    """Give a tag's attributes by name, in lower case with their prefix; the first of each name counts."""
    found: dict[str, str] = {}
    for name, value in _ATTRIBUTE.findall(start.attributes):
        bare = value[1:-1] if value[:1] in ('"', "'") and value else value
        found.setdefault(name.lower(), resolved(bare))
    return found


def resolved(text: str) -> str:
    """Put characters for references: numeric ones, and HTML's names, of which XML's five are some.

    A name without its semicolon is left alone before ``=`` and letters, as browsers do in attributes, so that
    ``?a=1&copy=2`` stays a query.
    """
    return _REFERENCE.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    number, name, end = found.groups()
    if number is not None:
        return unescape(f"&#{number};")
    known = html5.get(name + end)
    return found[0] if known is None or (not end and found.string.startswith("=", found.end())) else known


class _Cutter:
    """Holds what of the input is not cut yet. until: what the input is passed over to; kept: whether as text."""

    def __init__(self, html: bool) -> None:
        self._html = html
        self._held = ""
        self._until: re.Pattern[str] | None = None
        self._kept = False

    def cut(self, piece: str, *, last: bool = False) -> Iterator[Token]:
        """Cut what was held and this piece. last: nothing follows, so that nothing is held back."""
        text = self._held + piece if self._held else piece
        at, size = 0, len(text)
        while at < size:
            if self._until is not None:
                at, over = yield from self._passed_over(self._until, text, at, last)
                if not over:
                    break
                continue
            at, raw = yield from self._tags(text, at)
            if raw:
                continue
            tag = text.find("<", at)
            end = tag if tag >= 0 else self._whole(text, at, last)
            if end > at:
                yield resolved(text[at:end])
            at = end
            if tag < 0 or (size - at < len(_CDATA) and not last):
                break
            begun = self._begun(text, at, last)
            if begun is None:
                break
            if begun == at:  # a "<" that begins nothing
                yield "<"
                begun = at + 1
            at = begun
        self._held = text[at:]

    def _tags(self, text: str, at: int) -> Generator[Token, None, tuple[int, bool]]:
        """Give whole tags and the text before each, which is what most input consists of.

        Returns where they end, and whether with a tag after which there are none for a while.
        """
        while (found := _TEXT_AND_TAG.match(text, at)) is not None:
            before, closing, name, attributes = found.groups()
            at = found.end()
            if before:
                yield resolved(before)
            name = name.lower()
            if closing:
                yield End(name)
                continue
            yield Start(name, attributes)
            if not self._html:
                if attributes.endswith("/"):
                    yield End(name)
            elif name in RAW_TEXT:
                self._until, self._kept = re.compile(rf"(?=</{name}[\s/>])", re.IGNORECASE), False
                return at, True
        return at, False

    def _passed_over(
        self, until: re.Pattern[str], text: str, at: int, last: bool
    ) -> Generator[Token, None, tuple[int, bool]]:
        """Go on to what ends a comment, a section, a declaration. Returns how far, and whether that was it."""
        found = until.search(text, at)
        end = found.start() if found else len(text) if last else max(at, len(text) - LONGEST_END)
        if self._kept and end > at:
            yield text[at:end]
        if found is None:
            return end, False
        self._until = None
        return found.end(), True

    def _whole(self, text: str, at: int, last: bool) -> int:
        """Tell where the text at the end of the input may be cut, so that no reference is."""
        reference = -1 if last else text.rfind("&", max(at, len(text) - LONGEST_REFERENCE))
        return len(text) if reference < 0 else reference

    def _begun(self, text: str, at: int, last: bool) -> int | None:
        """Pass over what is no whole tag; where to go on, ``at`` itself where it is text, None to wait for more."""
        kept = False
        if text.startswith("<!--", at):
            begin, until = at + 2, _COMMENT_END  # <!--> is a whole comment
        elif text.startswith(_CDATA, at) and not self._html:
            begin, until, kept = at + len(_CDATA), _CDATA_END, True
        elif text.startswith("<!", at):
            bracket = _DECLARATION.search(text, at)
            if bracket is None and len(text) - at < MAX_TAG and not last:
                return None
            subset = bracket is not None and bracket[0] == "[" and not self._html
            begin, until = at + 2, _DTD_END if subset else _TAG_END
        elif text.startswith("<?", at):
            begin, until = at + 2, _TAG_END if self._html else _XML_INSTRUCTION_END
        elif text.startswith("</", at) and not _NAME.match(text, at + 2):
            begin, until = at + 2, _TAG_END
        elif _NAME.match(text, at + 1) or text.startswith("</", at):
            if len(text) - at < MAX_TAG and not last:
                return None
            begin, until = at + 1, _TAG_END
        else:
            return at
        self._until, self._kept = until, kept
        return begin
