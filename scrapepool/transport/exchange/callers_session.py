"""The settings that a run takes from its caller's session: header fields, credentials, cookies, proxies, certificates.

Decides which attributes of a ``requests.Session`` a run uses, and refuses those that it cannot use. The run opens its
own connections and changes nothing in the session except the cookies. The caller still owns the session and closes it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.cookiejar import Cookie as SessionCookie
from typing import cast

import requests
from requests.auth import HTTPBasicAuth
from requests.cookies import create_cookie

from ...errors import UsageError
from ...settings import RequestSettings
from ..net.session import PooledSession
from .cookies import Cookie, CookieStore
from .request_overrides import AUTHORIZATION, with_headers

TRANSPORT_FIELDS = frozenset({"accept-encoding", "connection"})
"""Header fields that are not taken from a session: the transport sets them, as it knows what it can read."""

Cookies = list[tuple[SessionCookie, Cookie]]
"""The cookies of a session, each in the session's form and in the run's form."""

LOCALHOST = "localhost.local"
"""The domain that http.cookiejar uses for localhost."""


def request_of(session: requests.Session, settings: RequestSettings) -> RequestSettings:
    """Return the settings, completed by those of the session. Raises UsageError if a run cannot use one of these."""
    if not isinstance(session, requests.Session):
        raise UsageError(f"fetch() takes a requests.Session as its session, not {type(session).__name__}")
    for name, used in (("hooks", any(session.hooks.values())), ("params", bool(session.params))):
        if used:
            raise UsageError(f"fetch() does not carry out the {name} of a session")
    fields = {name: _text(value) for name, value in session.headers.items() if name.lower() not in TRANSPORT_FIELDS}
    if session.auth is not None:
        fields[AUTHORIZATION] = _basic(session.auth)
    if settings.user_agent is not None:
        fields.pop("User-Agent", None)
    cert, key = session.cert if isinstance(session.cert, tuple) else (session.cert, None)
    verify = session.verify if settings.cacert is None else True
    sent = with_headers(replace(settings, headers=tuple(fields.items())), settings.headers)
    return replace(
        sent,
        cert=settings.cert or cert,
        key=settings.key or (key if settings.cert is None else None),
        insecure=settings.insecure or verify is False,
        cacert=verify if isinstance(verify, str) else settings.cacert,
        deny_private=settings.deny_private or (isinstance(session, PooledSession) and session.adapter.deny_private),
    )


def _basic(auth: object) -> str:
    if isinstance(auth, tuple) and len(auth) == 2:
        auth = HTTPBasicAuth(*auth)
    if type(auth) is not HTTPBasicAuth:
        raise UsageError(
            f"fetch() cannot use the session's {type(auth).__name__}, which may look at each request; "
            "give user and password, or a header field"
        )
    return str(auth(requests.Request("GET", "http://h/").prepare()).headers[AUTHORIZATION])


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def cookies_of(session: requests.Session) -> Cookies:
    """Return a session's cookies. Raises UsageError for one without a domain, which requests sends to every host."""
    jar = cast(Iterable[SessionCookie], session.cookies)  # the types of requests say that it yields names
    return [(one, _cookie(one)) for one in jar]


def _cookie(one: SessionCookie) -> Cookie:
    if not one.domain:
        raise UsageError(
            f"the session's cookie {one.name!r} has no domain: set it with one, as session.cookies.set(…, domain=…)"
        )
    domain = "localhost" if one.domain == LOCALHOST else one.domain.lower()
    return Cookie(
        one.name.encode("latin-1", "replace"),
        (one.value or "").encode("latin-1", "replace"),
        domain.removeprefix("."),
        one.path.encode("latin-1", "replace"),
        not domain.startswith("."),
        one.secure,
        one.has_nonstandard_attr("HttpOnly"),
        None if one.expires is None else int(one.expires),
    )


@contextmanager
def shared_with(session: requests.Session, given: Cookies, own: PooledSession, store: CookieStore) -> Iterator[None]:
    """Let a run use the session's proxies and cookies during the block; then copy the run's cookies to the session.

    given: the session's cookies. own: the run's session. store: the run's cookies.
    """
    own.proxies = dict(session.proxies)
    own.trust_env = session.trust_env
    for _, one in given:
        store.put(one, time.time())
    try:
        yield
    finally:
        for old, _ in given:
            with suppress(KeyError):  # other code may have removed it
                session.cookies.clear(old.domain, old.path, old.name)
        for one in store.cookies(time.time()):
            domain = LOCALHOST if one.domain == "localhost" else one.domain
            session.cookies.set_cookie(
                create_cookie(  # type: ignore[no-untyped-call]
                    one.name.decode("latin-1"),
                    one.value.decode("latin-1"),
                    domain=domain if one.host_only else f".{domain}",
                    path=one.path.decode("latin-1"),
                    secure=one.secure,
                    expires=one.expires,
                    rest={"HttpOnly": None} if one.http_only else {},
                )
            )
