"""What goes into an extraction and what comes out: values that travel between processes.

Decides their shape and nothing else.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Page(NamedTuple):
    """One body, and what its response said of it.

    body: decoded, which is to say without content coding. content_type: as in the header. charset: as
    ``charset.charset_of`` told it. url: where it came from in the end; relative references start there.
    """

    body: bytes
    content_type: str | None
    charset: str | None
    url: str


class Extracted(NamedTuple):
    """What was found on a page.

    data: a value for every key, null where nothing was found. detail: one line on what could not be read, else None.
    """

    data: dict[str, Any]
    detail: str | None = None


class UnreadableError(Exception):
    """A page is not what an expression needs: no HTML, no JSON. Costs the value, never the run."""


class TooSlowError(BaseException):
    """A value took more time than it may. Not an Exception, so that no library on the way takes it for its own."""
