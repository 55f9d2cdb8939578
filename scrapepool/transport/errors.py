"""What can go wrong with one exchange, as exceptions inside the transport.

Decides what such an error carries; whether asking again can help is for ``classify`` to say. None of these leaves
the stage: its boundary turns them into values. Knows no sockets.
"""

from __future__ import annotations

from ..model import ErrorKind, ProxyFault


class FetchError(Exception):
    """One exchange failed.

    kind: the record's slug. detail: one human line, without a full stop.
    """

    def __init__(self, kind: ErrorKind, detail: str) -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail

    def __str__(self) -> str:
        return self.detail


class ResolverError(FetchError):
    """The name server could not say, for now, what the addresses of a name are (EAI_AGAIN): no word about the name."""

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorKind.DNS, detail)


class ResponseError(FetchError):
    """Bytes that are no whole HTTP/1 response: ``protocol``, ``truncated`` or ``reset``.

    fresh: True where the connection ended before any byte of a response came. Where it had served
    before, the server had closed it in the meantime and the request may simply be sent again.
    """

    def __init__(self, kind: ErrorKind, detail: str, *, fresh: bool = False) -> None:
        super().__init__(kind, detail)
        self.fresh = fresh


class ProxyError(FetchError):
    """The proxy failed, or refused: ``proxy``. fault: how. after: seconds that it asked to wait, None for no such."""

    def __init__(self, fault: ProxyFault, detail: str, after: float | None = None) -> None:
        super().__init__(ErrorKind.PROXY, detail)
        self.fault = fault
        self.after = after


class DecodeError(FetchError):
    """A body that is not what its Content-Encoding says (``decode``), or that ends too soon (``truncated``)."""


class TooLargeError(FetchError):
    """A body beyond the size limits: ``too_large``."""

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorKind.TOO_LARGE, detail)
