"""The route to one host: everything in a request that does not change from URL to URL, made once.

Decides the header block as bytes, the proxy, the trust and the pool of a host. requests looks up all of these for each
request; the proxies of the environment alone cost 200 µs. Here a URL adds its path and nothing else.
"""

from __future__ import annotations

import threading
import time
from base64 import b64encode
from collections import OrderedDict
from collections.abc import MutableMapping, Sequence
from copy import copy
from typing import Any
from urllib.parse import unquote_to_bytes
from urllib.request import getproxies

import requests
from requests.structures import CaseInsensitiveDict
from requests.utils import select_proxy
from urllib3.util.proxy import connection_requires_http_tunnel

from ...header import ABOUT_THE_BODY, is_harmless
from ...model import HostKey, RowRequest
from ...overrides import HostOverrides
from ...settings import RequestSettings
from ..net.pool import HostPool
from ..net.session import PooledSession
from .cookies import CookieStore
from .request_overrides import AUTHORIZATION, own_request, row_request

MOST_ROUTES = 4096
REFRESH = 1.0  # seconds; how often a pool in use is moved to the young end of the manager's LRU


class Route:
    """One host, asked with one method.

    foreign: reached by a redirect from another origin, so with harmless header fields only.
    ranged: its header fields request a range, so that a 206 is the response to it.
    """

    __slots__ = (
        "_after",
        "_before",
        "_end",
        "_forwards",
        "_rest",
        "_session",
        "_where",
        "_within",
        "foreign",
        "host",
        "method",
        "pool",
        "prepared",
        "ranged",
    )

    def __init__(
        self, session: PooledSession, settings: RequestSettings, host: HostKey, method: str, *, foreign: bool
    ) -> None:
        self.host = host
        self.method = method
        self.foreign = foreign
        self._session = session
        self.prepared = _prepared(session, settings, host, method, foreign=foreign)
        env = session.merge_environment_settings(
            self.prepared.url, {}, False, False if settings.insecure else settings.cacert, certificate(settings)
        )
        proxies = env["proxies"]
        if settings.proxy:
            proxies = {"http": settings.proxy, "https": settings.proxy}
        self._where: dict[str, Any] = {"verify": env["verify"], "proxies": proxies, "cert": env["cert"]}
        self._within = time.monotonic() + REFRESH
        self.pool = self._lookup()
        self._build()

    def __repr__(self) -> str:
        return f"<Route {self.method} {self.host}{' foreign' if self.foreign else ''}>"

    def at(self, host: HostKey) -> Route:
        """The same for another host, where nothing of it depends on the host; see ``_asks_all_alike``."""
        other = Route.__new__(Route)
        other.host, other.method, other.foreign, other.ranged = host, self.method, self.foreign, self.ranged
        other.prepared, other._session, other._where = self.prepared, self._session, self._where
        other._within = time.monotonic() + REFRESH
        if self._where["proxies"] or self._rest is None:
            other.prepared = copy(self.prepared)
            other.prepared.url = f"{host.origin}/"
            other.pool = other._lookup()
            other._build()
        else:
            other.pool = other._lookup()
            other._set(host.netloc.encode("ascii"), self._rest, self._end)
        return other

    def asking(self, prepared: requests.PreparedRequest) -> Route:
        """The same host by the same way, asked something else with the same method."""
        other = copy(self)
        other.prepared = prepared
        other._build()
        return other

    def _build(self) -> None:
        pool, prepared, host, proxies = self.pool, self.prepared, self.host, self._where["proxies"]
        headers = list(prepared.headers.items())
        self.ranged = "Range" in prepared.headers
        forwarding = bool(
            proxies
            and select_proxy(host.origin, proxies)
            and pool.proxy is not None
            and not connection_requires_http_tunnel(pool.proxy, pool.proxy_config, host.scheme)
        )
        if forwarding:
            headers += [(name, value) for name, value in pool.proxy_headers.items() if name not in prepared.headers]
        block = "".join(f"{_text(name)}: {_text(value)}\r\n" for name, value in headers).encode("latin-1")
        body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body or b""
        if forwarding or "Host" in prepared.headers:
            self._rest: bytes | None = None
            own = b"" if "Host" in prepared.headers else b"Host: " + host.netloc.encode("ascii") + b"\r\n"
            self._before = f"{self.method} {host.origin if forwarding else ''}".encode("ascii")
            self._after = b" HTTP/1.1\r\n" + own + block
            self._end = b"\r\n" + body
        else:
            self._set(host.netloc.encode("ascii"), block, b"\r\n" + body)

    def _set(self, netloc: bytes, rest: bytes, end: bytes) -> None:
        """Make the request line and the header block, of which but the Host is alike for all hosts."""
        self._rest = rest
        self._before = self.method.encode("ascii") + b" "
        self._after = b" HTTP/1.1\r\nHost: " + netloc + b"\r\n" + rest
        self._end = end

    def _lookup(self) -> HostPool:
        where, adapter = self._where, self._session.adapter
        if not where["proxies"]:
            return adapter.pool_for(self.host, where["verify"], where["cert"])
        pool: HostPool = adapter.get_connection_with_tls_context(self.prepared, **where)
        return pool

    def current_pool(self) -> HostPool:
        """The host's pool, also after the manager let an older one go."""
        now = time.monotonic()
        if now > self._within or self.pool.retired or self.pool.pool is None:
            self.pool = self._lookup()
            self._within = now + REFRESH
        return self.pool

    def request(self, path: str, *, cookies: CookieStore | None = None, userinfo: str | None = None) -> bytes:
        """The request for ``path`` as bytes, body included."""
        extra = b""
        if cookies or userinfo:
            extra = self._personal(path, cookies, userinfo)
        return b"".join((self._before, path.encode("ascii"), self._after, extra, self._end))

    def _personal(self, path: str, cookies: CookieStore | None, userinfo: str | None) -> bytes:
        fields = b""
        headers = self.prepared.headers
        if userinfo is not None and AUTHORIZATION not in headers:
            user, _, password = userinfo.partition(":")
            basic = b64encode(unquote_to_bytes(user) + b":" + unquote_to_bytes(password))
            fields = b"Authorization: Basic %b\r\n" % basic
        if cookies is not None and "Cookie" not in headers:
            value = cookies.header(self.host.host, path, time.time(), secure=self.host.scheme == "https")
            if value is not None:
                fields += b"Cookie: %b\r\n" % value
        return fields


class RouteTable:
    """The routes in use, bounded. Called from many threads. overrides: what single hosts are sent otherwise."""

    def __init__(
        self, session: PooledSession, settings: RequestSettings, overrides: HostOverrides | None = None
    ) -> None:
        self._session = session
        self._settings = settings
        self._overrides = overrides or HostOverrides()
        self._lock = threading.Lock()
        self._routes: OrderedDict[tuple[HostKey, str, bool], Route] = OrderedDict()
        self._models: dict[tuple[str, bool], Route] = {}  # for hosts that are asked like any other
        self._alike = _asks_all_alike(session, settings)

    def get(self, host: HostKey, method: str, *, foreign: bool = False) -> Route:
        """The route to ``host``, made at its first use. Raises what requests and urllib3 raise, and OSError."""
        key = host, method, foreign
        route = self._routes.get(key)
        if route is None:
            settings = own_request(self._settings, self._overrides.override_for(host))
            route = self._make(settings, host, method, foreign)
            with self._lock:
                self._routes[key] = route
                if len(self._routes) > MOST_ROUTES:
                    self._routes.popitem(last=False)
        return route

    def _make(self, settings: RequestSettings, host: HostKey, method: str, foreign: bool) -> Route:
        alike = self._alike and settings is self._settings
        model = self._models.get((method, foreign)) if alike else None
        if model is not None:
            return model.at(host)
        route = Route(self._session, settings, host, method, foreign=foreign)
        if alike:
            self._models[method, foreign] = route
        return route

    def for_row(self, row: RowRequest, host: HostKey, method: str, *, foreign: bool = False) -> Route:
        """The route to ``host`` of a target whose row asks otherwise than the run: nobody else's, so it is not kept.

        It shares what is dear to find out with the run's own. Raises as ``get`` does.
        """
        usual = self.get(host, method, foreign=foreign)
        settings = row_request(own_request(self._settings, self._overrides.override_for(host)), row)
        return usual.asking(_prepared(self._session, settings, host, method, foreign=foreign))


def _asks_all_alike(session: PooledSession, settings: RequestSettings) -> bool:
    """Whether what requests finds out for a host is the same for each: no word of ~/.netrc, no cookie of the session.

    Nor a proxy of the environment, which has exceptions by host. requests takes 0.4 ms to find out that there is none.
    """
    if settings.netrc or session.auth is not None or len(session.cookies) or session.proxies:
        return False
    return settings.proxy is not None or not (session.trust_env and getproxies())


def with_fields(request: bytes, fields: Sequence[tuple[str, str]]) -> bytes:
    """A request as bytes, with fields in the place of those of their names."""
    head, blank, body = request.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    names = {name.lower().encode("ascii") for name, _ in fields}
    kept = [line for line in lines[1:] if line.partition(b":")[0].lower() not in names]
    own = [f"{name}: {value}".encode("latin-1") for name, value in fields]
    return b"\r\n".join([lines[0], *kept, *own]) + blank + body


def _prepared(
    session: PooledSession, settings: RequestSettings, host: HostKey, method: str, *, foreign: bool
) -> requests.PreparedRequest:
    data = settings.data if method not in ("GET", "HEAD") or method == settings.method else None
    bodiless = data is None and settings.data is not None
    stays = foreign and not settings.header_everywhere
    headers: MutableMapping[str, str] = CaseInsensitiveDict()
    for name, value in settings.headers:
        field = name.lower()
        if (stays and not is_harmless(name)) or (bodiless and field in ABOUT_THE_BODY):
            continue
        before = headers.get(name)
        between = "; " if field == "cookie" else ", "  # RFC 6265 section 5.4; RFC 9110 section 5.3
        headers[name] = value if before is None else f"{before}{between}{value}"
    if settings.user_agent is not None:
        headers.setdefault("User-Agent", settings.user_agent)
    # requests reads ~/.netrc unless an auth is given, and lets it win: only when asked, where nothing else was given,
    # and never for a redirect's host.
    from_netrc = settings.netrc and not foreign and AUTHORIZATION not in headers
    keep_netrc_out = None if from_netrc else (lambda request: request)
    request = requests.Request(method, host.origin + "/", headers=headers, data=data, auth=keep_netrc_out)
    return session.prepare_request(request)


def certificate(settings: RequestSettings) -> Any:
    """The client's certificate as requests wants it: a file, one with its key, or None."""
    return (settings.cert, settings.key) if settings.cert and settings.key else settings.cert


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
