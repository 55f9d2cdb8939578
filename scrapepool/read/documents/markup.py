"""A lenient tokenizer for XML and HTML, as feeds and sitemaps in the wild need it.

Expat rejects one in six of feedparser's test feeds, for example those with a bare ``&`` in a URL, with ``&nbsp;``, or
with a blank line before the declaration. This tokenizer rejects nothing and loads nothing: it skips DTDs, so there are
no entities to expand, and leaves unknown entities unchanged. Its time is proportional to the input, and besides the
current piece it keeps at most MAX_TAG characters. It knows the meaning of no element, except that some elements of HTML
contain raw text.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator
from html import unescape
from html.entities import html5

from ...lazy_pattern import lazy_pattern
from ...named_tuple import NamedTuple

MAX_TAG = 64 * 1024
"""Characters of the longest tag that is read; longer tags are skipped."""

LONGEST_REFERENCE = 40
"""A character reference at the end of a piece may be this long; the longest name has 31 characters."""

LONGEST_END = 32
"""The end of a comment, a section or a raw text element may be this long."""

RAW_TEXT = frozenset({"script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes"})
"""Elements of HTML that contain text only, no tags (WHATWG HTML section 13.2.6.4)."""

_VALUE = r'"[^"]*+"|\'[^\']*+\'|(?!["\'])[^\s>]*+'
_TEXT_AND_TAG = lazy_pattern(rf"([^<]*+)<(/?)([a-z_:][^\s/>]*+)((?>(?:[^>=]++|=\s*+(?:{_VALUE}))*))>", re.IGNORECASE)
_ATTRIBUTE = lazy_pattern(rf"([^\s=>/]+)(?:\s*=\s*({_VALUE}))?")
_DECLARATION = lazy_pattern(r"[\[>]")
_REFERENCE = lazy_pattern(r"&(?:#(x[0-9a-f]{1,8}|[0-9]{1,8})|([a-z][a-z0-9]{1,30}))(;?)", re.IGNORECASE)
_NAME = lazy_pattern(r"[a-z_:]", re.IGNORECASE)

_COMMENT_END = lazy_pattern(r"--!?>")
_CDATA_END = lazy_pattern(r"\]\]>")
_DTD_END = lazy_pattern(r"\]\s*>")
_TAG_END = lazy_pattern(r">")
_XML_INSTRUCTION_END = lazy_pattern(r"\?>")
_CDATA = "<![CDATA["


class Start(NamedTuple):
    """A start tag. name: in lower case, with its prefix. attributes: as written; ``attributes_of`` parses them."""

    name: str
    attributes: str


class End(NamedTuple):
    """An end tag, or the end of an empty-element tag of XML."""

    name: str


Token = Start | End | str
"""A str is text with its character references resolved. One text may come in several tokens."""


def tokens(pieces: Iterable[str], *, html: bool) -> Iterator[Token]:
    """Tokenize markup piece by piece. html: use the rules of HTML, not of XML. Never raises."""
    tokenizer = _Tokenizer(html)
    for piece in pieces:
        yield from tokenizer.feed(piece)
    yield from tokenizer.feed("", last=True)


def attributes_of(start: Start) -> dict[str, str]:
    """Return a tag's attributes. Names are in lower case, with their prefix; the first of equal names counts."""
    found: dict[str, str] = {}
    for name, value in _ATTRIBUTE.findall(start.attributes):
        bare = value[1:-1] if value[:1] in ('"', "'") and value else value
        found.setdefault(name.lower(), resolved(bare))
    return found


def resolved(text: str) -> str:
    """Resolve character references: numeric ones, and the names of HTML, which include those of XML.

    A name without a semicolon in front of ``=`` stays unchanged, as in attributes in browsers, so that ``?a=1&copy=2``
    stays a query.
    """
    return _REFERENCE.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    number, name, end = found.groups()
    if number is not None:
        return unescape(f"&#{number};")
    known = html5.get(name + end)
    return found[0] if known is None or (not end and found.string.startswith("=", found.end())) else known


class _Tokenizer:
    """The state of ``tokens``.

    _held: input that is not tokenized yet. _until: what ends the section that is being skipped. _kept: whether that
    section is text.
    """

    def __init__(self, html: bool) -> None:
        self._html = html
        self._held = ""
        self._until: re.Pattern[str] | None = None
        self._kept = False

    def feed(self, piece: str, *, last: bool = False) -> Iterator[Token]:
        """Tokenize the held input and this piece. last: nothing follows, so hold nothing back."""
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
        """Yield complete tags and the text before each: a fast path for most input.

        Returns where they end, and whether the last one begins raw text.
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
        """Skip to the end of a comment, section or declaration. Return the new offset, and whether it was found."""
        found = until.search(text, at)
        end = found.start() if found else len(text) if last else max(at, len(text) - LONGEST_END)
        if self._kept and end > at:
            yield text[at:end]
        if found is None:
            return end, False
        self._until = None
        return found.end(), True

    def _whole(self, text: str, at: int, last: bool) -> int:
        """Return where the text at the end of the input may be split without splitting a character reference."""
        reference = -1 if last else text.rfind("&", max(at, len(text) - LONGEST_REFERENCE))
        return len(text) if reference < 0 else reference

    def _begun(self, text: str, at: int, last: bool) -> int | None:
        """Begin to skip what is not a complete tag. Return the new offset, ``at`` for text, None to wait for input."""
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
