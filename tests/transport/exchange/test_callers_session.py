"""A session that is handed in: what it sends is sent, cookies come back to it, and it stays open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from requests.auth import HTTPBasicAuth, HTTPDigestAuth

from scrapepool import OutageError, PooledSession, Settings, UsageError, fetch
from scrapepool.demo.wire import Request as Received
from scrapepool.transport.exchange.callers_session import cookies_of
from scrapepool.transport.exchange.cookies import Cookie
from tests.servers.polite import PoliteServer, Response
from tests.transport.loopback import Server, authority, respond_to_all, server_context

BODIES = Settings().with_(output={"body": True}, politeness={"robots": False})


def site(request: Received) -> Response | None:
    """Logs in and out, and redirects elsewhere."""
    path = request.target
    if path == "/login":
        return Response(body=b"in", headers=(("Set-Cookie", "sid=1; Path=/; HttpOnly"),))
    if path == "/renew":
        return Response(body=b"in", headers=(("Set-Cookie", "sid=2; Path=/; Max-Age=60"), ("Set-Cookie", "new=1")))
    if path == "/logout":
        return Response(body=b"out", headers=(("Set-Cookie", "sid=; Path=/; Max-Age=0"),))
    return None


@pytest.fixture(params=[requests.Session, PooledSession])
def session(request: pytest.FixtureRequest) -> Iterator[requests.Session]:
    with request.param() as made:
        yield made


def test_a_session_that_has_logged_in(session: requests.Session) -> None:
    """Its fields, user and cookies are sent, settings over them, and it can still be used: its owner closes it."""
    session.headers["X-Token"] = "t"
    session.headers["X-Both"] = "session"
    session.auth = ("ann", "pw")
    settings = BODIES.with_(request={"headers": (("x-both", "settings"),)})
    with PoliteServer(handler=site) as server:
        session.get(server.url("/login"))
        opened = server.opened
        (outcome,) = fetch([server.url("/echo")], settings, session=session)
        assert server.opened == opened + 1
        assert session.get(server.url("/echo")).ok
        assert server.opened == opened + 1
    sent = {name.lower(): value for name, value in outcome.json()["headers"]}
    assert (sent["x-token"], sent["x-both"], sent["cookie"]) == ("t", "settings", "sid=1")
    assert sent["authorization"] == "Basic YW5uOnB3"
    assert sent["user-agent"] == session.headers["User-Agent"]


def test_cookies_of_the_run_are_the_session_s(session: requests.Session) -> None:
    """Those that were set or renewed are in it afterwards, those that were deleted are not."""
    with PoliteServer(handler=site) as server:
        session.get(server.url("/login"))
        list(fetch([server.url("/renew")], BODIES, session=session))
        assert session.cookies.get_dict() == {"sid": "2", "new": "1"}
        assert session.get(server.url("/echo")).json()["headers"][-1] == ["Cookie", "sid=2; new=1"]
        list(fetch([server.url("/logout")], BODIES, session=session))
        assert session.cookies.get_dict() == {"new": "1"}


def test_cookies_keep_where_they_may_go(session: requests.Session) -> None:
    """Their domain, path, end, and whether they are for TLS alone; what is not sent comes back as it was."""
    jar = session.cookies
    jar.set("host", "1", domain="example.org", path="/a", secure=True, expires=4_000_000_000, rest={})
    jar.set("below", "2", domain=".Example.org", rest={"HttpOnly": None})
    jar.set("local", "3", domain="localhost.local", rest={})
    assert [one for _, one in cookies_of(session)] == [
        Cookie(b"host", b"1", "example.org", b"/a", host_only=True, secure=True, expires=4_000_000_000),
        Cookie(b"below", b"2", "example.org", host_only=False, http_only=True),
        Cookie(b"local", b"3", "localhost"),
    ]
    before = sorted((one.name, one.domain.lower(), one.path, one.secure, one.expires) for one in jar)
    assert list(fetch([], session=session)) == []
    assert sorted((one.name, one.domain, one.path, one.secure, one.expires) for one in jar) == before


def test_what_a_session_sends_does_not_follow_to_another_host(session: requests.Session) -> None:
    """Nor do its user and cookies: they are secrets."""
    session.headers["X-Token"] = "t"
    session.auth = HTTPBasicAuth("ann", "pw")

    def elsewhere(request: Received) -> Response | None:
        return Response(302, headers=(("Location", server.url("/echo", 1)),)) if request.target == "/go" else None

    with PoliteServer(2, handler=elsewhere) as server:
        session.cookies.set("sid", "1", domain="127.0.2.1")
        (outcome,) = fetch([server.url("/go")], BODIES, session=session)
    assert not {"x-token", "authorization", "cookie"} & {name.lower() for name, _ in outcome.json()["headers"]}


def test_trust_and_proxies_are_the_session_s(session: requests.Session, tmp_path: Any) -> None:
    """``verify`` as a file and as False; a proxy that is not there fails."""
    bundle = tmp_path / "ca.pem"
    authority().cert_pem.write_to_path(str(bundle))
    with Server(respond_to_all, tls=server_context()) as server:
        url = f"https://127.0.0.1:{server.port}/"
        for verify, works in ((True, False), (str(bundle), True), (False, True)):
            session.verify = verify
            (outcome,) = fetch([url], BODIES.with_(retry={"retries": 0}), session=session)
            assert (outcome.text is not None) is works, outcome
        session.proxies["https"] = "http://127.0.0.1:9"
        with pytest.raises(OutageError, match=r"proxy 127\.0\.0\.1:9"):
            list(fetch([url], BODIES.with_(retry={"max_outage": 0.0}), session=session))


def test_public_addresses_stay_the_only_ones() -> None:
    """A session that refuses private addresses is one that a run goes by."""
    with PoliteServer() as server, PooledSession(deny_private=True) as session:
        (outcome,) = fetch([server.url()], BODIES, session=session)
    assert "not public" in (outcome.detail or "") or "private" in (outcome.detail or ""), outcome.detail


def test_what_a_run_cannot_do_is_refused(session: requests.Session) -> None:
    """At the call, with a sentence."""
    session.cookies.set("a", "b")
    with pytest.raises(UsageError, match="cookie 'a' has no domain"):
        fetch([], session=session)
    session.cookies.clear()
    session.auth = HTTPDigestAuth("ann", "pw")
    with pytest.raises(UsageError, match="HTTPDigestAuth"):
        fetch([], session=session)
    session.auth, session.params = None, {"key": "1"}
    with pytest.raises(UsageError, match="params"):
        fetch([], session=session)
    session.params = {}
    session.hooks["response"].append(print)
    with pytest.raises(UsageError, match="hooks"):
        fetch([], session=session)
