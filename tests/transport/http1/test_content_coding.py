"""Tests content codings: round trips, truncated and damaged streams, bytes after the end, and bombs."""

from __future__ import annotations

import gzip
import itertools
import os
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.model import ErrorKind
from scrapepool.transport.errors import DecodeError
from scrapepool.transport.http1.compressed_stream import STEP
from scrapepool.transport.http1.content_coding import ACCEPT_ENCODING, Decoder, decoder_for

brotli = pytest.importorskip("brotli")
zstd = pytest.importorskip("compression.zstd" if "compression.zstd" in ACCEPT_ENCODING else "backports.zstd")


def raw_deflate(data: bytes) -> bytes:
    return zlib.compress(data, wbits=-zlib.MAX_WBITS)


CODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
}
PAGE = b"<p>Hello, world and all who live there.</p>" * 50


def decoder(coding: bytes | str) -> Decoder:
    made = decoder_for(coding)
    assert made is not None
    return made


def decoded(coding: bytes | str, *pieces: bytes) -> bytes:
    taker = decoder(coding)
    out = b"".join(part for piece in pieces for part in taker.feed(piece))
    taker.finish()
    return out


def single_bytes(data: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in data]


@pytest.mark.parametrize("nothing", [None, "", b"", "identity", " Identity , ", b"identity"])
def test_nothing_to_decode(nothing: bytes | str | None) -> None:
    """No coding, and identity, need no decoder."""
    assert decoder_for(nothing) is None


def test_accept_encoding_lists_what_can_be_decoded() -> None:
    """Every coding in Accept-Encoding has a decoder, and gzip is listed under one name."""
    assert ACCEPT_ENCODING == "gzip, deflate, br, zstd"


@given(st.sampled_from(sorted(CODERS)), st.binary(max_size=300), st.integers(0, 3))
def test_round_trips(coding: str, data: bytes, repeat: int) -> None:
    """The decoded bytes are the original ones, for any split, and the end of the stream is detected."""
    data *= 10**repeat
    coded = CODERS[coding](data)
    assert decoded(coding.upper(), coded) == data
    assert decoded(coding, *single_bytes(coded[:2000]), coded[2000:]) == data


@pytest.mark.parametrize("coding", sorted(CODERS))
@pytest.mark.parametrize("repeat", [True, False])
def test_large_bodies(coding: str, repeat: bool) -> None:
    """Megabytes are decoded completely, from few received bytes and from many."""
    data = b"0123456789abcdef" * (300 * 1024) if repeat else os.urandom(300 * 1024)
    coded = CODERS[coding](data) if coding != "br" else brotli.compress(data, quality=5)
    assert decoded(coding, coded) == data
    assert decoded(coding, *(coded[at : at + STEP] for at in range(0, len(coded), STEP))) == data


@given(st.lists(st.sampled_from(sorted(CODERS)), min_size=2, max_size=5), st.binary(max_size=300))
def test_chains(codings: list[str], data: bytes) -> None:
    """Several codings are removed in the reverse order of their application."""
    coded = data
    for coding in codings:
        coded = CODERS[coding](coded)
    chain = decoder(", ".join(codings))
    assert not chain.ended
    assert b"".join(chain.feed(coded)) == data
    chain.finish()
    assert chain.ended
    assert chain.notes == []


def test_too_many_codings() -> None:
    """Six codings raise DecodeError."""
    with pytest.raises(DecodeError, match="6 content codings, over 5"):
        decoder_for("gzip," * 6)


@pytest.mark.parametrize("coding", [b"aws-chunked", b"gzip, aes128gcm", b"utf-8"])
def test_unknown_codings(coding: bytes) -> None:
    """A body with an unknown coding is returned unchanged, with a note."""
    taker = decoder(coding)
    assert b"".join(taker.feed(PAGE)) == PAGE
    taker.finish()
    assert not taker.ended
    assert taker.notes == [f"Content-Encoding {coding.decode()!r} cannot be decoded; the body is as sent"]


@pytest.mark.parametrize("data", [PAGE, b"x", os.urandom(100)])
def test_raw_deflate(data: bytes) -> None:
    """Raw deflate without zlib's header is decoded, also byte by byte."""
    assert decoded("deflate", raw_deflate(data)) == data
    assert decoded("deflate", *single_bytes(raw_deflate(data))) == data


@pytest.mark.parametrize("coding", [*sorted(CODERS), "gzip, br"])
def test_an_empty_body(coding: str) -> None:
    """If no byte arrives, the body is empty, as in browsers."""
    assert decoded(coding) == b""
    assert decoded(coding, b"") == b""


@pytest.mark.parametrize("coding", sorted(CODERS))
def test_every_cut_is_found(coding: str) -> None:
    """A stream without its end is never complete, however many bytes are missing."""
    coded = CODERS[coding](PAGE)
    for length in range(1, len(coded)):
        taker = decoder(coding)
        with pytest.raises(DecodeError) as caught:
            for _ in taker.feed(coded[:length]):
                assert not taker.ended
            taker.finish()
        assert caught.value.kind is ErrorKind.TRUNCATED
        assert caught.value.detail == f"the {coding.removeprefix('x-')} stream ends too early"


@pytest.mark.parametrize("coding", sorted(CODERS))
def test_what_is_not_coded(coding: str) -> None:
    """A body that does not match its Content-Encoding raises DecodeError (``decode``)."""
    with pytest.raises(DecodeError, match=f"the body is not {coding.removeprefix('x-')}") as caught:
        decoded(coding, b"<!doctype html><p>Hello")
    assert caught.value.kind is ErrorKind.DECODE


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_wrong_checksum(coding: str) -> None:
    """The checksum at the end is checked."""
    coded = CODERS[coding](PAGE)
    at = -5 if coding == "gzip" else -1
    damaged = bytearray(coded)
    damaged[at] ^= 1
    with pytest.raises(DecodeError, match="incorrect data check"):
        decoded(coding, bytes(damaged))


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("padding", [b"", b"\0" * 600])
def test_streams_in_a_row(coding: str, padding: bytes) -> None:
    """Several members or frames are one body; zero bytes between and after them are padding."""
    coded = CODERS[coding](PAGE) + padding + CODERS[coding](b"") + CODERS[coding](b"end") + padding
    taker = decoder(coding)
    assert b"".join(taker.feed(coded)) == PAGE + b"end"
    taker.finish()
    assert taker.notes == []
    assert decoded(coding, *single_bytes(coded)) == PAGE + b"end"


def test_a_second_member_that_is_cut() -> None:
    """Another member that has begun must be complete too."""
    with pytest.raises(DecodeError, match="ends too early"):
        decoded("gzip", gzip.compress(PAGE), gzip.compress(PAGE)[:-1])


@pytest.mark.parametrize(
    ("coding", "begun"),
    [("gzip", 1), ("gzip", 2), ("gzip", 9), ("zstd", 1), ("zstd", 2), ("zstd", 3), ("zstd", 4), ("zstd", 6)],
)
@pytest.mark.parametrize("padding", [b"", b"\0" * 5])
def test_a_further_stream_of_which_only_the_first_bytes_came(coding: str, begun: int, padding: bytes) -> None:
    """A member or frame that has begun is part of the body, even if only one byte has arrived."""
    coded = CODERS[coding](PAGE) + padding + CODERS[coding](PAGE)[:begun]
    for pieces in [coded], single_bytes(coded):
        with pytest.raises(DecodeError, match="ends too early") as caught:
            decoded(coding, *pieces)
        assert caught.value.kind is ErrorKind.TRUNCATED


@pytest.mark.parametrize(("coding", "final"), [("gzip", False), ("zstd", False), ("deflate", True), ("br", True)])
def test_an_end_that_another_stream_may_follow(coding: str, final: bool) -> None:
    """A gzip member or zstd frame may be followed by another one; zlib and brotli streams are the whole body."""
    taker = decoder(coding)
    assert b"".join(taker.feed(CODERS[coding](PAGE))) == PAGE
    assert (taker.ended, taker.final) == (True, final)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
@pytest.mark.parametrize("extra", [b"rubbish", b"\0\0<p>", b"\x1e", b"\x28\xb4"])
def test_bytes_after_the_end(coding: str, extra: bytes) -> None:
    """Bytes after the end of the stream are ignored, as in browsers, with one note."""
    coded = CODERS[coding](PAGE) + extra
    for pieces in [coded], [coded, b"more"], single_bytes(coded):
        taker = decoder(coding)
        assert b"".join(part for piece in pieces for part in taker.feed(piece)) == PAGE
        taker.finish()
        assert taker.ended
        assert taker.notes == [f"ignored bytes after the end of the {coding} stream"]


@pytest.mark.parametrize("extra", [b"rubbish", b"\0"])
def test_bytes_after_the_end_of_brotli(extra: bytes) -> None:
    """The brotli library accepts no bytes after the end, and neither does the decoder, for any split."""
    coded = brotli.compress(PAGE)
    for pieces in [coded + extra], [coded, extra]:
        with pytest.raises(DecodeError) as caught:
            decoded("br", *pieces)
        assert caught.value.kind is ErrorKind.DECODE


@pytest.mark.parametrize("coding", sorted(CODERS))
def test_pieces_are_small_and_lazy(coding: str) -> None:
    """A bomb is decoded in steps, and each step runs only when the caller requests it."""
    bomb = CODERS[coding](bytes(64 * STEP))
    pieces = decoder(coding).feed(bomb)
    assert all(0 < len(piece) <= STEP for piece in itertools.islice(pieces, 5))
    assert sum(map(len, pieces)) > 32 * STEP


def test_a_zstd_frame_that_wants_too_much_memory() -> None:
    """A window over 8 MiB raises DecodeError before it is allocated (RFC 9659)."""
    wide = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 24})
    coded = wide.compress(bytes(20 * 1024 * 1024)) + wide.flush()
    with pytest.raises(DecodeError, match="too much memory"):
        decoded("zstd", coded)
