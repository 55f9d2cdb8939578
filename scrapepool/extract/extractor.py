"""Finds all requested values on a page.

Decides what happens to a value that cannot be found. No page raises an error: a value that fails becomes None, and one
line says why. Knows neither processes nor outcomes.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from ..errors import UsageError
from ..extras import how_to_install
from ..selection import LINKS, TEXT
from ..settings import OutputSettings
from ..text import brief
from .extraction import Extracted, Page, TooSlowError, UnreadableError

MODULES = {"css": "selectolax", "meta": "selectolax", "jsonld": "selectolax", "xpath": "lxml"}
"""The modules that kinds of values need; the others need none."""

EXTRAS = {"selectolax": "select", "lxml": "xpath"}
"""The extras that have these modules."""

Limited = Callable[[Callable[[Any], Any], Any], Any]
"""Calls a function with one argument; raises TooSlowError if that takes too long."""


def unlimited(find: Callable[[Any], Any], page: Any) -> Any:
    """Call ``find`` without a limit."""
    return find(page)


class Extractor:
    """Finds the values that ``settings`` request.

    limited: calls the function for each value and limits its time.
    Raises UsageError for an expression that does not compile, and for an extra that is not installed.
    """

    def __init__(self, settings: OutputSettings, limited: Limited = unlimited) -> None:
        needed = [MODULES[one.kind] for one in settings.selections if one.kind in MODULES]
        require_modules(*["selectolax", "trafilatura"] * settings.text, extra="text")
        require_modules(*needed, *["selectolax"] * settings.links)
        from .expressions import find_for  # noqa: PLC0415 - the extra may be missing
        from .page_links import links  # noqa: PLC0415
        from .parsed_page import ParsedPage  # noqa: PLC0415

        self._read = ParsedPage
        self._limited = limited
        self._finds = {selection.name: find_for(selection) for selection in settings.selections}
        if settings.links:
            self._finds[LINKS] = links
        if settings.text:
            from .readable_text import readable  # noqa: PLC0415 - as above

            self._finds[TEXT] = readable

    def extract(self, page: Page) -> Extracted:
        """Find every value. Never raises. An empty body has no values and needs no explanation."""
        if not page.body:
            return self.nothing()
        reading = self._read(page)
        data: dict[str, Any] = {}
        missed: dict[str, list[str]] = {}
        for name, find in self._finds.items():
            data[name] = None
            try:
                data[name] = self._limited(find, reading)
            except UnreadableError as error:
                reason = str(error)
            except TooSlowError as error:
                reason = str(error)
            except Exception as error:  # noqa: BLE001 - an error of a library costs only the value
                reason = brief(f"{type(error).__name__}: {error}", 100)
            else:
                continue
            missed.setdefault(reason, []).append(name)
        return Extracted(data, "; ".join(f"{', '.join(names)}: {reason}" for reason, names in missed.items()) or None)

    def nothing(self, reason: str | None = None) -> Extracted:
        """Return the result for a page without values. reason: why, for all keys."""
        return Extracted(dict.fromkeys(self._finds), None if reason is None else f"{', '.join(self._finds)}: {reason}")


def require_modules(*modules: str, extra: str | None = None) -> None:
    """Raise UsageError if a module is not installed. extra: the one that has them; None for that of each."""
    for module in modules:
        if find_spec(module) is None:
            raise UsageError(f"extracting fields needs {module}: {how_to_install(extra or EXTRAS[module])}")
