"""What a document gives: links, and documents that hold more of them.

Decides nothing. Knows neither formats nor where a document came from.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ...errors import InvalidURLError
from ...frozen import frozen
from ...url import join, plain, without_line_breaks

SHOWN = 1000
"""Characters of a reference that are shown where it is too long to be one."""

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)

NO_BASE_URL = "a relative URL, and no --base-url"


class Link(NamedTuple):
    """One entry of a document.

    url: absolute, or as ``entries.absolute`` takes it. input: what else the entry says. reason: why it cannot be
    fetched, None where it can as far as the document goes.
    """

    url: str
    input: dict[str, Any] | None = None
    reason: str | None = None


class ChildSitemap(NamedTuple):
    """Another document that is to be read in this place. url: as written."""

    url: str


@frozen
class Document:
    """Where a document comes from.

    name: for messages. base: the URL that its links are relative to, None where it has none. content_type: what a
    server called it. file: a descriptor to read it at any place, None where it comes in pieces only.
    """

    name: str
    base: str | None = None
    content_type: str | None = None
    file: int | None = None


def link_to(reference: str, base: str | None, input: dict[str, Any] | None) -> Link:  # noqa: A002 - the field's name
    """Resolve a reference of a sitemap or feed. Without a base only an absolute one leads anywhere.

    An absolute http or https URL stays as it is written, but for what browsers drop.
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
