"""One pooled ``requests.Session`` for all workers.

Decides the defaults that requests leaves open: how pools are sized, that they block rather
than overflow, how long a server may take, what is asked for again, and what headers say.
Everything that a ``requests.Session`` does still works, from any number of threads.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Self

import requests
from requests.utils import resolve_proxies
from urllib3.util.retry import Retry

from ...frozen import frozen
from ...model import DEFAULT_PORTS, HostKey
from ...settings import Patience, PoolSettings, RetryPolicy
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
    """One host's pool, now.

    opened: connections opened. requests: sent over them. idle: open and unused. in_use: held.
    reuse: share of requests, 0 to 1, that went over a connection which had served before.
    """

    opened: int
    requests: int
    idle: int
    in_use: int

    @property
    def reuse(self) -> float:
        """See the class."""
        return 1 - self.opened / self.requests if self.requests > self.opened else 0.0


class PooledSession(requests.Session):
    """A ``requests.Session`` over pools that are sized for bulk work.

    workers: threads that will use it. per_host: connections to one host at most; a further request waits for one.
    patience: default timeouts. retries: for direct use, honoured by urllib3 in the calling thread.
    headers: over the defaults. tls_resume: take up TLS sessions again. deny_private: connect to public addresses only;
    a request to another raises a ConnectionError, and so does one through a proxy. bandwidth: what the connections of a
    run share; direct use takes no notice of it.
    """

    __attrs__ = (*requests.Session.__attrs__, "patience", "bandwidth", "_adapter")
    """What a copy has, by ``pickle`` or ``copy.deepcopy``; it opens connections of its own, as requests' does."""

    def __init__(
        self,
        workers: int = DEFAULTS.workers,
        per_host: int = DEFAULTS.per_host,
        *,
        patience: Patience | None = None,
        retries: RetryPolicy | None = None,
        headers: Mapping[str, str] | None = None,
        tls_resume: bool = False,
        deny_private: bool = False,
        bandwidth: Bandwidth | None = None,
    ) -> None:
        self.patience = patience or Patience()
        self.bandwidth = bandwidth
        self._adapter = PooledAdapter(
            pool_connections=MOST_POOLS,
            pool_maxsize=per_host,
            pool_block=True,
            max_retries=urllib3_retry(retries or RetryPolicy()),
            workers=workers,
            tls_resume=tls_resume,
            deny_private=deny_private,
            bandwidth=bandwidth,
        )
        super().__init__()
        self.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": ACCEPT_ENCODING, **(headers or {})})
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
            kwargs["timeout"] = (self.patience.connect, self.patience.read)
        if "proxies" not in kwargs:
            proxies = with_no_proxy(self.proxies, trust_env=self.trust_env)
            kwargs["proxies"] = resolve_proxies(request, proxies, self.trust_env)
        return super().send(request, **kwargs)

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """As requests does; NO_PROXY may have spaces between its hosts."""
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


def urllib3_retry(policy: RetryPolicy) -> Retry:
    """The retry policy in urllib3's words."""
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
