"""Connection pools through a SOCKS proxy. They need PySocks, which the extra ``scrapepool[socks]`` installs.

``happy_eyeballs.dial`` connects to the proxy, and PySocks negotiates over that socket. Therefore the deadline applies,
names are looked up by ``resolver``, and another thread can abort the negotiation.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable
from typing import Any

import socks
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ProxyError

from ...model import ProxyFault
from ...running_clock import monotonic
from ..classify import out_of_descriptors, words_of
from ..errors import FetchError
from ..errors import ProxyError as Fault
from .channel import LEAST_TIMEOUT
from .connection import Connection
from .opening import ConnectTimings
from .pool import HostPool, TLSHostPool
from .resolver import literal
from .steps import Resume, Steps
from .tls_connection import TLSConnection
from .urllib3_internals import SOCKS_OPTIONS

DEFAULT_PORT = 1080

_TARGET_FAILED = {  # by the proxy's status code for the target (RFC 1928 section 6): the errno of a direct connect
    "0x03": errno.ENETUNREACH,
    "0x04": errno.EHOSTUNREACH,
    "0x05": errno.ECONNREFUSED,
    "0x06": errno.EHOSTUNREACH,  # TTL expired
}


class _NegotiatingSocket(socks.socksocket):  # type: ignore[misc]
    """A connected socket over which PySocks negotiates with the proxy. PySocks reads through ``makefile``.

    until: the monotonic time by which the negotiation must end.
    """

    until = float("inf")

    def recv_into(self, *args: Any) -> int:
        """Receive as a socket does, within the time that is left."""
        socket.socket.settimeout(self, max(LEAST_TIMEOUT, self.until - monotonic()))
        return socket.socket.recv_into(self, *args)

    def negotiate(self, kind: int, host: str, port: int) -> None:
        """Make the proxy connect to ``host``. Raises socks.ProxyError and OSError."""
        socks.socksocket._proxy_negotiators[kind](self, host, port)


class _SOCKSOpening:
    """Opens connections through a SOCKS proxy."""

    sock: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._proxy_options: dict[str, Any] = kwargs.pop(SOCKS_OPTIONS)
        super().__init__(*args, **kwargs)

    opens_in_steps = False

    def _dial(
        self: Any, host: str, port: int, options: Iterable[tuple[int, int, int | bytes]], resume: Resume, began: float
    ) -> Steps[tuple[socket.socket, ConnectTimings, str | None]]:
        proxy = self._proxy_options
        kind, local_names = proxy["socks_version"], not proxy["rdns"]
        if local_names and literal(host, port) is None:
            host = (yield from self._addresses(host, port, resume))[0].ip
            began = monotonic()
        proxy_host, proxy_port = proxy["proxy_host"].strip("[]"), proxy["proxy_port"] or DEFAULT_PORT
        try:
            sock, opening, _ = yield from Connection._dial(self, proxy_host, proxy_port, options, resume, began)
        except (ConnectTimeoutError, NewConnectionError) as error:
            if out_of_descriptors(error):
                raise
            detail = f"SOCKS proxy {proxy_host}:{proxy_port}: {words_of(error.__cause__ or error)}"
            raise ProxyError(detail, error) from Fault(ProxyFault.DOWN, detail)
        connected: float = self._step_ended
        proxy_sock = _NegotiatingSocket(sock.family, sock.type, sock.proto, fileno=sock.detach())
        try:
            proxy_sock.until = self._open_by
            self.sock = proxy_sock  # so that ``abort`` can shut it down
            self._check()
            proxy_sock.set_proxy(kind, proxy_host, proxy_port, proxy["rdns"], proxy["username"], proxy["password"])
            socket.socket.settimeout(proxy_sock, max(LEAST_TIMEOUT, self._open_by - connected))
            proxy_sock.negotiate(kind, host, port)
        except TimeoutError as error:
            raise self._failed(
                proxy_sock, ConnectTimeoutError(self, "the SOCKS proxy did not respond in time")
            ) from error
        except socks.SOCKS5Error as error:
            if (code := _TARGET_FAILED.get(str(error)[:4])) is not None:
                why = NewConnectionError(self, f"Failed to establish a new connection: {error}")
                raise self._failed(proxy_sock, why) from OSError(code, f"SOCKS proxy: {error}")
            detail = f"SOCKS proxy: {error}"
            raise self._failed(proxy_sock, ProxyError(detail, error)) from Fault(ProxyFault.GATEWAY, detail)
        except (OSError, ValueError) as error:
            self._check()
            detail = f"SOCKS proxy: {error}"
            how = ProxyFault.CREDENTIALS if isinstance(error, socks.SOCKS5AuthError) else ProxyFault.CLOSED
            raise self._failed(proxy_sock, ProxyError(detail, error)) from Fault(how, detail)
        except FetchError as fault:
            raise self._failed(proxy_sock, fault) from None
        self._step_ended = monotonic()
        opening = opening._replace(connect=(opening.connect or 0.0) + self._step_ended - connected)
        plain = socket.socket(proxy_sock.family, proxy_sock.type, proxy_sock.proto, fileno=proxy_sock.detach())
        return plain, opening, host if literal(host, port) else None

    def _failed(self: Any, proxy_sock: socket.socket, error: BaseException) -> BaseException:
        self.sock = None
        proxy_sock.close()
        return error


class _SOCKSConnection(_SOCKSOpening, Connection):
    pass


class _SOCKSTLSConnection(_SOCKSOpening, TLSConnection):
    pass


class _SOCKSPool(HostPool):
    ConnectionCls: Any = _SOCKSConnection


class _SOCKSTLSPool(TLSHostPool):
    ConnectionCls: Any = _SOCKSTLSConnection


def socks_pools() -> dict[str, type[HostPool]]:
    """Return the pool classes by scheme."""
    return {"http": _SOCKSPool, "https": _SOCKSTLSPool}
