"""Lines of JSON as records are, and as other programs or a damaged disk may make them."""

from __future__ import annotations

from hypothesis import strategies as st

URL = b'"http://h/1"'
USUAL = (
    URL,
    b"7",
    b"null",
    b'"ok"',
    b"200",
    b"null",
    b"[]",
    b'{"dns":null,"ttfb":0.5}',
    b'{"a":"b"}',
    b"1.25",
    b"null",
)
LINE = (
    b'{"url":%b,"line":%b,"list":%b,"outcome":%b,"status":%b,"error":%b,"redirects":%b,"timings":%b,"data":%b,'
    b'"elapsed":%b,"request":%b}\n'
)
WITHOUT_LIST = b'{"status":%b,"url":%b,"outcome":%b,"error":%b,"method":%b,"etag":%b,"reused":%b}\n'
LIKE_THAT = (b"200", URL, b'"failed"', b'"dns"', b'"HEAD"', b'"\\"x\\""', b"true")

VALUES = (
    *(b"007", b"1.", b"-0", b"1e5", b"-1.5E-3", b"NaN", b"Infinity", b"9" * 18, b"9" * 30, b"1" * 5000, b"--1", b"0"),
    *(b"", b"tru", b"true", b"false", b"null", b'"', b'""', b'"5"', b'"a', b'"\\x"', b'"\\u12"', b'"\\ud800"', b'"\\"'),
    *(b'"\\\\"', b'"\\u00e9\\/"', b'"\xc3\xa9"', b'"\xff"', b'"\x01"', b'"\x7f"', b'"a,b"', b'"x":1', b'1,"url":"http://i/"'),
    *(b"[", b"[]", b"[1,]", b"[,]", b"[ 1]", b"[[[[[1]]]]]", b'["a", "b"]', b'[{"url":"http://h/","status":301}]'),
    *(b"{}", b'{"a":1,}', b'{"a" :1}', b'{"a":1,"a":2}', b'{"method":"POST","data_sha256":null}', b'{"occurrence":2}'),
    *(b'"http://h:80/1"', b'"HTTP://h/1"', b'"http://h/1#f"', b'"http://u:p@h/1"', b'"http://0x7f.1/"'),
    *(b'"skipped"', b'"deferred"', b'"sunny"', b'"duplicate"', b'"invalid_url"', b'"http_4xx"', b'"x y"'),
    *(b'"\\u0068"', b'"ok"', b'"urls.txt"'),
)  # fmt: skip


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """A record, one with odd values, or one that was damaged."""
    pattern, usual = draw(st.sampled_from([(LINE, USUAL), (LINE, USUAL), (WITHOUT_LIST, LIKE_THAT)]))
    values = list(usual)
    for _ in range(draw(st.integers(0, 2))):
        values[draw(st.integers(0, len(values) - 1))] = draw(st.sampled_from(VALUES))
    line = pattern % tuple(values)
    match draw(st.integers(0, 12)):
        case 0:
            at = draw(st.integers(0, len(line) - 1))
            return line[:at] + draw(st.sampled_from([b"", b" ", b"\n", b'"', b"\\", b"\xef\xbb\xbf"])) + line[at + 1 :]
        case 1:
            return draw(
                st.sampled_from([b"\n", b" \r\n", b"\xef\xbb\xbf" + line, line[:-1] + b"\r\n", line[:-1], b" " + line])
            )
        case 2:
            return line.replace(b'":', b'": ').replace(b',"', b', "')
    return line


FILES = st.lists(lines(), max_size=8).map(lambda some: b"".join([LINE % USUAL, WITHOUT_LIST % LIKE_THAT, *some]))
