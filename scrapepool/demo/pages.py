"""How each host of the demo's web responds: a pure function of the host's role and the visit.

Decides the roles, their pages and their pace. Knows no sockets, clocks or dice. Nothing is random: the same visit
always gets the same response. A page names the URL that was requested, so that a body for the wrong URL is noticed.
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import quote

from ..named_tuple import NamedTuple
from .wire import Then, WireResponse

MEGABYTE = 1_000_000
HTML = "text/html; charset=utf-8"

LIMIT_WINDOW = 2.0
"""Seconds over which the limited host counts requests. Its Retry-After has the same length."""

LIMIT_REQUESTS = 16
"""Requests that it serves per window: a third of its pages, so that a person sees the wait twice."""


class Visit(NamedTuple):
    """The parts of a request that a response may depend on.

    origin: of the requested host.
    path: as it came over the wire.
    nth: requests for this path so far, this one included.
    recent: requests to this host in its role's window, this one included.
    now: Unix seconds.
    peers: origins of all hosts, by role.
    """

    origin: str
    path: str
    nth: int
    recent: int
    now: float
    peers: Mapping[str, str]

    @property
    def number(self) -> int:
        """The number of the page, from the last segment of its path; 0 if it has none."""
        last = self.path.rpartition("/")[2]
        return int(last) if last.isascii() and last.isdigit() else 0


@dataclass(frozen=True, slots=True)
class Role:
    """A host's part in the demo.

    name: one word.
    character: how it behaves, for people.
    paths: its pages, as a list has them.
    respond: returns the response to a visit of one of them.
    window: seconds over which ``Visit.recent`` counts, 0 for none.
    """

    name: str
    character: str
    paths: tuple[str, ...]
    respond: Callable[[Visit], WireResponse]
    window: float = 0.0


def response_to(role: Role, visit: Visit) -> WireResponse:
    """Return the page, the host's robots.txt, its index, or a 404."""
    if visit.path in _WIRE_PATHS[role.name]:
        return role.respond(visit)
    if visit.path == "/robots.txt" and role.name == "fenced":
        return _response(200, b"User-agent: *\nDisallow: /private/\nCrawl-delay: 0.2\n", "text/plain")
    if visit.path == "/":
        links = "".join(f'<li><a href="{path}">{path}</a>\n' for path in role.paths)
        return _response(
            200, f"<!doctype html><title>{role.name}</title><h1>{role.character}</h1><ul>\n{links}</ul>\n".encode()
        )
    return _response(404, _page(visit, "no such page"))


def _page(visit: Visit, text: str, size: int = 0) -> bytes:
    """Write a page that names its URL and has at least ``size`` bytes."""
    line = f"<p>{text}\n".encode()
    url = visit.origin + visit.path
    head = f"<!doctype html><meta charset=utf-8><title>{visit.path}</title><p>This is {url}\n".encode()
    return head + line * max(1, math.ceil((size - len(head)) / len(line)))


def _head(status: int, *fields: str, version: str = "1.1", content_type: str = HTML) -> bytes:
    lines = (f"HTTP/{version} {status} {HTTPStatus(status).phrase}", f"Content-Type: {content_type}", *fields, "", "")
    return "\r\n".join(lines).encode("ascii")


def _response(status: int, body: bytes, content_type: str = HTML, *fields: str, delay: float = 0.0) -> WireResponse:
    return WireResponse(_head(status, f"Content-Length: {len(body)}", *fields, content_type=content_type), body, delay)


def _ok(visit: Visit, text: str, *fields: str, size: int = 2_000, delay: float = 0.0) -> WireResponse:
    return _response(200, _page(visit, text, size), HTML, *fields, delay=delay)


def _refusal(visit: Visit, status: int, *fields: str, delay: float = 0.0) -> WireResponse:
    body = _page(visit, HTTPStatus(status).phrase)
    return _response(status, body, HTML, *fields, delay=delay)


def _quick(visit: Visit) -> WireResponse:
    return _ok(visit, "quick", delay=0.002 + visit.number % 5 / 1000)


def _steady(visit: Visit) -> WireResponse:
    return _ok(visit, "steady", size=8_000, delay=0.05 + visit.number % 11 / 200)


def _slow(visit: Visit) -> WireResponse:
    return _ok(visit, "slow", delay=0.8)


def _flaky(visit: Visit) -> WireResponse:
    if visit.number % 5 == 0 and visit.nth == 1:
        if visit.number % 10 == 0:
            return _refusal(visit, 503, delay=0.1)
        return WireResponse(b"", delay=0.1, then=Then.RESET)
    return _ok(visit, "up again", delay=0.15)


def _redirecting(visit: Visit) -> WireResponse:
    match visit.path.split("/")[1], visit.number % 2:
        case "here", _:
            location = f"/landing/{visit.number}"
        case "loop", odd:
            location = f"/loop/{2 if odd else 1}"
        case "away", even_or_odd:
            location = f"{visit.peers[('quick', 'steady')[even_or_odd]]}/page/{visit.number}"
        case _:
            return _ok(visit, "landed", delay=0.1)
    return _refusal(visit, 302, f"Location: {location}", delay=0.1)


def _limited(visit: Visit) -> WireResponse:
    if visit.recent <= LIMIT_REQUESTS:
        return _ok(visit, "within the limit", delay=0.03)
    seconds = int(LIMIT_WINDOW)
    dated = formatdate(math.ceil(visit.now) + seconds, usegmt=True)
    return _refusal(visit, 429, f"Retry-After: {dated if visit.number % 2 else seconds}")


def _missing(visit: Visit) -> WireResponse:
    return _refusal(visit, 410 if visit.number % 3 == 0 else 404, delay=0.12)


def _truncated(visit: Visit) -> WireResponse:
    whole = _ok(visit, "cut short", size=6_000, delay=0.15)
    if visit.number % 3:
        return whole
    return whole._replace(body=whole.body[: len(whole.body) // 2], then=Then.CLOSE)


def _large(visit: Visit) -> WireResponse:
    return _ok(visit, "large", size=(2 + visit.number % 4) * MEGABYTE, delay=0.6)


def _compressed(visit: Visit) -> WireResponse:
    body = gzip.compress(_page(visit, "compressed", 20_000), compresslevel=1, mtime=0)
    return _response(200, body, HTML, "Content-Encoding: gzip", "Vary: Accept-Encoding", delay=0.2)


def _chunked(visit: Visit) -> WireResponse:
    body = _page(visit, "in chunks", 6_000)
    chunks = (body[at : at + 1000] for at in range(0, len(body), 1000))
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return WireResponse(_head(200, "Transfer-Encoding: chunked"), framed + b"0\r\n\r\n", delay=0.4)


def _failing(visit: Visit) -> WireResponse:
    if visit.number % 3 == 0:
        return _refusal(visit, 418, delay=0.1)
    if visit.number % 3 == 1 and visit.nth > 1:
        return _ok(visit, "mended", delay=0.1)
    return _refusal(visit, 500, delay=0.1)


def _ancient(visit: Visit) -> WireResponse:
    return WireResponse(_head(200, version="1.0"), _page(visit, "until the connection closes", 3_000), 0.5, Then.CLOSE)


def _foreign(visit: Visit) -> WireResponse:
    return _ok(visit, "Grüße, 你好, привет", delay=0.2)


def _hinting(visit: Visit) -> WireResponse:
    final = _ok(visit, "after early hints", delay=0.5)
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload; as=style\r\n\r\n"
    return final._replace(head=hints + final.head)


def _fenced(visit: Visit) -> WireResponse:
    return _ok(visit, "inside the fence" if visit.path.startswith("/private/") else "outside", delay=0.1)


def _numbered(count: int, *prefixes: str) -> tuple[str, ...]:
    """Return ``/prefix/1`` to ``/prefix/count``, with the prefixes in rotation."""
    return tuple(f"/{prefixes[i % len(prefixes)]}/{i + 1}" for i in range(count))


ROLES: tuple[Role, ...] = (
    Role("quick", "responds within milliseconds", _numbered(170, "page"), _quick),
    Role("steady", "takes 50 to 100 ms", _numbered(180, "page"), _steady),
    Role("slow", "takes 0.8 s per page, and so decides how long the run takes", _numbered(52, "page"), _slow),
    Role("flaky", "fails every fifth page once, with 503 or a reset", _numbered(75, "page"), _flaky),
    Role(
        "redirecting",
        "redirects, two pages in a loop",
        (*_numbered(40, "here", "away"), "/loop/1", "/loop/2"),
        _redirecting,
    ),
    Role(
        "limited", "sends 429 with Retry-After after too many requests", _numbered(48, "page"), _limited, LIMIT_WINDOW
    ),
    Role("missing", "404 and 410", _numbered(60, "gone"), _missing),
    Role("truncated", "every third body ends too early", _numbered(24, "page"), _truncated),
    Role("large", "bodies of 2 to 5 MB", _numbered(12, "file"), _large),
    Role("compressed", "gzip", _numbered(60, "page"), _compressed),
    Role("chunked", "chunked transfer coding", _numbered(60, "page"), _chunked),
    Role("failing", "500 always or once, and 418", _numbered(15, "page"), _failing),
    Role("ancient", "HTTP/1.0: the body ends with the connection", _numbered(40, "page"), _ancient),
    Role("foreign", "paths in many scripts", _numbered(60, "straße", "日本語", "кошка", "emoji-🙂"), _foreign),
    Role("hinting", "103 Early Hints before each response", _numbered(50, "page"), _hinting),
    Role("fenced", "a robots.txt with Disallow and Crawl-delay", _numbered(24, "page", "page", "private"), _fenced),
)
"""Every host. With the default settings they finish one after another within some twenty seconds."""

_WIRE_PATHS: Mapping[str, frozenset[str]] = {
    role.name: frozenset({*map(quote, role.paths), *(_numbered(40, "landing") if role.name == "redirecting" else ())})
    for role in ROLES
}
"""The paths that each role serves, as they come over the wire: those of its list, and the targets of its redirects."""
