"""The readable text of a page, without its navigation, by trafilatura.

Decides how trafilatura is asked. What counts as readable is trafilatura's.
"""

from __future__ import annotations

import logging

from .parsed_page import ParsedPage

logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # it tells of every page that is not to its liking


def readable(page: ParsedPage) -> str | None:
    """The main text, a line a paragraph; None where there is none. Raises what trafilatura does."""
    from trafilatura import extract  # noqa: PLC0415 - takes half a second, for processes that come to a page only

    page.require_markup()
    return extract(page.text, include_comments=False)
