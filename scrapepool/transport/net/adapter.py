"""The adapter of a session: urllib3's pool managers, with the pools of this package and shared TLS contexts.

This module decides how pools are sized and keyed. The adapter's own retries apply only to direct use of the session
(``session.get``); in a run, the scheduler retries.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import InvalidProxyURL
from requests.utils import select_proxy
from urllib3 import PoolManager
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from ...model import DEFAULT_PORTS, ErrorKind, HostKey
from ...ports import LEASES_OUT
from ..errors import FetchError
from .bandwidth import Bandwidth
from .descriptors import budget
from .pool import HostPool, TLSHostPool
from .pool_table import PoolTable
from .proxies import with_password
from .slots import IdleConnections
from .tls_context import Cert, Verify, client_context
from .urllib3_internals import PROXY_CONFIG

Pools = Mapping[str, Callable[..., HostPool]]

POOLS: Pools = {"http": HostPool, "https": TLSHostPool}
PUBLIC_POOLS: Pools = {scheme: partial(pool, public_only=True) for scheme, pool in POOLS.items()}

MOST_IDLE = 8192
"""The maximum number of idle connections over all hosts, see ``slots``; they use at most about 100 MB."""

THROUGH_PROXY = "the request would go through a proxy, which may connect to any address"


def _tls_options(context: ssl.SSLContext) -> dict[str, Any]:
    """Return the pool arguments for a context. urllib3 also needs ``cert_reqs``, and applies it to the context."""
    return {
        "ssl_context": context,
        "cert_reqs": "CERT_NONE" if context.verify_mode == ssl.CERT_NONE else "CERT_REQUIRED",
    }


class DirectPools(PoolManager):
    """Manages the pools of direct connections, by origin and TLS context."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._models: dict[tuple[Any, ssl.SSLContext | None], HostPool] = {}  # by class: copied for others

    def pool_for(self, host: HostKey, context: ssl.SSLContext | None = None) -> HostPool:
        """Return the pool of an origin, and create it at its first use."""
        table: Any = self.pools
        pool: HostPool = table.obtain((host, context), self._make)
        return pool

    def _make(self, key: tuple[HostKey, ssl.SSLContext | None]) -> HostPool:
        """Make the pool of an origin: a copy of another one, if possible."""
        (scheme, host, port), context = key
        pool_class: Any = self.pool_classes_by_scheme[scheme]
        model = self._models.get((pool_class, context))
        if model is not None and ":" not in host:
            return model.for_host(host, port)
        options = {} if context is None else _tls_options(context)
        pool: HostPool = pool_class(host, port, **{**self.connection_pool_kw, **options})
        self._models[pool_class, context] = pool
        return pool

    def connection_from_host(
        self, host: str | None, port: int | None = None, scheme: str | None = "http", pool_kwargs: Any = None
    ) -> Any:
        """Return a pool as urllib3 does. It is the pool of ``pool_for`` if no option but the TLS context is given."""
        scheme = (scheme or "http").lower()
        options: dict[str, Any] = pool_kwargs or {}
        context = options.get("ssl_context")
        if host and scheme in POOLS and options == ({} if context is None else _tls_options(context)):
            name = host.lower().strip("[]")
            return self.pool_for(HostKey(scheme, name, port or DEFAULT_PORTS[scheme]), context)
        return super().connection_from_host(host, port, scheme, pool_kwargs)


class PooledAdapter(HTTPAdapter):
    """Keeps the connections to all hosts.

    As in requests, ``pool_connections`` is the number of hosts whose pools are kept, and ``pool_maxsize`` is the number
    of connections per host.

    idle: the direct connections that are open and unused.
    deny_private: whether to connect only to public addresses, and therefore not through a proxy.
    bandwidth: the limit that all connections share; None for no limit.
    """

    __attrs__: Any = (*HTTPAdapter.__attrs__, "_workers", "_bandwidth", "deny_private", "_tls_resume")
    """The attributes that ``pickle`` and ``copy.deepcopy`` copy: settings, but no connections and no TLS contexts."""

    def __init__(
        self,
        *,
        workers: int,
        tls_resume: bool = False,
        deny_private: bool = False,
        bandwidth: Bandwidth | None = None,
        **kwargs: Any,
    ) -> None:
        self._workers = workers
        self._bandwidth = bandwidth
        self.deny_private = deny_private
        self._tls_resume = tls_resume
        self._contexts: dict[tuple[Verify, Cert], ssl.SSLContext] = {}
        self._lock = threading.Lock()
        super().__init__(**kwargs)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._contexts = {}
        self._lock = threading.Lock()
        super().__setstate__(state)  # type: ignore[misc]  # the stubs lack it

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        """Create the pool manager as requests does, with the pools of this package."""
        self._pool_connections, self._pool_maxsize, self._pool_block = connections, maxsize, block
        self.poolmanager: Any = DirectPools(num_pools=connections, maxsize=maxsize, block=block, **pool_kwargs)
        pools = PUBLIC_POOLS if self.deny_private else POOLS
        self.idle: IdleConnections = IdleConnections(most_idle(self._workers))
        self._adapt(self.poolmanager, {scheme: partial(pool, all_idle=self.idle) for scheme, pool in pools.items()})

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        """Return the manager for a proxy, as requests does. A SOCKS proxy needs the extra ``scrapepool[socks]``.

        All http hosts behind a forwarding proxy share one pool. The pool has one connection for each possible lease, so
        that no lease waits for the connection of another host's lease.
        """
        proxy = with_password(proxy)
        if proxy not in self.proxy_manager:
            manager = super().proxy_manager_for(proxy, **proxy_kwargs)
            manager.connection_pool_kw["maxsize"] = LEASES_OUT * self._workers
            if proxy.lower().startswith("socks"):
                from .socks import socks_pools  # noqa: PLC0415 - PySocks is an extra

                self._adapt(manager, socks_pools())
            else:
                self._adapt(manager, POOLS)
        return self.proxy_manager[proxy]

    def _adapt(self, manager: PoolManager, pools: Pools) -> None:
        """Make a manager use these pools. A pool that the manager drops closes its idle connections."""
        if self._bandwidth is not None:
            pools = {scheme: partial(pool, bandwidth=self._bandwidth) for scheme, pool in pools.items()}
        manager.pool_classes_by_scheme = pools  # type: ignore[assignment]
        manager.pools = PoolTable(self._pool_connections, HostPool.retire)  # type: ignore[assignment]

    def close(self) -> None:
        """Close every pool: idle connections immediately, and connections in use when they are returned."""
        for pool in self.pools():
            pool.close()
        super().close()

    def context(self, verify: Verify, cert: Cert) -> ssl.SSLContext:
        """Return the shared TLS context for these settings. Raises OSError for files that cannot be used."""
        key = verify, cert
        with self._lock:
            if key not in self._contexts:
                self._contexts[key] = client_context(verify, cert, resume=self._tls_resume)
            return self._contexts[key]

    def pool_for(self, host: HostKey, verify: Verify, cert: Cert) -> HostPool:
        """Return the pool of direct connections to an origin. Raises the same errors as ``context``."""
        manager: DirectPools = self.poolmanager
        return manager.pool_for(host, self.context(verify, cert) if host.scheme == "https" else None)

    def pools(self, *, proxied: bool = False) -> Iterator[HostPool]:
        """Yield all pools, or only those of proxies if ``proxied`` is True."""
        for manager in self.managers()[1 if proxied else 0 :]:
            table: Any = manager.pools
            yield from table.snapshot()

    def build_connection_pool_key_attributes(  # type: ignore[override]
        self, request: Any, verify: Any, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Key pools only by origin and shared TLS context, so that no connection loads a CA bundle again."""
        parts = urlsplit(request.url)
        host = {"scheme": parts.scheme.lower(), "host": parts.hostname, "port": parts.port}
        if host["scheme"] != "https":
            return host, {}
        if isinstance(cert, list):
            cert = tuple(cert)
        verify = True if verify is None else verify
        return host, _tls_options(self.context(verify, cert))

    def get_connection_with_tls_context(self, request: Any, verify: Any, proxies: Any = None, cert: Any = None) -> Any:
        """Return a pool as requests does. A proxy reached over TLS is verified like a host, but gets no certificate.

        Raises requests' ConnectionError for any proxy if only public addresses are allowed, and InvalidProxyURL.
        """
        proxy = select_proxy(request.url, proxies) if proxies else None
        if proxy is None:
            host, options = self.build_connection_pool_key_attributes(request, verify, cert)
            return self.poolmanager.connection_from_host(**host, pool_kwargs=options)
        if self.deny_private:
            fault = FetchError(ErrorKind.FORBIDDEN_ADDRESS, THROUGH_PROXY)
            raise RequestsConnectionError(THROUGH_PROXY, request=request) from fault
        _check(proxy)
        if not proxy.lower().startswith("https:"):
            return super().get_connection_with_tls_context(request, verify, proxies, cert)
        host, options = self.build_connection_pool_key_attributes(request, verify, cert)
        manager = self.proxy_manager_for(proxy)
        context = self.context(True if verify is None else verify, None)
        options[PROXY_CONFIG] = manager.proxy_config._replace(ssl_context=context)
        return manager.connection_from_host(**host, pool_kwargs=options)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Do nothing: the TLS context of the pool has all of these settings."""

    def managers(self) -> list[PoolManager]:
        """Return the manager for direct connections, and then those of the proxies in use."""
        return [self.poolmanager, *self.proxy_manager.values()]


def most_idle(workers: int) -> int:
    """Return how many idle connections the file descriptors allow in addition to those in use."""
    return max(1, min(MOST_IDLE, budget() - LEASES_OUT * workers))


def _check(proxy: str) -> None:
    """Raise InvalidProxyURL for an invalid URL. The message does not quote it, since it may contain a password."""
    try:
        parse_url(proxy)
    except LocationParseError:
        raise InvalidProxyURL("the proxy's URL is invalid") from None
