"""Tests responses against ``output.expect``.

Decides that the first expectation that fails is the reason, and that a HEAD request is not held to what is in a body.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..expectation import Expectation, Holds, got, holds
from ..model import Fetched

Unexpected = Callable[[Fetched, str], str | None]
"""Returns why a successful response is not what was expected, None if it is. Its second argument is the method."""


def unexpected_of(expectations: Sequence[Expectation]) -> Unexpected | None:
    """Return the function that tests responses; None if there is nothing to test. Raises UsageError, SettingsError."""
    tests = [(one, _css(one.value) if one.kind == "css" else holds(one)) for one in expectations]

    def unexpected(response: Fetched, method: str) -> str | None:
        for one, test in tests:
            if not (one.needs_body and method == "HEAD") and test(response) is one.denied:
                return f"expected {one.text}; {got(one, response)}"
        return None

    return unexpected if tests else None


def _css(selector: str) -> Holds:
    from ..extract.extractor import require_modules  # noqa: PLC0415 - an extra

    require_modules("selectolax")
    from ..extract.expressions import find_for  # noqa: PLC0415
    from ..extract.extraction import Page, UnreadableError  # noqa: PLC0415
    from ..extract.parsed_page import ParsedPage  # noqa: PLC0415
    from ..selection import Selection  # noqa: PLC0415

    find = find_for(Selection("expect", False, "css", selector))

    def has(response: Fetched) -> bool:
        page = Page(response.body or b"", response.content_type, response.charset, response.target.url)
        try:
            return find(ParsedPage(page)) is not None
        except UnreadableError:
            return False

    return has
