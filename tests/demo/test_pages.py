"""How the demo's hosts respond, without sockets."""

from __future__ import annotations

import gzip
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.demo.pages import LIMIT_REQUESTS, ROLES, Role, Visit, response_to
from scrapepool.demo.wire import Then, WireResponse

PEERS = {role.name: f"http://127.0.1.{i}:80" for i, role in enumerate(ROLES, 1)}
BY_NAME = {role.name: role for role in ROLES}


def visit(name: str, path: str, *, nth: int = 1, recent: int = 1, now: float = 1_000_000_000.0) -> WireResponse:
    """Ask a role for a path."""
    return response_to(BY_NAME[name], Visit(PEERS[name], path, nth, recent, now, PEERS))


def status(response: WireResponse) -> int:
    """The status of a response that has no interim responses."""
    return int(response.head.split(b" ", 2)[1])


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_page_of_a_role_is_answered_at_last(role: Role) -> None:
    """Asked again, and not too often at once, each listed page has a response, and only missing ones are missing."""
    for path in role.paths:
        response = visit(role.name, quote(path), nth=2)
        assert response.then is not Then.RESET
        assert (status(response) in {404, 410}) == (role.name == "missing")


@given(st.sampled_from(ROLES), st.text(), st.integers(1, 5), st.integers(1, 100))
def test_any_path_gets_the_same_reply_again(role: Role, path: str, nth: int, recent: int) -> None:
    """A response is a function of the visit: any path, listed or not, has one, twice the same."""
    responses = {visit(role.name, quote(f"/{path}"), nth=nth, recent=recent) for _ in range(2)}
    assert len(responses) == 1
    assert responses.pop().head.endswith(b"\r\n\r\n")


@given(st.sampled_from([role for role in ROLES if role.name not in {"truncated", "chunked", "ancient"}]), st.data())
def test_content_length_is_the_length(role: Role, data: st.DataObject) -> None:
    """Whole responses are as long as they say."""
    response = visit(role.name, quote(data.draw(st.sampled_from(role.paths))), nth=2)
    final = response.head.removesuffix(b"\r\n\r\n").rpartition(b"\r\n\r\n")[2]
    assert b"Content-Length: %d" % len(response.body) in final.split(b"\r\n")


def test_pages_name_their_url() -> None:
    """A page names the URL that was requested, in plain and in compressed form."""
    assert b"This is http://127.0.1.1:80/page/7\n" in visit("quick", "/page/7").body
    assert b"/page/7\n" in gzip.decompress(visit("compressed", "/page/7").body)


def test_flaky_pages_fail_once() -> None:
    """Every fifth page of the flaky host fails at the first visit, by 503 or by reset, and never after."""
    assert status(visit("flaky", "/page/10")) == 503
    assert visit("flaky", "/page/15").then is Then.RESET
    assert status(visit("flaky", "/page/11")) == 200
    assert {status(visit("flaky", f"/page/{n}", nth=2)) for n in (10, 15)} == {200}


def test_limited_host_asks_for_a_pause_in_both_forms() -> None:
    """Beyond its limit the host sends 429, with Retry-After in seconds or as a date that is not in the past."""
    assert status(visit("limited", "/page/2", recent=LIMIT_REQUESTS)) == 200
    over = {"recent": LIMIT_REQUESTS + 1}
    assert b"Retry-After: 2\r\n" in visit("limited", "/page/2", **over).head
    assert (
        b"Retry-After: Sun, 09 Sep 2001 01:46:43 GMT\r\n"
        in visit("limited", "/page/1", now=1_000_000_000.5, **over).head
    )


def test_redirects_lead_where_they_say() -> None:
    """Redirects go to a page of the same host, to another host's page, or round in a circle."""
    assert b"Location: /landing/1\r\n" in visit("redirecting", "/here/1").head
    assert status(visit("redirecting", "/landing/1")) == 200
    assert f"Location: {PEERS['quick']}/page/2\r\n".encode() in visit("redirecting", "/away/2").head
    assert b"Location: /loop/2\r\n" in visit("redirecting", "/loop/1").head
    assert b"Location: /loop/1\r\n" in visit("redirecting", "/loop/2").head


def test_truncated_pages_end_half_way() -> None:
    """A truncated page sends less than its Content-Length and closes."""
    response = visit("truncated", "/page/3")
    assert response.then is Then.CLOSE
    assert b"Content-Length: %d" % len(response.body) not in response.head
    assert visit("truncated", "/page/4").then is Then.KEEP


def test_failing_pages_fail_for_ever_or_once() -> None:
    """Teapots stay teapots, some pages recover, some never do."""
    assert [status(visit("failing", f"/page/{n}", nth=2)) for n in (3, 4, 5)] == [418, 200, 500]


def test_only_the_fenced_host_has_a_fence() -> None:
    """robots.txt is missing everywhere but at the host that shows it."""
    fenced = [role.name for role in ROLES if status(visit(role.name, "/robots.txt")) == 200]
    assert fenced == ["fenced"]
    assert b"Disallow: /private/" in visit("fenced", "/robots.txt").body


def test_index_links_every_page() -> None:
    """A host's / links to all of its pages, for a person with a browser."""
    index = visit("foreign", "/").body.decode()
    assert all(f'href="{path}"' in index for path in BY_NAME["foreign"].paths)
