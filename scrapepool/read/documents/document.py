"""A document, its links, and the child sitemaps of an index.

Knows neither formats nor where a document comes from.
"""

from __future__ import annotations

import re
from typing import Any

from ...errors import InvalidURLError
from ...frozen import frozen
from ...lazy_pattern import lazy_pattern
from ...named_tuple import NamedTuple
from ...url import join, plain, without_line_breaks
from ..entries import NO_BASE_URL

SHOWN = 1000
"""Characters of a reference that is too long that its record shows."""

_SCHEME = lazy_pattern(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


class Link(NamedTuple):
    """One entry of a document.

    url: absolute, or as ``entries.absolute`` accepts it. input: the other values of the entry. reason: why it cannot be
    fetched, None if the document gives no reason.
    """

    url: str
    input: dict[str, Any] | None = None
    reason: str | None = None


class ChildSitemap(NamedTuple):
    """Another sitemap, whose links are read at this point. url: as written."""

    url: str


@frozen
class Document:
    """The origin of a document.

    name: for messages. base: the URL that its links are relative to, None if there is none. content_type: from the
    response. file: a descriptor that can be read at any offset, None if there are only pieces.
    """

    name: str
    base: str | None = None
    content_type: str | None = None
    file: int | None = None


def link_to(reference: str, base: str | None, input: dict[str, Any] | None) -> Link:  # noqa: A002 - the field's name
    """Resolve a reference of a sitemap or feed. Without a base, only an absolute reference can be fetched.

    An absolute http or https URL stays as written, except for tabs and line breaks, which browsers drop.
    """
    reference = without_line_breaks(reference)
    if reference[:8].lower().startswith(("http://", "https://")):
        return Link(plain(reference), input)
    if base is None:
        if reference.startswith("//") or _SCHEME.match(reference):
            return Link(plain(reference), input)
        return Link(reference, input, NO_BASE_URL)
    try:
        return Link(join(base, reference), input)
    except InvalidURLError as error:
        return Link(reference, input, error.reason)
