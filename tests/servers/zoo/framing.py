"""Where a message ends: early closes, lengths, chunks, replies without a body, interim replies. A table."""

from __future__ import annotations

from ..wire import OK, no_body
from .rows import BAD, BIG, PAGE, START, STRICT_OR_OK, Row

CUT = frozenset({"truncated", "reset", "protocol"})
LENGTH = b"Content-Length: %(length)d\r\n"
CHUNKED = START + b"Transfer-Encoding: chunked\r\n\r\n"
SECOND = START + b"Content-Length: 7\r\n\r\nPOISON\n"

ENDINGS = (
    Row("close_after_request", "closes instead of answering", CUT, b"", close=True),
    Row("eof_in_status_line", "ends inside the status line", CUT, b"HTTP/1.1 20", close=True),
    Row("eof_after_status_line", "ends after the status line", CUT, START, close=True),
    Row("eof_in_headers", "ends inside a header line", CUT, START + b"Content-Le", close=True),
    Row(
        "eof_before_blank_line",
        "ends where the blank line should be",
        CUT,
        START + b"Content-Length: 0\r\n",
        close=True,
    ),
    Row(
        "eof_in_body",
        "says a thousand bytes more than it sends",
        CUT,
        START + b"Content-Length: 1%(length)d\r\n\r\n%(body)b",
        close=True,
    ),
    Row("eof_in_chunk_size", "ends inside a chunk's size", CUT, CHUNKED + b"%(chunks)b1", close=True),
    Row("eof_in_chunk", "ends inside a chunk", CUT, CHUNKED + b"%(chunks)bff\r\nabc", close=True),
    Row("missing_last_chunk", "ends without the last chunk", CUT, CHUNKED + b"%(chunks)b", close=True),
    Row(
        "eof_in_trailers",
        "ends after the last chunk, before the blank line",
        CUT | OK,
        CHUNKED + b"%(chunks)b0\r\n",
        close=True,
    ),
)

FRAMING = (
    Row("length_too_small", "sends more than it said", STRICT_OR_OK, START + PAGE + b"leftover bytes"),
    Row(
        "leftover_then_close",
        "Connection: close, and more than it said",
        STRICT_OR_OK,
        START + b"Connection: close\r\n" + PAGE + b"leftover",
        close=True,
    ),
    Row("leftover_crlf", "an extra line end after the body", STRICT_OR_OK, START + PAGE + b"\r\n"),
    Row("second_response", "a second response that nobody asked for", STRICT_OR_OK, START + PAGE + SECOND),
    Row("lengths_conflicting", "two different Content-Lengths", BAD, START + b"Content-Length: 5\r\n" + PAGE),
    Row("lengths_equal", "the same Content-Length twice", STRICT_OR_OK, START + LENGTH + PAGE),
    Row(
        "length_list",
        "the same Content-Length twice in one line",
        STRICT_OR_OK,
        START + b"Content-Length: %(length)d, %(length)d\r\n\r\n%(body)b",
    ),
    Row("length_negative", "Content-Length: -5", BAD, START + b"Content-Length: -5\r\n\r\n%(body)b"),
    Row(
        "length_plus",
        "Content-Length with a plus sign",
        STRICT_OR_OK,
        START + b"Content-Length: +%(length)d\r\n\r\n%(body)b",
    ),
    Row("length_words", "Content-Length: some", BAD, START + b"Content-Length: some\r\n\r\n%(body)b"),
    Row(
        "length_astronomic",
        "Content-Length of 31 digits",
        BIG | CUT,
        START + b"Content-Length: 1" + b"0" * 30 + b"\r\n\r\n%(body)b",
        close=True,
    ),
    Row(
        "length_and_chunked",
        "Content-Length beside Transfer-Encoding",
        STRICT_OR_OK,
        START + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n%(chunks)b0\r\n\r\n",
    ),
    Row(
        "chunked_twice",
        "Transfer-Encoding: chunked, chunked",
        STRICT_OR_OK,
        START + b"Transfer-Encoding: chunked, chunked\r\n\r\n%(chunks)b0\r\n\r\n",
    ),
    Row(
        "coding_unknown",
        "an unknown transfer coding",
        STRICT_OR_OK,
        START + b"Transfer-Encoding: nonsense\r\n\r\n%(body)b",
        close=True,
    ),
    Row("chunk_size_bad", "a chunk's size is no number", BAD, CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n"),
    Row("chunk_size_negative", "a negative chunk size", BAD, CHUNKED + b"-5\r\nabc\r\n0\r\n\r\n"),
    Row("chunk_size_overflow", "a chunk size beyond 64 bits", BIG, CHUNKED + b"FFFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n"),
    Row("chunk_size_prefixed", "a chunk size that starts with 0x", BAD, CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n"),
    Row("chunk_end_missing", "no line end after a chunk's data", BAD, CHUNKED + b"3\r\nabcdef\r\n0\r\n\r\n"),
    Row(
        "chunk_extension",
        "chunk extensions, which are to be ignored",
        STRICT_OR_OK,
        CHUNKED + b'0%(length)x;a=b;c="d"\r\n%(body)b\r\n0;last\r\n\r\n',
    ),
    Row(
        "chunk_extension_huge",
        "a chunk extension of 1 MiB",
        OK | BIG,
        CHUNKED + b"%(length)x;" + b"x" * 2**20 + b"\r\n%(body)b\r\n0\r\n\r\n",
    ),
    Row(
        "trailers",
        "trailer fields after the last chunk",
        OK,
        CHUNKED + b"%(chunks)b0\r\nX-Checksum: 1\r\nContent-Length: 3\r\n\r\n",
    ),
)

BODILESS = (
    Row("no_content_with_body", "204 with a body", STRICT_OR_OK, b"HTTP/1.1 204 No Content\r\n" + PAGE, body=no_body),
    Row(
        "no_content_chunked",
        "204 with Transfer-Encoding: chunked",
        STRICT_OR_OK,
        b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
        body=no_body,
    ),
    Row(
        "not_modified_chunked",
        "304 with Transfer-Encoding: chunked",
        frozenset({"unchanged"}) | BAD,
        b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
        body=no_body,
    ),
    Row(
        "not_modified_length",
        "304 with the Content-Length of what it does not send",
        frozenset({"unchanged"}),
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n",
        body=no_body,
    ),
    Row("head_with_body", "a body in reply to HEAD", STRICT_OR_OK, START + PAGE, body=no_body, method="HEAD"),
    Row("until_close", "a body that ends with the connection", OK, START + b"\r\n%(body)b", close=True),
)

INTERIM = (
    Row(
        "early_hints",
        "two 103s before the reply",
        OK,
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 2 + START + PAGE,
    ),
    Row("interim_unknown", "a 199 before the reply", OK, b"HTTP/1.1 199 Hm\r\n\r\n" + START + PAGE),
    Row(
        "interim_with_length",
        "a 103 that has a Content-Length",
        STRICT_OR_OK,
        b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n" + START + PAGE,
    ),
    Row(
        "continue_storm",
        "two hundred 100s before the reply",
        STRICT_OR_OK,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 200 + START + PAGE,
    ),
    Row(
        "switching_protocols",
        "a 101 that nobody asked for",
        BAD,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\nPRI *",
        close=True,
    ),
)

ROWS = (*ENDINGS, *FRAMING, *BODILESS, *INTERIM)
