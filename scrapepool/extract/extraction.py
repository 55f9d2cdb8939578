"""The input and the result of an extraction: values that travel between processes."""

from __future__ import annotations

from typing import Any

from ..named_tuple import NamedTuple


class Page(NamedTuple):
    """One body, and what its response says about it.

    body: decoded (RFC 9110, content coding). content_type: as in the header. charset: from ``charset.charset_of``.
    url: the final URL, against which relative references are resolved.
    """

    body: bytes
    content_type: str | None
    charset: str | None
    url: str


class Extracted(NamedTuple):
    """The values found on a page.

    data: a value for every key, None if nothing was found. detail: one line about values that failed, or None.
    """

    data: dict[str, Any]
    detail: str | None = None


class UnreadableError(Exception):
    """A page is not what an expression needs, for example not HTML. Only the value is lost."""


class TooSlowError(BaseException):
    """A value took too much time. Not an Exception, so that no library catches it."""
