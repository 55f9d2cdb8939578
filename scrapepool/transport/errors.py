"""The exceptions that the transport raises when one exchange fails.

This module decides which facts such an error carries; ``classify`` decides whether a retry can help. The boundary of
the transport turns these exceptions into values, so none of them leaves the stage. No sockets are used here.
"""

from __future__ import annotations

from ..model import ErrorKind, ProxyFault


class FetchError(Exception):
    """One exchange failed.

    kind: the slug that the record gets.
    detail: one line for people, without a full stop.
    """

    def __init__(self, kind: ErrorKind, detail: str) -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail

    def __str__(self) -> str:
        return self.detail


class ResolverError(FetchError):
    """The name server could not resolve a name at the moment (EAI_AGAIN); the name itself may be valid."""

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorKind.DNS, detail)


class ResponseError(FetchError):
    """The bytes received are not a complete HTTP/1 response: ``protocol``, ``truncated`` or ``reset``.

    fresh: whether the connection ended before the first byte of a response. If the connection was a reused one, the
        server had closed it while it was idle, and the request can be sent again on a new connection.
    """

    def __init__(self, kind: ErrorKind, detail: str, *, fresh: bool = False) -> None:
        super().__init__(kind, detail)
        self.fresh = fresh


class ProxyError(FetchError):
    """The proxy failed, or refused the request: ``proxy``.

    fault: the way in which it failed.
    after: the seconds that the proxy requested as a wait, or None if it requested no wait.
    """

    def __init__(self, fault: ProxyFault, detail: str, after: float | None = None) -> None:
        super().__init__(ErrorKind.PROXY, detail)
        self.fault = fault
        self.after = after


class DecodeError(FetchError):
    """The body does not match its Content-Encoding (``decode``), or it ends too early (``truncated``)."""


class TooLargeError(FetchError):
    """The body exceeds a size limit: ``too_large``."""

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorKind.TOO_LARGE, detail)
