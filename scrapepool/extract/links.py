"""The links of a page, as they can be fetched.

Decides what a link is (``a`` and ``area`` with a ``href``, as browsers have it in ``document.links``) and how it is
spelt.
"""

from __future__ import annotations

from contextlib import suppress

from ..errors import InvalidURLError
from ..url import canonical, join
from .reading import Reading


def links(page: Reading) -> list[str]:
    """Absolute http and https URLs in the order of the page, each once, without fragments. Raises UnreadableError."""
    base = page.base
    references = dict.fromkeys(element.attributes.get("href") or "" for element in page.tree.css("a[href], area[href]"))
    found: dict[str, None] = {}
    for reference in references:
        with suppress(InvalidURLError):  # mailto:, javascript:, and what is broken
            found[canonical(join(base, reference))] = None
    return list(found)
