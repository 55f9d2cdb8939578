"""What a message's head says: status lines, header lines, Locations, content codings, charsets. A table."""

from __future__ import annotations

from ..wire import OK, no_body, page
from .rows import BAD, BIG, PAGE, START, STRICT_OR_OK, Row

UNDECODABLE = frozenset({"decode", "truncated"})
MOVED = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n"
GZIP = START + b"Content-Encoding: gzip\r\n"

HEADS = (
    Row("http09", "a body and nothing before it", BAD, b"<html>%(body)b", close=True),
    Row(
        "http2_preface",
        "HTTP/2 frames",
        BAD,
        b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80\x00\x04\x00\x01\x00\x00\x00\x05\x00\xff\xff\xff",
        close=True,
    ),
    Row("binary_rubbish", "bytes 0 to 255", BAD, bytes(range(256)).replace(b"%", b"") * 4, close=True),
    Row("ssh_banner", "another protocol's greeting", BAD, b"SSH-2.0-OpenSSH_9.2p1\r\n", close=True),
    Row("status_letters", "the status is no number", BAD, b"HTTP/1.1 2OO OK\r\n" + PAGE, close=True),
    Row("status_000", "status 000", BAD, b"HTTP/1.1 000 Nothing\r\n" + PAGE, close=True),
    Row("status_999", "status 999, as seen in the wild", BAD | {"http_5xx"}, b"HTTP/1.1 999 Request denied\r\n" + PAGE),
    Row("version_http3", "HTTP/3.0 in a status line", STRICT_OR_OK, b"HTTP/3.0 200 OK\r\n" + PAGE, close=True),
    Row("reason_missing", "a status line without reason", OK, b"HTTP/1.1 200\r\n" + PAGE),
    Row("reason_escapes", "terminal escapes in the reason", STRICT_OR_OK, b"HTTP/1.1 200 \x1b[31mOK\x07\r\n" + PAGE),
    Row("crlf_before_status", "empty lines before the status line", STRICT_OR_OK, b"\r\n\r\n" + START + PAGE),
    Row("header_line_huge", "a header line of 1 MiB", OK | BIG, START + b"X-Long: " + b"x" * 2**20 + b"\r\n" + PAGE),
    Row(
        "headers_many",
        "10,000 header lines",
        OK | BIG,
        START + b"".join(b"X-%d: y\r\n" % i for i in range(10_000)) + PAGE,
    ),
    Row("headers_hundred_one", "101 header lines", OK, START + b"".join(b"X-%d: y\r\n" % i for i in range(100)) + PAGE),
    Row("cookies_many", "500 cookies", OK, START + b"".join(b"Set-Cookie: c%d=1\r\n" % i for i in range(500)) + PAGE),
    Row("header_nul", "NUL in a header value", STRICT_OR_OK, START + b"X-Nul: a\x00b\r\n" + PAGE),
    Row("header_latin1", "a header value in latin-1", OK, START + b"X-Name: caf\xe9\r\n" + PAGE),
    Row("bare_lf", "lines that end in LF", STRICT_OR_OK, b"HTTP/1.1 200 OK\nContent-Length: %(length)d\n\n%(body)b"),
    Row("bare_cr", "a CR inside a header value", STRICT_OR_OK, START + b"X-Cr: a\rContent-Length: 3\r\n" + PAGE),
    Row("folded_header", "a header value on two lines", STRICT_OR_OK, START + b"X-Folded: one\r\n two\r\n" + PAGE),
    Row("folded_first_line", "the first header line starts with a space", STRICT_OR_OK, START + b" X: y\r\n" + PAGE),
    Row(
        "header_malformed",
        "a header line without colon, others after it",
        STRICT_OR_OK,
        START + b"this is no header\r\n" + PAGE,
    ),
    Row("header_nameless", "a header line that starts with a colon", STRICT_OR_OK, START + b": nameless\r\n" + PAGE),
    Row(
        "space_before_colon",
        "a space before Content-Length's colon",
        STRICT_OR_OK,
        START + b"Content-Length : %(length)d\r\n\r\n%(body)b",
        close=True,
    ),
)

LOCATIONS = (
    Row("location_missing", "302 without Location", OK, MOVED + b"\r\n", body=no_body),
    Row(
        "location_empty",
        "an empty Location, which is the page itself",
        frozenset({"ok", "too_many_redirects", "invalid_url"}),
        MOVED + b"Location: \r\n\r\n",
        body=no_body,
    ),
    Row(
        "location_latin1",
        "a Location in latin-1",
        OK | {"invalid_url"},
        MOVED + b"Location: /plain/caf\xe9\r\n\r\n",
        body=None,
    ),
    Row("location_utf8", "a Location in UTF-8", OK, MOVED + b"Location: /plain/caf\xc3\xa9\r\n\r\n", body=None),
    Row(
        "location_spaces",
        "a Location with spaces",
        OK | {"invalid_url"},
        MOVED + b"Location: /plain/a b\r\n\r\n",
        body=None,
    ),
    Row(
        "location_open_bracket",
        "Location: http://[::1",
        frozenset({"invalid_url"}),
        MOVED + b"Location: http://[::1\r\n\r\n",
        body=None,
    ),
    Row(
        "location_long_label",
        "a host label of 70 characters",
        frozenset({"invalid_url", "dns"}),
        MOVED + b"Location: http://" + b"a" * 70 + b".test/\r\n\r\n",
        body=None,
    ),
    Row(
        "location_bad_port",
        "a port beyond 65535",
        frozenset({"invalid_url"}),
        MOVED + b"Location: http://127.0.0.1:99999/\r\n\r\n",
        body=None,
    ),
    Row(
        "location_javascript",
        "Location: javascript:",
        frozenset({"unsupported_scheme", "invalid_url"}),
        MOVED + b"Location: javascript:alert(1)\r\n\r\n",
        body=None,
    ),
    Row(
        "location_file",
        "Location: file:///etc/passwd",
        frozenset({"unsupported_scheme"}),
        MOVED + b"Location: file:///etc/passwd\r\n\r\n",
        body=None,
    ),
    Row(
        "redirect_loop",
        "a redirect to itself",
        frozenset({"too_many_redirects"}),
        MOVED + b"Location: /redirect_loop/0\r\n\r\n",
        body=None,
    ),
    Row(
        "retry_after_ages",
        "503 with a Retry-After of thirty years",
        frozenset({"deferred", "http_5xx"}),
        b"HTTP/1.1 503 Busy\r\nRetry-After: 999999999\r\n" + PAGE,
    ),
)

CODINGS = (
    Row("gzip_truncated", "gzip that ends early", UNDECODABLE, GZIP + b"\r\n%(gzip_cut)b", close=True),
    Row("gzip_no_trailer", "gzip without its checksum", UNDECODABLE, GZIP + b"\r\n%(gzip_bare)b", close=True),
    Row(
        "gzip_bad_checksum",
        "gzip with a wrong checksum",
        UNDECODABLE,
        GZIP + b"Content-Length: %(gzip_length)d\r\n\r\n%(gzip_wrong)b",
    ),
    Row("gzip_invalid", "called gzip, and is not", UNDECODABLE, GZIP + PAGE),
    Row("gzip_trailing", "rubbish after the gzip stream", OK | UNDECODABLE, GZIP + b"\r\n%(gzip)brubbish", close=True),
    Row(
        "gzip_members",
        "two gzip members, which are one body",
        OK,
        GZIP + b"\r\n%(gzip)b%(gzip)b",
        close=True,
        body=lambda path: page(path) * 2,
    ),
    Row(
        "gzip_empty",
        "Content-Encoding: gzip on an empty body",
        OK | UNDECODABLE,
        GZIP + b"Content-Length: 0\r\n\r\n",
        body=no_body,
    ),
    Row(
        "gzip_uppercase",
        "Content-Encoding: X-GZIP",
        OK,
        START + b"Content-Encoding: X-GZIP\r\nContent-Length: %(gzip_length)d\r\n\r\n%(gzip)b",
    ),
    Row(
        "gzip_twice",
        "gzip within gzip",
        OK | UNDECODABLE,
        START + b"Content-Encoding: gzip, gzip\r\n\r\n%(gzip_gzip)b",
        close=True,
    ),
    Row(
        "deflate_raw",
        "deflate without the zlib wrapper",
        OK | UNDECODABLE,
        START + b"Content-Encoding: deflate\r\n\r\n%(deflate_raw)b",
        close=True,
    ),
    Row(
        "codings_fifty",
        "fifty content codings",
        UNDECODABLE | BIG,
        START + b"Content-Encoding: " + b", ".join([b"gzip"] * 50) + b"\r\n" + PAGE,
    ),
    Row(
        "coding_nonsense",
        "an unknown content coding",
        OK | UNDECODABLE,
        START + b"Content-Encoding: nonsense\r\n" + PAGE,
    ),
    Row(
        "charset_wrong",
        "latin-1 text that is called UTF-8",
        OK,
        START + b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n\r\ncaf\xe9",
        body=lambda _: b"caf\xe9",
    ),
    Row(
        "charset_unknown",
        "a charset that does not exist",
        OK,
        START + b"Content-Type: text/plain; charset=x-klingon\r\n" + PAGE,
    ),
    Row(
        "charset_not_text",
        "a charset that Python knows and that is no text",
        OK,
        START + b"Content-Type: text/plain; charset=zip\r\n" + PAGE,
    ),
)

ROWS = (*HEADS, *LOCATIONS, *CODINGS)
