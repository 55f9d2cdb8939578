"""The part of a record that says which target it is about and how that ended.

Knows neither files nor formats.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from ..model import Apart, ErrorKind


class RecordSummary(NamedTuple):
    """What a record tells about its target.

    url: as the list gave it. outcome: the word. error: the slug, None for none. method: of the request.
    end: offset of the byte after the record. apart: what tells its target from others of its URL, None for nothing.
    """

    url: str
    outcome: str
    error: str | None
    method: str
    end: int
    apart: Apart | None = None

    @property
    def is_repeat(self) -> bool:
        """Whether it is of a further place of the URL in the lists, and says nothing of what became of it."""
        return self.error == ErrorKind.DUPLICATE


def apart(request: Any) -> Apart | None:
    """Read the field ``request``, an object or its text: what tells a target from others of its URL."""
    if isinstance(request, str):
        try:
            request = json.loads(request)
        except (ValueError, RecursionError):
            return None
    if not isinstance(request, dict):
        return None
    occurrence = request.get("occurrence")
    return Apart(
        str(request.get("method") or ""),
        str(request.get("data_sha256") or ""),
        occurrence if isinstance(occurrence, int) else 1,
    )
