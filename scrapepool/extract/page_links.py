"""The links of a page, as they can be fetched.

Decides what a link is: ``a`` and ``area`` with a ``href``, as browsers have it in ``document.links``. They are spelled
as the URL standard has it, without fragments.
"""

from __future__ import annotations

from contextlib import suppress

from ..errors import InvalidURLError
from ..url import parse
from .parsed_page import ParsedPage


def links(page: ParsedPage) -> list[str]:
    """Absolute http and https URLs in the order of the page, each once, without fragments. Raises UnreadableError."""
    elements = page.tree.css("a[href], area[href]")
    hrefs = dict.fromkeys(page.absolute(element.attributes.get("href") or "") for element in elements)
    found: dict[str, None] = {}
    for href in hrefs:
        url = (href or "").partition("#")[0]
        with suppress(InvalidURLError):  # mailto:, javascript:, and what is broken
            parse(url)
            found[url] = None
    return list(found)
