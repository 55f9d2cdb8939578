"""Behaviours with a hand of their own: resets, stale connections, unasked-for replies, redirects, bombs.

A function's docstring is its behaviour's ``about``.
"""

from __future__ import annotations

import functools
import zlib

from ..wire import OK, Behaviour, Wire, enter, no_body, page
from .bombs import HAS_BROTLI, brotli_zeros, gzip_zeros, zstd_zeros

RUDE: list[Behaviour] = []
_expect = functools.partial(enter, RUDE)

BOMB = frozenset({"too_large", "decode"})
NO_REPLY = frozenset({"reset", "truncated"})

SHORTLY = 0.005
"""Seconds after which something follows a reply: the client has the reply, and may not have asked again yet."""

START = b"HTTP/1.1 200 OK\r\n"
POISON = START + b"Content-Length: 7\r\n\r\nPOISON\n"


@_expect(NO_REPLY, at="connect", scheme="http")
def immediate_close(wire: Wire) -> None:
    """closes at once"""
    wire.cut()


@_expect(NO_REPLY, at="connect", scheme="http")
def reset_on_accept(wire: Wire) -> None:
    """RST at once"""
    wire.reset()


@_expect(NO_REPLY)
def reset_after_request(wire: Wire) -> None:
    """RST instead of an answer"""
    wire.reset()


@_expect(NO_REPLY)
def reset_in_headers(wire: Wire) -> None:
    """RST inside the headers"""
    wire.send(START + b"Content-Len")
    wire.pause(SHORTLY)
    wire.reset()


@_expect(NO_REPLY)
def reset_in_body(wire: Wire) -> None:
    """RST in the middle of the body"""
    wire.send(START + b"Content-Length: 1000\r\n\r\n" + b"x" * 500)
    wire.pause(SHORTLY)
    wire.reset()


@_expect(OK, NO_REPLY)
def reset_after_body(wire: Wire) -> None:
    """RST right after a whole reply"""
    wire.send_page()
    wire.pause(SHORTLY)
    wire.reset()


@_expect(OK)
def stale(wire: Wire) -> None:
    """keeps the connection, and closes it at its second request"""
    if wire.nth > 1:
        wire.cut()
    wire.send_page()


@_expect(OK)
def stale_reset(wire: Wire) -> None:
    """keeps the connection, and resets it at its second request"""
    if wire.nth > 1:
        wire.reset()
    wire.send_page()


@_expect(OK)
def close_unannounced(wire: Wire) -> None:
    """closes after each reply without having said so"""
    wire.send_page()
    wire.cut()


@_expect(OK)
def close_when_idle(wire: Wire) -> None:
    """closes shortly after a reply, perhaps as the next request comes"""
    wire.send_page()
    wire.pause(SHORTLY)
    wire.cut()


@_expect(OK, "protocol")
def second_response_late(wire: Wire) -> None:
    """a second response that nobody asked for, a few milliseconds after the first"""
    wire.send_page()
    wire.pause(SHORTLY)
    wire.send(POISON)


@_expect(OK, "protocol")
def second_response_sometimes(wire: Wire) -> None:
    """an unasked-for second response after every third reply"""
    wire.send_page()
    if wire.nth % 3 == 0:
        wire.send(POISON)


@_expect("protocol", "reset", OK)
def response_before_request(wire: Wire) -> None:
    """a response before the connection's second request has come"""
    wire.send_page()
    wire.pause(20 * SHORTLY)
    wire.send(POISON)


@_expect(OK)
def body_bytewise(wire: Wire) -> None:
    """a correct reply in segments of one byte"""
    body = page(wire.path)
    reply = START + b"Content-Length: %d\r\n\r\n" % len(body) + body
    for at in range(len(reply)):
        wire.send(reply[at : at + 1])


@_expect("http_4xx", "reset", method="POST", upload=4 * 2**20)
def early_response(wire: Wire) -> None:
    """answers 413 before the request's body was read, and closes"""
    wire.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    wire.close()


@_expect("deadline", "read_timeout", "reset", method="POST", upload=64 * 2**20)
def deaf_to_upload(wire: Wire) -> None:
    """never reads the request's body"""
    wire.stay_deaf()


@_expect(OK, body=None)
def redirect_for_cookie(wire: Wire) -> None:
    """redirects to itself until its cookie comes back"""
    if b"seen=1" in (wire.header(b"cookie") or b""):
        wire.send_page()
    else:
        fields = b"Set-Cookie: seen=1; Path=/\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % wire.path.encode(
            "latin-1"
        )
        wire.send(b"HTTP/1.1 302 Found\r\n" + fields)


@_expect("too_many_redirects", body=None)
def redirect_ever_on(wire: Wire) -> None:
    """redirects without end, never twice to the same place"""
    at = int(wire.path.rpartition("/")[2] or 0) + 1
    wire.send(b"HTTP/1.1 302 Found\r\nLocation: /redirect_ever_on/%d\r\nContent-Length: 0\r\n\r\n" % at)


@_expect("too_many_redirects", body=None)
def redirect_with_cookies(wire: Wire) -> None:
    """redirects to itself, setting another cookie each time"""
    fields = b"Set-Cookie: c%d=%b\r\nLocation: %b\r\n" % (wire.nth, b"x" * 1000, wire.path.encode("latin-1"))
    wire.send(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n" + fields + b"\r\n")


@_expect(OK, "too_large", "deadline", body=None)
def redirect_with_endless_body(wire: Wire) -> None:
    """a redirect whose body never ends"""
    wire.send(b"HTTP/1.1 302 Found\r\nLocation: /plain/after\r\n\r\n")
    while True:
        wire.send(b"x" * 65536)


def _send_coded(wire: Wire, coding: bytes, body: bytes) -> None:
    wire.send(START + b"Content-Encoding: %b\r\nContent-Length: %d\r\n\r\n" % (coding, len(body)) + body)


@_expect(BOMB, body=None)
def gzip_bomb(wire: Wire) -> None:
    """512 MiB of zeros in half a megabyte of gzip"""
    _send_coded(wire, b"gzip", gzip_zeros())


@_expect(BOMB, body=None)
def zstd_bomb(wire: Wire) -> None:
    """512 MiB of zeros in 16 kB of zstd"""
    _send_coded(wire, b"zstd", zstd_zeros())


if HAS_BROTLI:

    @_expect(BOMB, body=None)
    def brotli_bomb(wire: Wire) -> None:
        """512 MiB of zeros in 97 kB of brotli"""
        _send_coded(wire, b"br", brotli_zeros())


@_expect(BOMB, "protocol", "deadline", body=no_body)
def gzip_empty_members(wire: Wire) -> None:
    """gzip members without end, all of them empty"""
    wire.send(START + b"Content-Encoding: gzip\r\n\r\n")
    empty = zlib.compressobj(wbits=31).flush()
    while True:
        wire.send(empty * 1000)
