"""The groups of settings about what is fetched and how. Their defaults are here and nowhere else.

All durations are in seconds, all sizes in bytes. Constructors raise ``SettingsError`` for values that make no sense.
"""

from __future__ import annotations

from typing import Literal

from ..errors import require
from ..frozen import frozen
from ..host_share import HostShare

MIB = 1024 * 1024

MOST_PROCESSES = 256
"""One scheduler keeps no more worker processes busy."""

MOST_WORKERS = 10_000
"""Requests in flight at most: each needs a file descriptor."""

InputFormat = Literal["auto", "text", "csv", "tsv", "jsonl", "parquet", "sitemap", "feed", "html", "prose"]


@frozen
class InputSettings:
    """How lists are read.

    format: of every list. ``auto`` goes by suffix and first bytes.
    url_field: column or key that holds the URL. None: ``url``, ``link`` or ``href``.
    url_template: makes the URL of a row's columns (RFC 6570, ``{name}`` and ``{+name}``). None: the row has it.
    base_url: resolves relative URLs. None: they are not URLs.
    dedupe: whether a URL is fetched once only.
    lists: names of files and URLs of further lists.
    glob: whether URLs of the command line are patterns, as curl's.
    row_requests: whether the columns ``method``, ``headers``, ``data``, ``timeout`` and ``save_as`` of a JSONL row are
        its own request. None: only an object under the key ``request`` is one. False: nothing is.
    shard: the share of the hosts whose URLs are read. None: all hosts.
    """

    format: InputFormat = "auto"
    url_field: str | None = None
    url_template: str | None = None
    base_url: str | None = None
    dedupe: bool = True
    lists: tuple[str, ...] = ()
    glob: bool = False
    row_requests: bool | None = None
    shard: HostShare | None = None


@frozen
class RequestSettings:
    """What is sent.

    With ``cookies`` or ``save_cookies`` all requests share their cookies. Without, each target has its own, for as long
    as its redirects last.

    method: HTTP method of every request.
    headers: name and value of fields, in order; each replaces the default field of its name.
    header_everywhere: whether all of ``headers`` follow a redirect to another origin, and not only harmless ones.
    user_agent: the User-Agent. None: ``scrapepool/VERSION``.
    data: body of every request.
    max_redirects: redirects that are followed per attempt.
    proxy: URL of the proxy for all requests. None: as ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``ALL_PROXY`` say.
    cacert: file of the CA certificates to trust. None: those of the system.
    cert: file of the client's certificate.
    key: file of its private key. None: it is in ``cert``.
    insecure: whether certificates are not verified.
    netrc: whether user and password are looked up in ``~/.netrc``.
    cookies: Netscape cookie file with the cookies to begin with.
    save_cookies: file that the cookies are written to at the end of the run.
    head_fallback: whether a GET is sent where HEAD is refused with 405 or 501.
    http_fallback: whether names without a scheme are requested over http where https fails.
    tls_resume: whether TLS sessions are resumed.
    deny_private: whether only public addresses are connected to.
    """

    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    header_everywhere: bool = False
    user_agent: str | None = None
    data: bytes | None = None
    max_redirects: int = 20
    proxy: str | None = None
    cacert: str | None = None
    cert: str | None = None
    key: str | None = None
    insecure: bool = False
    netrc: bool = False
    cookies: str | None = None
    save_cookies: str | None = None
    head_fallback: bool = False
    http_fallback: bool = False
    tls_resume: bool = False
    deny_private: bool = False

    def __post_init__(self) -> None:
        require(
            not (self.deny_private and self.proxy),
            "request.deny_private and request.proxy contradict each other: a proxy may connect to any address",
        )
        require(self.save_cookies != "-", "request.save_cookies needs a file; - is standard output")
        require(self.max_redirects >= 0, "request.max_redirects must not be negative")
        require(
            bool(self.method) and self.method.isascii() and self.method.isalpha(),
            "request.method: {!r} is not an HTTP method",
            self.method,
        )


@frozen
class PoolSettings:
    """How many requests are in flight at once, and how fast they follow each other.

    workers: requests in flight, over all hosts.
    per_host: requests in flight on one host, and connections kept for it.
    delay: seconds between the starts of two requests on one host.
    rate: requests per second, over all hosts. None: no limit.
    pace: ``auto`` sends fewer requests to a host that refuses, fails or slows down; ``fixed`` does not.
    processes: worker processes that the requests are divided among; 0 for one per core. 1: none beside the run's own.
    """

    workers: int = 32
    per_host: int = 4
    delay: float = 0.0
    rate: float | None = None
    pace: Literal["auto", "fixed"] = "auto"
    processes: int = 1

    def __post_init__(self) -> None:
        require(self.workers >= 1, "pool.workers must be at least 1")
        require(
            0 <= self.processes <= MOST_PROCESSES, f"pool.processes must be at least 0 and at most {MOST_PROCESSES}"
        )
        require(self.per_host >= 1, "pool.per_host must be at least 1")
        require(self.delay >= 0, "pool.delay must not be negative")
        require(self.rate is None or self.rate > 0, "pool.rate must be above 0")
        require(self.pace in ("auto", "fixed"), "pool.pace: {!r} is no pace; write auto or fixed", self.pace)


@frozen
class PolitenessSettings:
    """What a host has said about being requested.

    robots: whether robots.txt is obeyed.
    max_crawl_delay: seconds; a longer Crawl-delay counts as this one.
    host_memory: file with what runs have found out about hosts, which runs share. None: nothing is kept.
    """

    robots: bool = True
    max_crawl_delay: float = 60.0
    host_memory: str | None = None

    def __post_init__(self) -> None:
        require(self.max_crawl_delay >= 0, "politeness.max_crawl_delay must not be negative")


@frozen
class RunLimits:
    """What a whole run may use; None is no limit. Requests in flight when a limit is reached are finished.

    max_time: seconds.
    max_bytes: bytes of bodies, as received.
    targets: targets that are begun.
    until: Unix time from which on nothing new is begun.
    bandwidth: bytes received per second, over all hosts.
    """

    max_time: float | None = None
    max_bytes: int | None = None
    targets: int | None = None
    until: float | None = None
    bandwidth: float | None = None

    def __post_init__(self) -> None:
        require(self.max_time is None or self.max_time > 0, "limits.max_time must be above 0")
        require(self.max_bytes is None or self.max_bytes >= 1, "limits.max_bytes must be at least 1")
        require(self.targets is None or self.targets >= 1, "limits.targets must be at least 1")
        require(self.bandwidth is None or self.bandwidth > 0, "limits.bandwidth must be above 0")


@frozen
class Timeouts:
    """How long a server may take, in seconds.

    connect: for TCP and TLS together.
    read: between two pieces of a response.
    total: for a whole attempt, redirects included, even if the server trickles bytes.
    """

    connect: float = 10.0
    read: float = 30.0
    total: float = 120.0

    def __post_init__(self) -> None:
        require(self.connect > 0, "timeouts.connect must be above 0")
        require(self.read > 0, "timeouts.read must be above 0")
        require(self.total > 0, "timeouts.total must be above 0")


@frozen
class RetryPolicy:
    """Which requests are repeated, and after how long.

    retries: further attempts per target after the first; more if its host is at fault.
    backoff: seconds before the first retry, at most; doubles with each, with full jitter.
    backoff_max: seconds that a backoff may grow to.
    statuses: HTTP statuses that are retried.
    errors: slugs of errors that are retried, if the request may be repeated.
    max_park: seconds; the longest Retry-After that is waited for, the longest pause after a refusal that names none,
        and how long a host that went down is probed.
    break_after: failures in a row after which a host counts as down.
    max_outage: seconds that an outage of the network is waited for.
    retry_budget: retries per target, at most, over the run and on each host (0.1: one in ten); ten are always allowed.
        ``math.inf``: no limit.
    """

    retries: int = 3
    backoff: float = 1.0
    backoff_max: float = 60.0
    statuses: frozenset[int] = frozenset({408, 425, 429, 500, 502, 503, 504, 522, 524})
    errors: frozenset[str] = frozenset(
        {"dns", "connect_refused", "connect_timeout", "unreachable", "proxy", "read_timeout", "reset", "truncated"}
    )
    max_park: float = 300.0
    break_after: int = 10
    max_outage: float = 1800.0
    retry_budget: float = 0.1

    def __post_init__(self) -> None:
        require(self.retries >= 0, "retry.retries must not be negative")
        require(self.backoff >= 0, "retry.backoff must not be negative")
        require(self.max_park >= 0, "retry.max_park must not be negative")
        require(self.break_after >= 1, "retry.break_after must be at least 1")
        require(self.max_outage >= 0, "retry.max_outage must not be negative")
        require(self.retry_budget >= 0, "retry.retry_budget must not be negative")
        require(all(100 <= status <= 599 for status in self.statuses), "retry.statuses lie between 100 and 599")


@frozen
class SizeLimits:
    """How large a response may be.

    max_size: bytes of the body, as received and decoded, each.
    max_ratio: decoded bytes per received byte. Real pages stay under 100, bombs are at 1,000 and above.
    ratio_floor: decoded bytes below which the ratio does not count.
    cut: whether a body over ``max_size`` is cut there, and not refused.
    """

    max_size: int = 100 * MIB
    max_ratio: float = 2000.0
    ratio_floor: int = 10 * MIB
    cut: bool = False

    def __post_init__(self) -> None:
        require(self.max_size >= 1, "size.max_size must be at least 1 byte")
