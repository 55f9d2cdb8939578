"""Pools through a SOCKS proxy: needs PySocks, the extra ``scrapepool[socks]``.

Decides nothing; it lets PySocks dial where ``dial`` would.
"""

from __future__ import annotations

import socket
import time
from typing import Any, ClassVar

from urllib3.contrib.socks import SOCKSConnection

from .connection import Connection, Opening, TLSConnection
from .pool import HostPool, TLSHostPool


class _Dialling:
    def _new_conn(self: Any) -> socket.socket:
        began = time.monotonic()
        limit = self._left(self.timeout)
        before, self.timeout = self.timeout, limit
        try:
            sock = SOCKSConnection._new_conn(self)
        finally:
            self.timeout = before
        self._began(sock, Opening(connect=time.monotonic() - began), remote=None)
        sock.settimeout(max(0.001, limit - (time.monotonic() - began)))
        return sock


class _SOCKSConnection(_Dialling, Connection, SOCKSConnection):
    pass


class _SOCKSTLSConnection(_Dialling, TLSConnection, SOCKSConnection):
    pass


class _SOCKSPool(HostPool):
    ConnectionCls: ClassVar[type[Connection]] = _SOCKSConnection  # type: ignore[misc]


class _SOCKSTLSPool(TLSHostPool):
    ConnectionCls: ClassVar[type[Connection]] = _SOCKSTLSConnection  # type: ignore[misc]


def socks_pools() -> dict[str, type[HostPool]]:
    """The pool classes by scheme."""
    return {"http": _SOCKSPool, "https": _SOCKSTLSPool}
