"""The route to one host: all parts of a request that are the same for every URL, computed once.

Decides the header block as bytes, the proxy, the certificates and the pool of a host. The requests library looks up all
of these for each request; the look-up of proxies in the environment alone takes 200 µs. Here only the path is added.
"""

from __future__ import annotations

import threading
import time
from base64 import b64encode
from collections import OrderedDict
from collections.abc import MutableMapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any
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
from .request_overrides import AUTHORIZATION, host_request, row_request

if TYPE_CHECKING:
    from .cookies import CookieStore

MAX_ROUTES = 4096
REFRESH = 1.0  # seconds between two look-ups of a pool in use, which keep it from being evicted from the LRU cache


class Route:
    """The requests to one host with one method.

    foreign: a redirect from another origin led to the host, so only harmless header fields are sent.
    ranged: the header fields include Range, so a 206 response is expected.
    """

    __slots__ = (
        "_adapter",
        "_after",
        "_before",
        "_connection_settings",
        "_end",
        "_forwards",
        "_refresh_at",
        "_rest",
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
        self._adapter = session.adapter
        self.prepared = _prepared(session, settings, host, method, foreign=foreign)
        env = session.merge_environment_settings(
            self.prepared.url, {}, False, False if settings.insecure else settings.cacert, certificate(settings)
        )
        proxies = env["proxies"]
        if settings.proxy:
            proxies = {"http": settings.proxy, "https": settings.proxy}
        self._connection_settings: dict[str, Any] = {"verify": env["verify"], "proxies": proxies, "cert": env["cert"]}
        self._refresh_at = time.monotonic() + REFRESH
        self.pool = self._lookup()
        self._build()

    def __repr__(self) -> str:
        return f"<Route {self.method} {self.host}{' foreign' if self.foreign else ''}>"

    def for_host(self, host: HostKey) -> Route:
        """Return the same route to another host, if nothing depends on the host; see ``_is_alike_for_all_hosts``."""
        other = Route.__new__(Route)
        other.host, other.method, other.foreign, other.ranged = host, self.method, self.foreign, self.ranged
        other.prepared, other._adapter = self.prepared, self._adapter
        settings = other._connection_settings = self._connection_settings
        other._refresh_at = time.monotonic() + REFRESH
        if settings["proxies"] or self._rest is None:
            other.prepared = copy(self.prepared)
            other.prepared.url = f"{host.origin}/"
            other.pool = other._lookup()
            other._build()
        else:
            other.pool = self._adapter.pool_for(host, settings["verify"], settings["cert"])
            other._before, other._rest, other._end = self._before, self._rest, self._end
            other._after = _fields(host, self._rest)
        return other

    def with_request(self, prepared: requests.PreparedRequest) -> Route:
        """Return the same route to the same host with another request of the same method."""
        other = copy(self)
        other.prepared = prepared
        other._build()
        return other

    def _build(self) -> None:
        pool, prepared, host, proxies = self.pool, self.prepared, self.host, self._connection_settings["proxies"]
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
            self._before, self._rest, self._end = self.method.encode("ascii") + b" ", block, b"\r\n" + body
            self._after = _fields(host, block)

    def _lookup(self) -> HostPool:
        connection_settings, adapter = self._connection_settings, self._adapter
        if not connection_settings["proxies"]:
            return adapter.pool_for(self.host, connection_settings["verify"], connection_settings["cert"])
        pool: HostPool = adapter.get_connection_with_tls_context(self.prepared, **connection_settings)
        return pool

    def current_pool(self) -> HostPool:
        """Return the host's pool; look up a new one if the manager has evicted the last one."""
        now = time.monotonic()
        if now > self._refresh_at or self.pool.retired or self.pool.pool is None:
            self.pool = self._lookup()
            self._refresh_at = now + REFRESH
        return self.pool

    def request(self, path: str, *, cookies: CookieStore | None = None, userinfo: str | None = None) -> bytes:
        """Return the request for ``path`` as bytes, including the body."""
        extra = b""
        if cookies or userinfo:
            extra = self._fields_of_url(path, cookies, userinfo)
        return b"".join((self._before, path.encode("ascii"), self._after, extra, self._end))

    def _fields_of_url(self, path: str, cookies: CookieStore | None, userinfo: str | None) -> bytes:
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
    """The routes in use, at most ``MAX_ROUTES``. Thread-safe. overrides: the settings of single hosts."""

    def __init__(
        self, session: PooledSession, settings: RequestSettings, overrides: HostOverrides | None = None
    ) -> None:
        self._session = session
        self._settings = settings
        self._overrides = overrides or HostOverrides()
        self._lock = threading.Lock()
        self._routes: OrderedDict[tuple[HostKey, str, bool], Route] = OrderedDict()
        self._models: dict[tuple[str, bool], Route] = {}  # for hosts without settings of their own
        self._alike = _is_alike_for_all_hosts(session, settings)

    def get(self, host: HostKey, method: str, *, foreign: bool = False) -> Route:
        """Return the route to ``host``, made at its first use. Raises what requests and urllib3 raise, and OSError."""
        key = host, method, foreign
        route = self._routes.get(key)
        if route is None:
            settings = self._settings
            if self._overrides:
                settings = host_request(settings, self._overrides.override_for(host))
            route = self._make(settings, host, method, foreign)
            with self._lock:
                self._routes[key] = route
                if len(self._routes) > MAX_ROUTES:
                    self._routes.popitem(last=False)
        return route

    def _make(self, settings: RequestSettings, host: HostKey, method: str, foreign: bool) -> Route:
        alike = self._alike and settings is self._settings
        model = self._models.get((method, foreign)) if alike else None
        if model is not None:
            return model.for_host(host)
        route = Route(self._session, settings, host, method, foreign=foreign)
        if alike:
            self._models[method, foreign] = route
        return route

    def for_row(self, row: RowRequest, host: HostKey, method: str, *, foreign: bool = False) -> Route:
        """Return the route to ``host`` for a row that has request settings of its own. It is not kept in the table.

        It shares with the run's own route what is expensive to look up. Raises the same as ``get``.
        """
        usual = self.get(host, method, foreign=foreign)
        settings = row_request(host_request(self._settings, self._overrides.override_for(host)), row)
        return usual.with_request(_prepared(self._session, settings, host, method, foreign=foreign))


def _is_alike_for_all_hosts(session: PooledSession, settings: RequestSettings) -> bool:
    """Return whether requests would prepare the same request for every host.

    That is so without ~/.netrc, without cookies of the session, and without proxies of the environment, which may
    exclude hosts. The requests library takes 0.4 ms per host to find out that there are none.
    """
    if settings.netrc or session.auth is not None or len(session.cookies) or session.proxies:
        return False
    return settings.proxy is not None or not (session.trust_env and getproxies())


def with_fields(request: bytes, fields: Sequence[tuple[str, str]]) -> bytes:
    """Return a request as bytes, with header fields that replace those of the same names."""
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
    # requests reads ~/.netrc unless ``auth`` is given, and then prefers it. It must do so only if the user wants it, if
    # there are no other credentials, and never for the host of a redirect.
    from_netrc = settings.netrc and not foreign and AUTHORIZATION not in headers
    without_netrc = None if from_netrc else (lambda request: request)
    request = requests.Request(method, host.origin + "/", headers=headers, data=data, auth=without_netrc)
    return session.prepare_request(request)


def certificate(settings: RequestSettings) -> Any:
    """Return the client certificate in the form of requests: a file, a file with a key file, or None."""
    return (settings.cert, settings.key) if settings.cert and settings.key else settings.cert


def _fields(host: HostKey, rest: bytes) -> bytes:
    """Return the end of the request line and the header block, in which only the Host field depends on the host."""
    return b" HTTP/1.1\r\nHost: %b\r\n%b" % (host.netloc.encode("ascii"), rest)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
