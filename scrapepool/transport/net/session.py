"""A ``requests.Session`` with large pools, for all workers.

This module decides the defaults that requests leaves open: the sizes of the pools, that a full pool blocks, the
timeouts, the retries and the headers. Everything that a ``requests.Session`` does still works, from any number of
threads.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from os import PathLike
from typing import Any, Self

import requests
from requests.utils import resolve_proxies
from urllib3.util.retry import Retry

from ...errors import UsageError
from ...frozen import frozen
from ...model import DEFAULT_PORTS, HostKey
from ...settings import PoolSettings, RetryPolicy, Timeouts
from ...version import __version__
from ..http1.content_coding import ACCEPT_ENCODING
from ..http1.rate_limit_headers import longest_wait
from .adapter import PooledAdapter
from .bandwidth import Bandwidth
from .proxies import with_no_proxy

USER_AGENT = f"scrapepool/{__version__}"
DEFAULTS = PoolSettings()
MOST_POOLS = 16_384
"""The number of hosts whose pools are kept; a pool takes about 3 kB. The adapter limits the idle connections."""


@frozen
class PoolStats:
    """The current numbers of the connections to one host.

    opened: the connections opened so far.
    requests: the requests sent over them.
    idle: the connections that are open and unused.
    in_use: the connections that are in use.
    """

    opened: int
    requests: int
    idle: int
    in_use: int

    @property
    def reuse(self) -> float:
        """The share of the requests, 0 to 1, that were sent over a reused connection."""
        return 1 - self.opened / self.requests if self.requests > self.opened else 0.0


class PooledSession(requests.Session):
    """A ``requests.Session`` whose pools, timeouts and retries are set up for bulk work.

    Use it as any session, from any number of threads, and close it (or use ``with``)::

        with PooledSession(pool_maxsize=20, max_retries=Retry(total=3, backoff_factor=1), timeout=10) as session:
            response = session.get("https://example.org/")

    workers: the number of threads that will use the session. It limits the idle connections over all hosts.
    per_host: the maximum number of connections per host. A further request waits for one, at most for the connect
        timeout, and then raises urllib3's ``EmptyPoolError``.
    timeout: the timeout in seconds of requests without one: one number, ``(connect, read)``, or ``Timeouts``, whose
        ``total`` applies only to ``fetch``. None: the defaults of ``Timeouts``.
    max_retries: an int (for failed connections) or urllib3's ``Retry``, as in ``HTTPAdapter``, or a ``RetryPolicy``.
        None: the defaults of ``RetryPolicy``. The thread that sent a request waits for its retries.
    headers: the header fields that are sent with each request; they replace the default ones.
    cacert: the file or folder of the CA certificates to trust; it has priority over ``REQUESTS_CA_BUNDLE``. It is read
        at its first use.
    pool_connections: the number of hosts whose pools are kept, as in ``HTTPAdapter``.
    pool_maxsize: the number of connections that are kept per host, as in ``HTTPAdapter``; it replaces ``per_host``.
    pool_block: whether a request waits if all connections to its host are in use, as in ``HTTPAdapter``. If False, the
        request opens another connection and closes it afterwards. None: True, unless ``pool_maxsize`` is given.
    tls_resume: whether TLS sessions are resumed.
    deny_private: whether to connect only to public addresses. A request to another address, or through a proxy, raises
        requests' ``ConnectionError``.
    bandwidth: internal; the limit that the connections of a run share.

    Raises UsageError for values that contradict each other.
    """

    __attrs__: Any = (*requests.Session.__attrs__, "timeout", "bandwidth", "_adapter")
    """The attributes that ``pickle`` and ``copy.deepcopy`` copy. A copy opens its own connections, as in requests."""

    verify: bool | str | None
    timeout: tuple[float | None, float | None]
    """The connect timeout and the read timeout in seconds, for requests without a timeout."""

    def __init__(
        self,
        workers: int = DEFAULTS.workers,
        per_host: int | None = None,
        *,
        timeout: float | tuple[float | None, float | None] | Timeouts | None = None,
        max_retries: int | Retry | RetryPolicy | None = None,
        headers: Mapping[str, str] | None = None,
        cacert: str | PathLike[str] | None = None,
        pool_connections: int = MOST_POOLS,
        pool_maxsize: int | None = None,
        pool_block: bool | None = None,
        tls_resume: bool = False,
        deny_private: bool = False,
        bandwidth: Bandwidth | None = None,
    ) -> None:
        if headers is not None and not isinstance(headers, Mapping):
            raise UsageError(f"headers takes a mapping of names to values, not {_type(headers)}")
        if per_host is not None and pool_maxsize is not None:
            raise UsageError("per_host and pool_maxsize are the same: give one of them")
        size = next((given for given in (per_host, pool_maxsize) if given is not None), DEFAULTS.per_host)
        PoolSettings(workers=workers, per_host=size)
        self.timeout = _timeout(timeout)
        self.bandwidth: Bandwidth | None = bandwidth
        self._adapter = PooledAdapter(
            pool_connections=pool_connections,
            pool_maxsize=size,
            pool_block=pool_maxsize is None if pool_block is None else pool_block,
            max_retries=_retries(max_retries),
            workers=workers,
            tls_resume=tls_resume,
            deny_private=deny_private,
            bandwidth=bandwidth,
        )
        super().__init__()
        self.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": ACCEPT_ENCODING, **(headers or {})})
        if cacert is not None:
            self.verify = os.fspath(cacert)
        self.mount("http://", self._adapter)
        self.mount("https://", self._adapter)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        stats = self.pool_stats().values()
        return f"<PooledSession {len(stats)} hosts, {sum(s.opened for s in stats)} connections opened>"

    @property
    def adapter(self) -> PooledAdapter:
        """The adapter that is mounted for both schemes."""
        return self._adapter

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a request as requests does, with the timeouts of the session if the request has none."""
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self.timeout
        if "proxies" not in kwargs:
            proxies = with_no_proxy(self.proxies, trust_env=self.trust_env)
            kwargs["proxies"] = resolve_proxies(request, proxies, self.trust_env)
        return super().send(request, **kwargs)

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Merge the settings as requests does, but the session's own CA bundle has priority over the environment's.

        NO_PROXY may have spaces between its hosts.
        """
        if verify is None and isinstance(self.verify, str):
            verify = self.verify
        if proxies is not None:
            proxies = with_no_proxy(proxies, trust_env=self.trust_env)
        return super().merge_environment_settings(url, proxies, stream, verify, cert)

    def pool_stats(self) -> dict[str, PoolStats]:
        """Return the current numbers of each host's pool, by ``host:port``, without hosts whose pool was dropped."""
        stats: dict[str, PoolStats] = {}
        for pool in self._adapter.pools():
            name = str(HostKey(pool.scheme, pool.host, pool.port or DEFAULT_PORTS[pool.scheme]))
            stats[name] = PoolStats(pool.opened, pool.num_requests, pool.idle, pool.in_use)
        return stats


class PolicyRetry(Retry):
    """urllib3's ``Retry`` that parses Retry-After as a run does. An invalid value means no wait and no error."""

    def parse_retry_after(self, retry_after: str) -> float:
        """Return the seconds to wait, at most ``retry_after_max``."""
        return min(longest_wait(retry_after.strip(), time.time()) or 0.0, self.retry_after_max)


def _timeout(given: float | tuple[float | None, float | None] | Timeouts | None) -> tuple[float | None, float | None]:
    if isinstance(given, tuple):
        return given
    if isinstance(given, int | float):
        return given, given
    timeouts = given or Timeouts()
    if not isinstance(timeouts, Timeouts):
        raise UsageError(f"timeout takes a number of seconds, (connect, read) or Timeouts, not {_type(given)}")
    return timeouts.connect, timeouts.read


def _retries(given: int | Retry | RetryPolicy | None) -> int | Retry:
    if isinstance(given, int | Retry):
        return given
    if given is not None and not isinstance(given, RetryPolicy):
        raise UsageError(f"max_retries takes an int, urllib3's Retry or a RetryPolicy, not {_type(given)}")
    return urllib3_retry(given)


def _type(given: object) -> str:
    return type(given).__name__


def urllib3_retry(policy: RetryPolicy | None = None) -> Retry:
    """Return a retry policy as urllib3's ``Retry``; None is the default policy."""
    policy = policy or RetryPolicy()
    return PolicyRetry(
        total=policy.retries,
        read=None if policy.retries else False,  # so that requests raises ReadTimeout as it does by default
        status_forcelist=policy.statuses,
        backoff_factor=policy.backoff,
        backoff_max=policy.backoff_max,
        retry_after_max=int(policy.max_park),
        respect_retry_after_header=True,
        raise_on_status=False,
    )
