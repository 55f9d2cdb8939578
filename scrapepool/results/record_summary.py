"""The part of a record that says which target it is about and how that ended.

Knows neither files nor formats.
"""

from __future__ import annotations

import json
from typing import Any

from ..model import Apart, ErrorKind
from ..named_tuple import NamedTuple


class RecordSummary(NamedTuple):
    """The fields of a record that identify its target and say how it ended.

    url: as the list had it. outcome, error: as in the record. method: of the request. end: offset of the byte after the
    record. apart: what distinguishes the target from others of its URL (``model.Apart``), None for nothing. status: of
    the response, None if there was none.
    """

    url: str
    outcome: str
    error: str | None
    method: str
    end: int
    apart: Apart | None = None
    status: int | None = None

    @property
    def is_repeat(self) -> bool:
        """Whether this is the record of a duplicate, which does not say how the target ended."""
        return self.error == ErrorKind.DUPLICATE


def apart(request: Any) -> Apart | None:
    """Parse the field ``request`` of a record, an object or its JSON text."""
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
