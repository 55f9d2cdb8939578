"""What the records of an exchange say."""

import base64
import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.record.warc.pack import packed_bytes
from scrapepool.record.warc.serialize import Record, digest, exchange_records, warc_fields, weighed
from tests.record.warc.warc_cases import spooled, transcript


def metadata_of(**changes):
    one = transcript(**changes)
    return exchange_records(one, weighed(one), None)[0][2].block.decode()


@given(st.binary(max_size=100))
def test_a_digest_is_sha_1_in_base_32(data):
    """As the standard library spells it."""
    assert digest(data) == f"sha1:{base64.b32encode(hashlib.sha1(data).digest()).decode()}"


@given(st.binary(min_size=1, max_size=3000), st.binary(max_size=3000))
def test_the_payload_is_what_lies_behind_the_header_block(head, body):
    """Each digest covers its part, in memory and in a file."""
    for prepare in (lambda one: one, spooled):
        response = weighed(prepare(transcript(response=head + body, head=len(head))))
        assert (response.head, response.size, response.payload) == (head, len(head + body), len(body))
        assert (response.block_digest, response.payload_digest) == (digest(head + body), digest(body))


@given(st.binary(max_size=70_000) | st.binary(max_size=600), st.booleans())
def test_a_packed_record_is_one_gzip_member(data, hurry):
    """Whatever its size, of which zlib's window follows, and however quickly it was packed."""
    member = zlib.decompressobj(31)
    assert (
        member.decompress(packed_bytes(Record(b"header", data), compress=True, hurry=hurry))
        == b"header" + data + b"\r\n\r\n"
    )
    assert member.eof
    assert member.unused_data == b""


def test_metadata_tell_the_way_to_a_page():
    """The list's URL, the redirect that led here, and which attempt it was."""
    fields = metadata_of(seed="http://example.org/é", via="http://example.org/v", hops=2, attempt=3, interim=1)
    assert fields.splitlines() == [
        "fetchTimeMs: 26",
        "seed: http://example.org/é",
        "via: http://example.org/v",
        "hopsFromSeed: RR",
        "attempt: 3",
        "interimAnswersLeftOut: 1",
    ]


@pytest.mark.parametrize("text", ["a\r\nWARC-Type: response", "\x1b[2J", "\ud800"])
def test_no_text_makes_a_line_of_its_own(text):
    """A URL of the list and an option may hold anything."""
    assert len(metadata_of(seed=text).splitlines()) == 2
    assert len(warc_fields({"http-header-user-agent": text}).splitlines()) == 1


def test_a_response_through_a_proxy_has_no_address():
    """The one that was connected to is not the server's."""
    one = transcript(remote=None)
    assert all(b"WARC-IP-Address" not in record.header for record in exchange_records(one, weighed(one), None)[0])


def test_a_request_that_was_not_sent_whole_says_so():
    """As a response does that was not received whole."""
    one = transcript(unsent=True)
    response, request, _ = exchange_records(one, weighed(one), None)[0]
    assert b"WARC-Truncated: disconnect\r\n" in request.header
    assert b"WARC-Truncated" not in response.header
