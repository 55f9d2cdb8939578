"""Tests bodies: their sizes, their limits, and the cost of a decompression bomb."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.model import ErrorKind
from scrapepool.settings import MIB, SizeLimits
from scrapepool.transport.errors import DecodeError, TooLargeError
from scrapepool.transport.http1.body import HEAD_KEPT, Body

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(st.lists(st.binary(max_size=1500), max_size=6), st.booleans(), st.booleans())
def test_figures(pieces: list[bytes], coded: bool, keep: bool) -> None:
    """Sizes, digest, first bytes and content are those of the decoded body, however it was split."""
    whole = b"".join(pieces)
    if coded:
        wire = gzip.compress(whole)
        pieces = [wire[:10], wire[10:]]
    body = Body(SizeLimits(), b"gzip" if coded else None, keep=keep)
    for piece in pieces:
        body.feed(piece)
    assert body.sha256 is None
    body.finish()
    assert (body.wire, body.size) == (sum(map(len, pieces)), len(whole))
    assert body.sha256 == hashlib.sha256(whole).hexdigest()
    assert body.head == whole[:HEAD_KEPT]
    assert body.content == (whole if keep else None)
    assert body.ended is coded
    assert body.notes == []


def test_no_body() -> None:
    """An empty body has the digest of no bytes."""
    body = Body(SizeLimits(), None, keep=True)
    body.finish()
    assert (body.size, body.sha256, body.content) == (0, EMPTY, b"")


def test_a_declared_length() -> None:
    """A body with a declared length over the limit fails before it arrives; one of exactly the limit does not."""
    body = Body(SizeLimits(max_size=100), None, keep=False)
    body.declare(100)
    with pytest.raises(TooLargeError, match="announced a body of 101 bytes, the limit is 100") as caught:
        body.declare(101)
    assert caught.value.kind is ErrorKind.TOO_LARGE


def test_the_received_limit() -> None:
    """The first byte over the limit fails, and no byte before it."""
    body = Body(SizeLimits(max_size=100), None, keep=False)
    body.feed(b"x" * 100)
    with pytest.raises(TooLargeError, match="over 100 bytes received"):
        body.feed(b"x")


def test_the_decoded_limit() -> None:
    """The limit applies to the decoded body too, even if few bytes were received."""
    body = Body(SizeLimits(max_size=100_000), b"gzip", keep=False)
    with pytest.raises(TooLargeError, match=r"over 100000 bytes decoded, from 1[0-9]* received"):
        body.feed(gzip.compress(bytes(1_000_000)))


def test_the_ratio_limit() -> None:
    """A body over the maximum ratio fails above the floor, and the detail has the sizes."""
    limits = SizeLimits(max_ratio=100, ratio_floor=200_000)
    body = Body(limits, b"gzip", keep=False)
    body.feed(gzip.compress(bytes(200_000)))
    body = Body(limits, b"gzip", keep=False)
    with pytest.raises(TooLargeError, match=r"decoded from 1[0-9]* received so far: [0-9]* times as many, .* 100$"):
        body.feed(gzip.compress(bytes(1_000_000)))


def test_a_cut_body_has_no_digest() -> None:
    """An incomplete body is neither hashed nor kept."""
    body = Body(SizeLimits(), b"gzip", keep=True)
    body.feed(gzip.compress(b"hello")[:-1])
    with pytest.raises(DecodeError):
        body.finish()
    assert (body.sha256, body.content) == (None, None)


BOMB = """
import resource, sys, zlib
from importlib import import_module
from scrapepool.transport.http1.body import Body
from scrapepool.transport.errors import TooLargeError
from scrapepool.settings import SizeLimits

coding, module = sys.argv[1:]
if coding == "gzip":
    coder = zlib.compressobj(9, zlib.DEFLATED, 31)
    step, end = coder.compress, coder.flush
elif coding == "br":
    coder = import_module(module).Compressor(quality=5)
    step, end = coder.process, coder.finish
else:
    coder = import_module(module).ZstdCompressor()
    step, end = coder.compress, coder.flush
mebibyte = bytes(1024 * 1024)
bomb = b"".join([*(step(mebibyte) for _ in range(256)), end()])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
body = Body(SizeLimits(), coding.encode(), keep=False)
try:
    body.feed(bomb)
except TooLargeError as error:
    print(len(bomb), body.size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize(("coding", "module"), [("gzip", "zlib"), ("br", "brotli"), ("zstd", "backports.zstd")])
def test_a_bomb_costs_its_limit_and_no_more(coding: str, module: str) -> None:
    """256 MiB of zeros in some hundred kB are stopped at a limit, and the memory does not grow."""
    if module == "backports.zstd" and sys.version_info >= (3, 14):
        module = "compression.zstd"
    pytest.importorskip(module)
    ran = subprocess.run([sys.executable, "-c", BOMB, coding, module], capture_output=True, text=True, check=True)
    wire, size, grown = map(int, ran.stdout.split())
    assert wire < MIB
    assert size <= 100 * MIB + 64 * 1024
    assert grown < 32 * 1024, f"{grown} KiB for {size} bytes decoded"
