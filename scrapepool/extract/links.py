"""The links of a page, as they can be fetched.

Decides what a link is (``a`` and ``area`` with a ``href``, as browsers have it in ``document.links``) and how it is
spelt.
"""

from __future__ import annotations

from contextlib import suppress

from ..errors import InvalidURLError
from ..url import canonical
from .reading import Reading


def links(page: Reading) -> list[str]:
    """Absolute http and https URLs in the order of the page, each once, without fragments. Raises UnreadableError."""
    elements = page.tree.css("a[href], area[href]")
    references = dict.fromkeys(page.absolute(element.attributes.get("href") or "") for element in elements)
    found: dict[str, None] = {}
    for reference in references:
        with suppress(InvalidURLError):  # mailto:, javascript:, and what is broken
            found[canonical(reference or "")] = None
    return list(found)
