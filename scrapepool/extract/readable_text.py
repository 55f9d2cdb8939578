"""The readable text of a page, without its navigation.

Decides how trafilatura is called; trafilatura decides what counts as readable.
"""

from __future__ import annotations

import logging

from .parsed_page import ParsedPage

logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # it logs every page that it cannot handle


def readable(page: ParsedPage) -> str | None:
    """Return the main text, one line per paragraph; None if there is none. Raises what trafilatura raises."""
    from trafilatura import extract  # noqa: PLC0415 - takes half a second, only if there is a page

    page.require_markup()
    return extract(page.text, include_comments=False)
