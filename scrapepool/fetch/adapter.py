"""The one adapter of a session: urllib3's pool managers, with our pools and shared TLS contexts.

Decides how pools are sized and keyed. Its own retries stand for direct use of the session
(``session.get``); the scheduler does the retries of a run.
"""

from __future__ import annotations

import ssl
import threading
from typing import Any
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter
from urllib3 import PoolManager

from .pool import HostPool, TLSHostPool
from .tls import Cert, Verify, client_context

POOLS = {"http": HostPool, "https": TLSHostPool}


class PooledAdapter(HTTPAdapter):
    """Keeps the connections of every host.

    In requests, ``pool_connections`` counts the hosts whose pools are kept and ``pool_maxsize``
    the connections of each.
    """

    def __init__(self, **kwargs: Any) -> None:
        self._contexts: dict[tuple[Verify, Cert], ssl.SSLContext] = {}
        self._lock = threading.Lock()
        super().__init__(**kwargs)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        """As requests does, with our pools."""
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        """As requests does, with our pools; a SOCKS proxy needs the extra ``scrapepool[socks]``."""
        if proxy not in self.proxy_manager:
            manager = super().proxy_manager_for(proxy, **proxy_kwargs)
            if proxy.lower().startswith("socks"):
                from .socks import socks_pools  # noqa: PLC0415 - PySocks is an extra

                manager.pool_classes_by_scheme = socks_pools()
            else:
                manager.pool_classes_by_scheme = POOLS
        return self.proxy_manager[proxy]

    def context(self, verify: Verify, cert: Cert) -> ssl.SSLContext:
        """The shared context for this way of verifying. Raises OSError for files that cannot be used."""
        key = verify, cert
        with self._lock:
            if key not in self._contexts:
                self._contexts[key] = client_context(verify, cert)
            return self._contexts[key]

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Key pools by origin and shared context alone, so that no connection loads a bundle of its own."""
        parts = urlsplit(request.url)
        host = {"scheme": parts.scheme.lower(), "host": parts.hostname, "port": parts.port}
        if host["scheme"] != "https":
            return host, {}
        if isinstance(cert, list):
            cert = tuple(cert)
        verify = True if verify is None else verify
        return host, {
            "ssl_context": self.context(verify, cert),
            "cert_reqs": "CERT_NONE" if verify is False else "CERT_REQUIRED",
        }

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Nothing: the context that the pool is keyed by holds all of it."""

    def managers(self) -> list[PoolManager]:
        """The manager for direct connections, then those of the proxies in use."""
        return [self.poolmanager, *self.proxy_manager.values()]
