"""The polite server's pages: what a path means, and how a response looks on the wire.

Pure functions of the request; they know no sockets and count nothing themselves.
"""

from __future__ import annotations

import functools
import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import unquote

from scrapepool.demo.wire import Request, Then, WireResponse

CHUNK = 1000
"""Bytes in a chunk: small, so that most bodies have several."""


@dataclass(frozen=True, slots=True)
class Response:
    """What a handler answers.

    headers: Content-Length, Transfer-Encoding and Content-Encoding are added. delay: seconds before the first byte.
    chunked, gzip: how the body is sent. close: the connection ends with it. reset: RST instead of an answer.
    """

    status: int = 200
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    delay: float = 0.0
    chunked: bool = False
    close: bool = False
    gzip: bool = False
    reset: bool = False


def render(response: Response) -> WireResponse:
    """Put a response into bytes."""
    if response.reset:
        return WireResponse(b"", delay=response.delay, then=Then.RESET)
    body = gzip.compress(response.body, mtime=0) if response.gzip else response.body
    try:
        phrase = HTTPStatus(response.status).phrase
    except ValueError:
        phrase = "Unassigned"
    lines = [f"HTTP/1.1 {response.status} {phrase}", *(f"{name}: {value}" for name, value in response.headers)]
    if response.gzip:
        lines.append("Content-Encoding: gzip")
    if response.chunked:
        lines.append("Transfer-Encoding: chunked")
        chunks = (body[at : at + CHUNK] for at in range(0, len(body), CHUNK))
        body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    elif response.status not in {204, 304}:
        lines.append(f"Content-Length: {len(body)}")
    if response.close:
        lines.append("Connection: close")
    head = "\r\n".join((*lines, "", "")).encode("latin-1")
    return WireResponse(head, body, response.delay, Then.CLOSE if response.close else Then.KEEP)


Query = dict[str, str]


def _status(request: Request, argument: str, query: Query) -> Response:
    """/status/N"""
    return Response(int(argument), body=b"" if argument in {"204", "304"} else f"status {argument}\n".encode())


def _delay(request: Request, argument: str, query: Query) -> Response:
    """/delay/SECONDS"""
    return Response(body=f"This is {request.target}\n".encode(), delay=float(argument))


def _redirect(request: Request, argument: str, query: Query) -> Response:
    """/redirect?to=URL&status=302"""
    return Response(int(query.get("status", 302)), [("Location", query["to"])], b"elsewhere\n")


def _bytes(request: Request, argument: str, query: Query) -> Response:
    """/bytes/N"""
    return Response(headers=[("Content-Type", "application/octet-stream")], body=_filler(int(argument)))


def _gzip(request: Request, argument: str, query: Query) -> Response:
    """/gzip/N: N bytes after decoding"""
    return Response(body=_filler(int(argument)), gzip=True)


def _chunked(request: Request, argument: str, query: Query) -> Response:
    """/chunked/N"""
    return Response(body=_filler(int(argument)), chunked=True)


def _retry_after(request: Request, argument: str, query: Query) -> Response:
    """/retry-after/VALUE?times=1&status=503: so many refusals with Retry-After, then a page"""
    if request.nth > int(query.get("times", 1)):
        return Response(body=f"This is {request.target}\n".encode())
    return Response(int(query.get("status", 503)), [("Retry-After", unquote(argument))], b"not yet\n")


def _flaky(request: Request, argument: str, query: Query) -> Response:
    """/flaky?times=1&status=503: so many failures (status 0: a reset), then a page"""
    if request.nth > int(query.get("times", 1)):
        return Response(body=f"This is {request.target}\n".encode())
    status = int(query.get("status", 503))
    return Response(status, body=b"not yet\n") if status else Response(reset=True)


def _echo(request: Request, argument: str, query: Query) -> Response:
    """/echo: method, target, headers and body as JSON"""
    seen = {"method": request.method, "target": request.target, "headers": request.headers}
    body = json.dumps({**seen, "body": request.body.decode("latin-1")}).encode()
    return Response(headers=[("Content-Type", "application/json")], body=body)


def _set_cookie(request: Request, argument: str, query: Query) -> Response:
    """/set-cookie?name=value&…"""
    return Response(headers=[("Set-Cookie", f"{name}={value}; Path=/") for name, value in query.items()], body=b"set\n")


def _cookies(request: Request, argument: str, query: Query) -> Response:
    """/cookies: what came, as JSON"""
    pairs = (pair.partition("=") for pair in (request.header("Cookie") or "").split(";") if pair)
    return Response(
        headers=[("Content-Type", "application/json")],
        body=json.dumps({name.strip(): value for name, _, value in pairs}).encode(),
    )


def _robots(request: Request, argument: str, query: Query) -> Response:
    """/robots.txt: there is none"""
    return Response(404)


PAGES: dict[str, Callable[[Request, str, Query], Response]] = {
    "status": _status,
    "delay": _delay,
    "redirect": _redirect,
    "bytes": _bytes,
    "gzip": _gzip,
    "chunked": _chunked,
    "retry-after": _retry_after,
    "flaky": _flaky,
    "echo": _echo,
    "set-cookie": _set_cookie,
    "cookies": _cookies,
    "robots.txt": _robots,
}
"""By the path's first segment. Any other path, ``/ok`` too, is a page ``This is <path>``."""


@functools.lru_cache(maxsize=16)
def _filler(size: int) -> bytes:
    """Bytes in a pattern that shows a shift."""
    line = b"".join(b"%07d " % at for at in range(0, min(size + 8, 1 << 20), 8))
    return (line * (size // len(line) + 1))[:size]
