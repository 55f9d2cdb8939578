"""One exchange as WARC/1.1 records: which they are, what they say, and their digests.

Does not know files, compression, or which bodies were seen before. The sections named are those of the IIPC's
specification of WARC 1.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha1 as _sha1
from random import Random

from ...model import Span, Transcript
from ...named_tuple import NamedTuple
from ...text import printable
from ..formats.fields import instant

IDENTICAL = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
RESPONSE_TYPE = "application/http; msgtype=response"
REQUEST_TYPE = "application/http; msgtype=request"
FIELDS_TYPE = "application/warc-fields"

END = b"\r\n\r\n"
"""What follows each record's block (section 4)."""

BLOCK_STEP = 1024 * 1024
"""Bytes of a long block that are read at once."""

_random = Random()  # noqa: S311  # for ids, of which a run makes millions, and no secrets
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_PAIRS = [first + second for first in _BASE32 for second in _BASE32]


class Record(NamedTuple):
    """One record: its header and its block, or what of that is not in a file."""

    header: bytes
    block: bytes
    rest: Span | None = None


class Place(NamedTuple):
    """Where a body stands: the id, URL and date of its response record. id: None where it is not known."""

    id: str | None
    url: str
    date: str


class WeighedResponse(NamedTuple):
    """The header block, the sizes and the digests of a transcript's response.

    head: its header block. size: bytes of all of it. payload: bytes of its body, as received.
    block_digest, payload_digest: of all of it, and of its body as received.
    """

    head: bytes
    size: int
    payload: int
    block_digest: str
    payload_digest: str


def weighed(transcript: Transcript) -> WeighedResponse:
    """Return the sizes and digests of a response. Raises OSError if it is in a file that cannot be read.

    Section 5.9 would have the payload's digest without the chunks' framing; every tool there is, those that write and
    those that verify and look up, takes the bytes behind the header block, and so it is here.
    """
    head, response = transcript.head, transcript.response
    if isinstance(response, bytes):
        size = len(response)
        return WeighedResponse(response[:head], size, size - head, digest(response), digest(response[head:]))
    block, payload = _sha1(usedforsecurity=False), _sha1(usedforsecurity=False)
    pieces = read(response, head)
    fields = next(pieces)
    block.update(fields)
    for piece in pieces:
        block.update(piece)
        payload.update(piece)
    return WeighedResponse(
        fields, response.size, response.size - head, base32_digest(block.digest()), base32_digest(payload.digest())
    )


def exchange_records(
    transcript: Transcript, response: WeighedResponse, original: Place | None
) -> tuple[list[Record], Place]:
    """Return the records of an exchange, and where its response is.

    The response comes first, so that nothing points to it where it was never written. original: where its body is seen
    already, so that it is not written again (section 6.7.2); None where it is new.
    """
    response_id, request_id, metadata_id = _ids()
    date, url, request = instant(transcript.started), transcript.url, transcript.request
    common = f"WARC-Date: {date}\r\nWARC-Target-URI: {url}\r\n"
    if transcript.remote is not None:
        common = f"{common}WARC-IP-Address: {transcript.remote}\r\n"
    beside = f"{common}WARC-Concurrent-To: <urn:uuid:{response_id}>\r\n"
    if transcript.not_modified:
        record = _not_modified(response_id, common, transcript, response)
    elif original is None:
        record = _response(response_id, common, transcript, response)
    else:
        record = _identical(response_id, common, response, original)
    cut = _truncated("disconnect") if transcript.unsent else ""
    fields = _transfer_fields(transcript)
    return [
        record,
        Record(_header("request", request_id, f"{beside}{cut}", digest(request), REQUEST_TYPE, len(request)), request),
        Record(_header("metadata", metadata_id, beside, digest(fields), FIELDS_TYPE, len(fields)), fields),
    ], Place(response_id, url, date)


def warcinfo(name: str, started: float, said: Mapping[str, str]) -> Record:
    """Return the record that says where the records after it come from. name: of the file. started: Unix time."""
    fields = f"WARC-Date: {instant(started)}\r\nWARC-Filename: {printable(name)}\r\n"
    block = warc_fields(said)
    return Record(_header("warcinfo", _ids()[0], fields, digest(block), FIELDS_TYPE, len(block)), block)


def warc_fields(said: Mapping[str, str]) -> bytes:
    """Return a block of named values, one per line."""
    return "".join(f"{name}: {printable(value)}\r\n" for name, value in said.items()).encode()


def read(span: Span, first: int = BLOCK_STEP) -> Iterator[bytes]:
    """Yield the bytes of a part of a file, ``first`` and then a step at a time. Raises OSError if there are fewer."""
    file, left = span.file, span.size
    file.seek(span.begin)
    step = first
    while left:
        piece = file.read(min(step, left))
        if not piece:
            raise OSError("a temporary file has become shorter")
        left -= len(piece)
        step = BLOCK_STEP
        yield piece


def digest(data: bytes) -> str:
    """SHA-1 in base 32, the one digest that every reader of WARC knows."""
    return base32_digest(_sha1(data, usedforsecurity=False).digest())


def base32_digest(value: bytes) -> str:
    """Return a SHA-1 digest in base 32, with its label."""
    # base64.b32encode takes twice as long, and there are four digests a URL.
    p = _PAIRS
    a, b = int.from_bytes(value[:10], "big"), int.from_bytes(value[10:], "big")
    return (
        f"sha1:{p[a >> 70]}{p[a >> 60 & 1023]}{p[a >> 50 & 1023]}{p[a >> 40 & 1023]}"
        f"{p[a >> 30 & 1023]}{p[a >> 20 & 1023]}{p[a >> 10 & 1023]}{p[a & 1023]}"
        f"{p[b >> 70]}{p[b >> 60 & 1023]}{p[b >> 50 & 1023]}{p[b >> 40 & 1023]}"
        f"{p[b >> 30 & 1023]}{p[b >> 20 & 1023]}{p[b >> 10 & 1023]}{p[b & 1023]}"
    )


def _ids() -> tuple[str, str, str]:
    """Three random UUIDs (RFC 9562 section 5.4) out of the same bits, which differ in their variant's free bits."""
    bits = f"{_random.getrandbits(120):030x}"
    before, after = f"{bits[:8]}-{bits[8:12]}-4{bits[12:15]}-", f"{bits[15:18]}-{bits[18:]}"
    return f"{before}8{after}", f"{before}9{after}", f"{before}a{after}"


def _response(record_id: str, common: str, transcript: Transcript, response: WeighedResponse) -> Record:
    fields = f"{common}WARC-Payload-Digest: {response.payload_digest}\r\n"
    if transcript.cut is not None:
        fields += _truncated(transcript.cut)
    header = _header("response", record_id, fields, response.block_digest, RESPONSE_TYPE, response.size)
    whole = transcript.response
    return Record(header, whole) if isinstance(whole, bytes) else Record(header, b"", whole)


def _identical(record_id: str, common: str, response: WeighedResponse, original: Place) -> Record:
    """Return a revisit of a body that is archived already (section 6.7.2)."""
    refers_to = "" if original.id is None else f"WARC-Refers-To: <urn:uuid:{original.id}>\r\n"
    fields = (
        f"{refers_to}WARC-Refers-To-Target-URI: {original.url}\r\nWARC-Refers-To-Date: {original.date}\r\n"
        f"WARC-Payload-Digest: {response.payload_digest}\r\n{_truncated('length')}"
    )
    return _revisit(record_id, common, IDENTICAL, fields, response.head)


def _not_modified(record_id: str, common: str, transcript: Transcript, response: WeighedResponse) -> Record:
    """Return a revisit of a page that the server says has not changed (section 6.7.3).

    The payload is that of an earlier response to this URL, of which neither the digest nor the exact date is known.
    """
    refers_to = f"WARC-Refers-To-Target-URI: {transcript.url}\r\n"
    return _revisit(record_id, common, NOT_MODIFIED, refers_to, response.head)


def _revisit(record_id: str, common: str, profile: str, fields: str, head: bytes) -> Record:
    fields = f"{common}WARC-Profile: {profile}\r\n{fields}"
    return Record(_header("revisit", record_id, fields, digest(head), RESPONSE_TYPE, len(head)), head)


def _header(kind: str, record_id: str, fields: str, block_digest: str, content_type: str, size: int) -> bytes:
    return (
        f"WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{record_id}>\r\n{fields}"
        f"WARC-Block-Digest: {block_digest}\r\nContent-Type: {content_type}\r\nContent-Length: {size}\r\n\r\n"
    ).encode()


def _truncated(reason: str) -> str:
    return f"WARC-Truncated: {reason}\r\n"


def _transfer_fields(transcript: Transcript) -> bytes:
    """Return what the request and the response do not say, in the words of Heritrix where it has some."""
    said = f"fetchTimeMs: {transcript.elapsed * 1000:.0f}\r\nseed: {printable(transcript.seed)}\r\n"
    if transcript.via is not None:
        said = f"{said}via: {printable(transcript.via)}\r\nhopsFromSeed: {'R' * transcript.hops}\r\n"
    if transcript.attempt > 1:
        said = f"{said}attempt: {transcript.attempt}\r\n"
    if transcript.interim:
        said = f"{said}interimAnswersLeftOut: {transcript.interim}\r\n"
    return said.encode()
