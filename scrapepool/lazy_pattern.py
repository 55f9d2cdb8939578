"""Regular expressions that are compiled when they are first used: a short run would compile a hundred for nothing.

Decides nothing. Where a pattern is used for each URL anyway, ``re.compile`` is as good.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


class _LazyPattern:
    """Stands for a compiled pattern, and compiles it when its first attribute is read."""

    def __init__(self, source: str | bytes, flags: int) -> None:
        self._source = source
        self._flags = flags

    def __repr__(self) -> str:
        return f"<lazy_pattern {self._source!r}>"

    def __getattr__(self, name: str) -> Any:
        value = getattr(re.compile(self._source, self._flags), name)
        setattr(self, name, value)  # so that each method is looked up here once
        return value


def lazy_pattern(source: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what can be used as ``re.compile(source, flags)``, but not as a pattern for functions of ``re``.

    Raises ``re.error`` for a wrong pattern on its first use.
    """
    return cast("re.Pattern[AnyStr]", _LazyPattern(source, flags))
