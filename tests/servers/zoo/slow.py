"""Behaviours that play for time: drips, floods, silences. A function's docstring is its behaviour's ``about``."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator

from ..wire import Behaviour, Wire, enter

SLOW: list[Behaviour] = []
_expect = functools.partial(enter, SLOW)

TIME = frozenset({"deadline", "read_timeout"})
FLOOD = frozenset({"too_large", "deadline"})
TLS = frozenset({"tls", "connect_timeout", "read_timeout", "deadline"})

LATE = 6.0
"""Seconds after which a late response comes: beyond the timeouts that tests set."""

START = b"HTTP/1.1 200 OK\r\n"
CHUNKED = START + b"Transfer-Encoding: chunked\r\n\r\n"


def _bytewise(data: bytes) -> Iterator[bytes]:
    return (data[at : at + 1] for at in range(len(data)))


def _flood(wire: Wire, piece: bytes) -> None:
    while True:
        wire.send(piece)


@_expect("deadline")
def drip_body(wire: Wire) -> None:
    """a body of one byte every quarter of a second"""
    wire.send(START + b"Content-Length: 1000\r\n\r\n")
    wire.drip(_bytewise(b"x" * 1000))


@_expect("deadline")
def drip_body_until_close(wire: Wire) -> None:
    """a dripped body without any length"""
    wire.send(START + b"\r\n")
    wire.drip(itertools.repeat(b"x"))


@_expect("deadline")
def drip_status_line(wire: Wire) -> None:
    """a dripped status line"""
    wire.drip(_bytewise(b"HTTP/1.1 200 " + b"O" * 1000))


@_expect("deadline")
def drip_headers(wire: Wire) -> None:
    """a header line every quarter of a second"""
    wire.send(START)
    wire.drip(b"X-%d: y\r\n" % i for i in range(1000))


@_expect("deadline", "protocol")
def drip_chunk_sizes(wire: Wire) -> None:
    """a dripped chunk size that goes on and on"""
    wire.send(CHUNKED)
    wire.drip(_bytewise(b"0" * 1000))


@_expect("deadline")
def drip_chunks(wire: Wire) -> None:
    """a one-byte chunk every quarter of a second"""
    wire.send(CHUNKED)
    wire.drip(itertools.repeat(b"1\r\nx\r\n"))


@_expect("deadline", "protocol")
def drip_interim(wire: Wire) -> None:
    """a 103 every quarter of a second"""
    wire.drip(itertools.repeat(b"HTTP/1.1 103 Early Hints\r\n\r\n"))


@_expect("deadline", body=None)
def drip_redirects(wire: Wire) -> None:
    """redirects without end, each just quick enough"""
    wire.pause(0.5)
    wire.send(b"HTTP/1.1 302 Found\r\nLocation: /drip_redirects/%d\r\nContent-Length: 0\r\n\r\n" % wire.nth)


@_expect(FLOOD)
def endless_body(wire: Wire) -> None:
    """a body without end"""
    wire.send(START + b"\r\n")
    _flood(wire, b"x" * 65536)


@_expect(FLOOD)
def endless_chunks(wire: Wire) -> None:
    """chunks without end"""
    wire.send(CHUNKED)
    _flood(wire, b"10000\r\n" + b"x" * 65536 + b"\r\n")


@_expect(FLOOD, "protocol")
def endless_headers(wire: Wire) -> None:
    """header lines without end"""
    wire.send(START)
    _flood(wire, b"X-Endless: yes\r\n" * 1000)


@_expect(FLOOD, "protocol")
def endless_header_line(wire: Wire) -> None:
    """one header line without end"""
    wire.send(START + b"X-Endless: ")
    _flood(wire, b"y" * 65536)


@_expect(FLOOD, "protocol")
def endless_status_line(wire: Wire) -> None:
    """a status line without end"""
    wire.send(b"HTTP/1.1 200 ")
    _flood(wire, b"O" * 65536)


@_expect(FLOOD, "protocol")
def endless_interim(wire: Wire) -> None:
    """103s without end"""
    _flood(wire, b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000)


@_expect(FLOOD, "protocol")
def endless_trailers(wire: Wire) -> None:
    """trailer fields without end"""
    wire.send(CHUNKED + b"0\r\n")
    _flood(wire, b"X-Endless: yes\r\n" * 1000)


@_expect(TIME)
def silence(wire: Wire) -> None:
    """takes the request and says nothing"""
    wire.stay_silent()


@_expect(TIME)
def silence_after_headers(wire: Wire) -> None:
    """says nothing after the headers"""
    wire.send(START + b"Content-Length: 100\r\n\r\n")
    wire.stay_silent()


@_expect(TIME)
def silence_in_body(wire: Wire) -> None:
    """says nothing from the middle of the body on"""
    wire.send(START + b"Content-Length: 100\r\n\r\n" + b"x" * 50)
    wire.stay_silent()


@_expect(TIME)
def late_response(wire: Wire) -> None:
    """answers when nobody waits any longer"""
    wire.pause(LATE)
    wire.send_page()


@_expect(TIME, at="connect", scheme="http")
def accept_then_silence(wire: Wire) -> None:
    """accepts, and never reads nor says anything"""
    wire.stay_deaf()


@_expect(TLS, at="connect", scheme="https")
def tls_silence(wire: Wire) -> None:
    """accepts, and never answers the TLS handshake"""
    wire.stay_silent()


@_expect("tls", at="connect", scheme="https")
def tls_plain_http(wire: Wire) -> None:
    """answers the TLS handshake in plain HTTP"""
    wire.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    wire.close()


@_expect(TLS, at="connect", scheme="https")
def tls_drip(wire: Wire) -> None:
    """drips a TLS record in reply to the handshake"""
    wire.drip(_bytewise(b"\x16\x03\x03\x40\x00" + b"\x02" * 1000))


@_expect("tls", "reset", at="connect", scheme="https")
def tls_close(wire: Wire) -> None:
    """closes in the middle of the TLS handshake"""
    wire.send(b"\x16\x03\x03\x00\x40\x02")
    wire.close()
