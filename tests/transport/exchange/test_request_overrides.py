"""What a host's section sends, and where it does not follow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from scrapepool.model import Redirected
from scrapepool.overrides import NOTHING, HostOverride
from scrapepool.settings import RequestSettings
from scrapepool.transport.exchange.request_overrides import host_request
from tests.servers.polite import PoliteServer
from tests.transport.fetching import lease_context, only, run

BASIC = "Basic bWU6aMO8c2g="  # me:hüsh


@pytest.fixture(scope="module")
def web() -> Iterator[PoliteServer]:
    with PoliteServer(2) as server:
        yield server


def section(host: str, **values: Any) -> dict[str, Any]:
    """Settings with one section."""
    return {"host_overrides": {"sections": ((host, HostOverride(**values)),)}}


def seen(result: Any) -> dict[str, str]:
    """The fields that an /echo page saw."""
    return {name.lower(): value for name, value in json.loads(result.body)["headers"]}


def test_most_hosts_are_asked_as_ever() -> None:
    """Without a section nothing changes."""
    usual = RequestSettings(headers=(("A", "1"),))
    assert host_request(usual, NOTHING) is usual
    assert host_request(usual, HostOverride(delay=1.0)) is usual


def test_a_section_goes_over_the_run() -> None:
    """A field of the section replaces those of its name, however spelled; the others stay."""
    run_wide = RequestSettings(headers=(("A", "1"), ("B", "2")), user_agent="me/1", netrc=True)
    own = host_request(run_wide, HostOverride(headers=(("a", "3"), ("User-Agent", "you/1"))))
    assert own.headers == (("B", "2"), ("a", "3"), ("User-Agent", "you/1"))
    assert (own.user_agent, own.netrc) == (None, True)


def test_credentials() -> None:
    """They become Basic, go before --netrc, and give way to a field of the section."""
    own = host_request(RequestSettings(netrc=True), HostOverride(credentials="me:hüsh"))
    assert (own.headers, own.netrc) == ((("Authorization", BASIC),), False)
    own = host_request(RequestSettings(), HostOverride(headers=(("authorization", "Bearer x"),), credentials="a:b"))
    assert own.headers == (("authorization", "Bearer x"),)


def test_what_a_server_sees(web: PoliteServer) -> None:
    """The section's host gets its fields and credentials, the other host gets the run's."""
    own, other = web.sites[0].origin, web.sites[1].origin
    values = section(own.removeprefix("http://"), headers=(("X-Own", "yes"), ("X-All", "mine")), credentials="me:hüsh")
    with lease_context(request={"headers": (("X-All", "all"),)}, **values) as made:
        mine, others = (seen(only(run(made, f"{origin}/echo").results)) for origin in (own, other))
    assert (mine["x-own"], mine["x-all"], mine["authorization"]) == ("yes", "mine", BASIC)
    assert (others["x-all"], "x-own" in others, "authorization" in others) == ("all", False, False)


def test_secrets_do_not_follow_a_redirect(web: PoliteServer) -> None:
    """A redirect takes no secret of a section along, neither from its host nor to it."""
    own, other = web.sites[0].origin, web.sites[1].origin
    headers = (("X-Own", "yes"), ("Accept-Language", "de"))
    values = section(own.removeprefix("http://"), headers=headers, credentials="me:hüsh")
    with lease_context(**values) as made:
        for start, end in ((own, other), (other, own)):
            hop = only(run(made, f"{start}/redirect?status=302&to={quote(f'{end}/echo', safe='')}").results)
            assert isinstance(hop, Redirected)
            fields = seen(only(run(made, hop.attempt).results))
            assert not fields.keys() & {"authorization", "x-own"}
            assert ("accept-language" in fields) == (end == own)
