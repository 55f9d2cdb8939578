"""The links of a page, as URLs that can be fetched.

Decides what a link is: ``a`` and ``area`` elements with a ``href``, as in the ``document.links`` of browsers. They are
serialized as the URL standard says, without fragments.
"""

from __future__ import annotations

from contextlib import suppress

from ..errors import InvalidURLError
from ..url import parse
from .parsed_page import ParsedPage


def links(page: ParsedPage) -> list[str]:
    """List absolute http and https URLs in the order of the page, each once. Raises UnreadableError."""
    elements = page.tree.css("a[href], area[href]")
    hrefs = dict.fromkeys(page.absolute(element.attributes.get("href") or "") for element in elements)
    found: dict[str, None] = {}
    for href in hrefs:
        url = (href or "").partition("#")[0]
        with suppress(InvalidURLError):  # mailto:, javascript:, and invalid URLs
            parse(url)
            found[url] = None
    return list(found)
