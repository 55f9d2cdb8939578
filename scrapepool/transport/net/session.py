"""One pooled ``requests.Session`` for all workers.

Decides the defaults that requests leaves open: how pools are sized, that they block rather
than overflow, how long a server may take, what is asked for again, and what headers say.
Everything that a ``requests.Session`` does still works, from any number of threads.
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
MOST_POOLS = (
    16_384  # hosts whose pools are kept, some 3 kB each; how many connections stay idle is the adapter's to say
)


@frozen
class PoolStats:
    """The connections to one host, now.

    opened: connections opened so far.
    requests: requests sent over them.
    idle: connections that are open and unused.
    in_use: connections that are held.
    """

    opened: int
    requests: int
    idle: int
    in_use: int

    @property
    def reuse(self) -> float:
        """Share of the requests, 0 to 1, that went over a connection which had served before."""
        return 1 - self.opened / self.requests if self.requests > self.opened else 0.0


class PooledSession(requests.Session):
    """A ``requests.Session`` whose pools, timeouts and retries are set up for bulk work.

    Use it as any session, from any number of threads, and close it (or use ``with``)::

        with PooledSession(pool_maxsize=20, max_retries=Retry(total=3, backoff_factor=1), timeout=10) as session:
            response = session.get("https://example.org/")

    workers: threads that will use it. It decides how many connections may stay idle over all hosts.
    per_host: connections to one host at most. A further request waits for one, at most for the connect timeout,
        and then raises urllib3's ``EmptyPoolError``.
    timeout: seconds, of requests that give none: one number, ``(connect, read)``, or ``Timeouts``, whose ``total``
        counts for ``fetch`` alone. None: the defaults of ``Timeouts``.
    max_retries: as in ``HTTPAdapter``, an int (of failed connections) or urllib3's ``Retry``; or a ``RetryPolicy``.
        None: the defaults of ``RetryPolicy``. The thread that sent a request waits for its retries.
    headers: sent with each request, over the default ones.
    cacert: file or folder of the CA certificates to trust, before ``REQUESTS_CA_BUNDLE``. It is read at first use.
    pool_connections: hosts whose pools are kept, as in ``HTTPAdapter``.
    pool_maxsize: connections that are kept for one host, as in ``HTTPAdapter``; in the place of ``per_host``.
    pool_block: whether a request waits where all connections to a host are in use, as in ``HTTPAdapter``; else a
        further one is opened, and closed afterwards. None: only where ``pool_maxsize`` is not given.
    tls_resume: whether TLS sessions are resumed.
    deny_private: whether only public addresses are connected to. A request to another one, or through a proxy, raises
        requests' ``ConnectionError``.
    bandwidth: internal; what the connections of a run share.

    Raises UsageError for values that contradict each other.
    """

    __attrs__: Any = (*requests.Session.__attrs__, "timeout", "bandwidth", "_adapter")
    """What a copy has, by ``pickle`` or ``copy.deepcopy``; it opens connections of its own, as requests' does."""

    verify: bool | str | None
    timeout: tuple[float | None, float | None]
    """Seconds to connect and to read, of requests that give none."""

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
        """As requests does, with the session's timeouts where none are given."""
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self.timeout
        if "proxies" not in kwargs:
            proxies = with_no_proxy(self.proxies, trust_env=self.trust_env)
            kwargs["proxies"] = resolve_proxies(request, proxies, self.trust_env)
        return super().send(request, **kwargs)

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """As requests does; a session's own CA bundle goes before that of the environment.

        NO_PROXY may have spaces between its hosts.
        """
        if verify is None and isinstance(self.verify, str):
            verify = self.verify
        if proxies is not None:
            proxies = with_no_proxy(proxies, trust_env=self.trust_env)
        return super().merge_environment_settings(url, proxies, stream, verify, cert)

    def pool_stats(self) -> dict[str, PoolStats]:
        """What each host's pool holds now, by ``host:port``; hosts whose pool has been let go are not in it."""
        stats: dict[str, PoolStats] = {}
        for pool in self._adapter.pools():
            name = str(HostKey(pool.scheme, pool.host, pool.port or DEFAULT_PORTS[pool.scheme]))
            stats[name] = PoolStats(pool.opened, pool.num_requests, pool.idle, pool.in_use)
        return stats


class PolicyRetry(Retry):
    """urllib3's policy; a Retry-After is read as in a run, and one that cannot be read is no wait and no error."""

    def parse_retry_after(self, retry_after: str) -> float:
        """Seconds to wait, at most ``retry_after_max``."""
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
    """The retry policy in urllib3's words; None for the default one."""
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
