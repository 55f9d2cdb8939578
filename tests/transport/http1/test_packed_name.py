"""Tests compressed files that are sent with a Content-Encoding."""

from __future__ import annotations

import gzip
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.folder import Folder
from scrapepool.model import Attempt
from scrapepool.transport.errors import DecodeError
from scrapepool.transport.exchange.partial_files import PartialFiles
from scrapepool.transport.http1.content_coding import decoder_for
from scrapepool.transport.http1.packed_name import OwnCoding, packed_name, unpacked_note
from tests.servers.polite import PoliteServer, Response
from tests.transport.fetching import lease_context, only, run, target

URL = "https://h.test/pages.tar.gz?v=1"


def own_coding() -> OwnCoding:
    name, decoder = packed_name((URL,), b"gzip"), decoder_for(b"gzip")
    assert name is not None
    assert decoder is not None
    return OwnCoding(name, decoder)


def through(taker: OwnCoding, data: bytes, size: int) -> bytes:
    """Return the result for pieces of ``size`` bytes."""
    out = b"".join(part for at in range(0, len(data), size) for part in taker.feed(data[at : at + size]))
    taker.finish()
    return out


@given(st.binary(max_size=300), st.integers(1, 70))
def test_a_coding_is_kept_unless_the_file_is_compressed_without_it(content: bytes, size: int) -> None:
    """The result is the same for any split of the bytes."""
    file = gzip.compress(content)
    if not content.startswith(b"\x1f\x8b"):
        taker = own_coding()
        assert through(taker, file, size) == file
        assert (taker.ended, len(taker.notes)) == (False, 1)
    taker = own_coding()
    assert through(taker, gzip.compress(file), size) == file
    assert (taker.ended, taker.notes) == (True, [])


def test_a_stream_cut_before_its_first_output_is_truncated() -> None:
    """The first few bytes of a gzip stream do not decode to anything."""
    with pytest.raises(DecodeError, match="ends too early"):
        through(own_coding(), gzip.compress(b"content")[:10], 4)


@pytest.mark.parametrize(
    ("url", "coding", "named"),
    [
        (URL, b"gzip", True),
        (URL, b" X-GZIP ", True),
        ("https://h.test/a.svgz#x", b"gzip", True),
        ("https://h.test/a.tar.zst", b"zstd", True),
        ("https://h.test/a.tar.zst", b"gzip", False),
        ("https://h.test/a?name=b.gz", b"gzip", False),
        (URL, b"gzip, gzip", False),
        (URL, b"br", False),
    ],
)
def test_which_names_denote_the_same_compression(url: str, coding: bytes, named: bool) -> None:
    """The last suffix of the path decides."""
    assert (packed_name((url,), coding) is not None) is named
    assert (unpacked_note((url,), coding, b"plain") is not None) is named


@pytest.mark.parametrize("occurrence", [1, 2])
def test_a_file_stays_packed_whichever_target_of_its_url_it_is(tmp_path: Path, occurrence: int) -> None:
    """Two targets of one URL with different passwords have a partial file each; the name of the URL counts."""
    packed = gzip.compress(b"ustar")
    response = Response(200, [("Content-Encoding", "gzip")], body=packed)
    parts = PartialFiles(Folder(str(tmp_path), os.O_RDONLY))
    with (
        PoliteServer(handler=lambda request: response) as web,
        lease_context(parts=parts, output={"body": False}) as made,
    ):
        attempt = Attempt(replace(target(web.url("/pages.tar.gz")), occurrence=occurrence))
        fetched = only(run(made, attempt).results)
    assert fetched.saved is not None
    assert fetched.saved.data == packed
