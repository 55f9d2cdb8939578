"""How the tokens of an XML document reach the parser of its format.

Decides when such a document is complete: with the end of its first element. Knows no format.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from ...errors import ListError
from .markup import End, Start, Token

Found = TypeVar("Found")
Found_co = TypeVar("Found_co", covariant=True)


class ElementParser(Protocol[Found_co]):
    """The parser of a format. root: the name of the first element; empty before it."""

    root: str

    def text(self, text: str) -> None:
        """Take text."""

    def start(self, tag: Start) -> None:
        """Take a start tag. Raises ListError for a first element of another format."""

    def end(self, tag: End) -> Iterator[Found_co]:
        """Take an end tag, and yield what ends with it."""


def parse_elements(
    parser: ElementParser[Found], tokens: Iterable[Token], name: str, *, kind: str, found: str
) -> Iterator[Found]:
    """Yield what a parser finds until the first element ends.

    name, kind, found: the document, its format and what it lists, for messages. Raises ListError for a document without
    an element, and for one that is cut off.
    """
    for token in tokens:
        if isinstance(token, str):
            parser.text(token)
        elif isinstance(token, Start):
            parser.start(token)
        elif token.name == parser.root:
            return
        else:
            yield from parser.end(token)
    if not parser.root:
        raise ListError(name, f"is not a {kind}: it has no element")
    raise ListError(name, f"ends before </{parser.root}>, so that {found} may be missing")
