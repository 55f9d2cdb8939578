"""What a run takes over from a session of its caller: header fields, credentials, cookies, proxies and trust.

Decides what of a ``requests.Session`` counts in a run, and refuses what cannot. The run opens connections of its own,
and gives back nothing but cookies, so that the session stays its caller's, who closes it.
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

TRANSPORTS = frozenset({"accept-encoding", "connection"})
"""Header fields of a session that are left to the transport, which knows what it can read."""

Cookies = list[tuple[SessionCookie, Cookie]]
"""Those of a session, each as it has it and as a run has it."""

LOCALHOST = "localhost.local"
"""How http.cookiejar calls localhost."""


def request_of(session: requests.Session, settings: RequestSettings) -> RequestSettings:
    """The settings over what the session sends. Raises UsageError for what a run cannot do as the session does."""
    if not isinstance(session, requests.Session):
        raise UsageError(f"fetch() takes a requests.Session as its session, not {type(session).__name__}")
    for what, used in (("hooks", any(session.hooks.values())), ("params", bool(session.params))):
        if used:
            raise UsageError(f"fetch() does not carry out the {what} of a session")
    fields = {name: _text(value) for name, value in session.headers.items() if name.lower() not in TRANSPORTS}
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
    """The cookies of a session. Raises UsageError for one without a domain, which requests sends to every host."""
    jar = cast(Iterable[SessionCookie], session.cookies)  # requests' own type says that they are names
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
    """Have a run go by the session's proxies and cookies for the block; what became of the cookies is given back.

    given: the session's. own, store: the run's.
    """
    own.proxies = dict(session.proxies)
    own.trust_env = session.trust_env
    for _, one in given:
        store.put(one, time.time())
    try:
        yield
    finally:
        for old, _ in given:
            with suppress(KeyError):  # somebody else may have taken it out
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
