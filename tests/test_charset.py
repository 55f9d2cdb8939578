"""Which charset a page is in, and what its bytes say in it."""

from __future__ import annotations

import codecs
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.charset import charset_of, content_type_of, decode_text, decoded_pieces

LABELS = [
    "utf-8",
    "latin1",
    "shift_jis",
    "utf-16",
    "gb2312",
    "iso-8859-8-i",
    "utf-7",
    "rot13",
    "hex",
    "idna",
    "",
    "nah",
]


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        (b"text/html; charset=utf-8", "utf-8"),
        ("text/html;charset=UTF-8", "utf-8"),
        (b'text/plain; format=flowed; Charset = "ISO-8859-1"; x=y', "iso-8859-1"),
        (b"text/html; charset='gbk'", "gbk"),
        (b"text/html; charset=utf-8;", "utf-8"),
        (b"text/html; charset=", None),
        (b"text/html; charset=nah", None),
        (b"text/html; charset=utf-7", None),
        (b"text/html; charset=unicode_escape", None),
        (b"text/html; xcharset=utf-8", None),
        (b"text/html", None),
        (b"application/json", None),
        (b"", None),
        (None, None),
    ],
)
def test_the_header(content_type: bytes | str | None, charset: str | None) -> None:
    """The header's charset counts where it is one that browsers know."""
    assert charset_of(content_type, b"<p>") == charset


@pytest.mark.parametrize(
    ("mark", "charset"), [(codecs.BOM_UTF8, "utf-8"), (b"\xff\xfe", "utf-16le"), (b"\xfe\xff", "utf-16be")]
)
def test_the_byte_order_mark_comes_first(mark: bytes, charset: str) -> None:
    """A byte order mark is stronger than the header."""
    assert charset_of(b"text/html; charset=koi8-r", mark + b"<meta charset=gbk>") == charset


@pytest.mark.parametrize(
    ("head", "charset"),
    [
        (b"<!doctype html><meta charset=windows-1251>", "windows-1251"),
        (b"<META name=a content=b><Meta  CharSet = 'EUC-JP' />", "euc-jp"),
        (b'<meta http-equiv="Content-Type" content="text/html; charset=big5">', "big5"),
        (b"<meta content='text/html;charset=koi8-r' http-equiv=content-type>", "koi8-r"),
        (b'<meta name="x" content="a; charset=big5"><meta charset=gbk>', "gbk"),
        (b"<meta charset=nah><meta charset=gbk>", "gbk"),
        (b"<!-- <meta charset=big5> --><meta charset=gbk>", "gbk"),
        (b"<meta charset=utf-16>", "utf-8"),
        (b'<?xml version="1.0" encoding="Shift_JIS"?><a/>', "shift_jis"),
        (b" " * 1000 + b"<meta charset=gbk>", "gbk"),
        (b" " * 1010 + b"<meta charset=gbk>", None),
        (b"<metadata charset=gbk>", None),
        (b"<p>charset=gbk</p>", None),
        (b"", None),
    ],
)
@pytest.mark.parametrize("content_type", [b"text/html", b"Application/XHTML+XML; q=1", b"text/xml", b"", None])
def test_the_page_itself(content_type: bytes | None, head: bytes, charset: str | None) -> None:
    """A page without a word from its server speaks for itself, in its first 1,024 bytes."""
    assert charset_of(content_type, head) == charset


@pytest.mark.parametrize("content_type", [b"text/plain", b"application/json", b"image/png", b"text/htmlx"])
def test_what_is_no_page_is_not_searched(content_type: bytes) -> None:
    """Only markup may name its own charset."""
    assert charset_of(content_type, b"<meta charset=gbk>") is None


def test_the_header_is_stronger_than_the_page() -> None:
    """What the server says counts before what the page says, unless nobody knows what it means."""
    assert charset_of(b"text/html; charset=koi8-r", b"<meta charset=gbk>") == "koi8-r"
    assert charset_of(b"text/html; charset=nah", b"<meta charset=gbk>") == "gbk"


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        ("Grüße €".encode(), None, "Grüße €"),
        ("Grüße €".encode("cp1252"), None, "Grüße €"),
        ("Grüße €".encode("cp1252"), "iso-8859-1", "Grüße €"),
        ("Grüße €".encode("cp1252"), "us-ascii", "Grüße €"),
        ("Grüße".encode(), "nah", "Grüße"),
        ("Привет".encode("koi8-r"), " KOI8-R ", "Привет"),
        ("日本".encode("cp932"), "shift_jis", "日本"),
        ("中文".encode("gb18030"), "gb2312", "中文"),
        ("\ufeffx".encode(), None, "x"),
        ("\ufeffx".encode(), "utf-8", "x"),
        ("\ufeffx".encode("utf-16-le"), "utf-16", "x"),
        ("\ufeffx".encode("utf-16-be"), None, "x"),
        (b"a\xffb", "utf-8", "a\ufffdb"),
        (b"\x81", "windows-1252", "\ufffd"),
        (b"+ADw-", "utf-7", "+ADw-"),
        (b"", "gbk", ""),
    ],
)
def test_text(body: bytes, charset: str | None, text: str) -> None:
    """Labels mean what browsers take them for; without one it is UTF-8, or else windows-1252."""
    assert decode_text(body, charset) == text


@given(st.binary(max_size=60), st.sampled_from([None, *LABELS]) | st.text(max_size=10))
def test_text_never_raises(body: bytes, charset: str | None) -> None:
    """Any bytes in any charset are some text, and so are those of any page."""
    assert isinstance(decode_text(body, charset), str)
    assert isinstance(decode_text(body, charset_of(f"text/html; charset={charset}", body)), str)


@given(st.binary(max_size=3000), st.sampled_from([None, *LABELS]), st.lists(st.integers(0, 3000), max_size=4))
def test_pieces(body: bytes, label: str | None, cuts: list[int]) -> None:
    """A text in pieces is the same text however it is cut, and never raises."""
    content_type = None if label is None else f"text/html; charset={label}"
    places = [0, *sorted(cuts), len(body)]
    pieces = [piece for start, end in pairwise(places) if (piece := body[start:end])]
    assert "".join(decoded_pieces(pieces, content_type)) == "".join(decoded_pieces([body], content_type))


def test_pieces_mislabelled() -> None:
    """What is not UTF-8 in a text that is said to be is read as windows-1252."""
    assert (
        "".join(decoded_pieces([b"caf\xe9 caf\xc3", b"\xa9 \x80"], "text/xml; charset=utf-8"))
        == "caf\xe9 caf\xe9 \u20ac"
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (["text/html"], "text/html"),
        (["Text/HTML;Charset=GBK"], "Text/HTML;Charset=GBK"),
        (["html"], "html"),
        ([""], ""),
        (["text/plain", "text/html"], "text/html"),
        (["text/html", "text/html; charset=gbk"], "text/html; charset=gbk"),
        (["text/html; charset=gbk", "text/html"], "text/html;charset=gbk"),
        (["text/html; charset=gbk", "TEXT/HTML; x=y"], "TEXT/HTML; x=y;charset=gbk"),
        (["text/html; charset=gbk", "text/html; charset=utf-8"], "text/html; charset=utf-8"),
        (["text/html; charset=gbk", "text/plain"], "text/plain"),
        (["text/html; charset=gbk", "text/plain", "text/html"], "text/html"),
        (["text/html; charset=gbk", "*/*"], "text/html; charset=gbk"),
        (["text/html; charset=gbk", "*/*", "text/html"], "text/html;charset=gbk"),
        (["text/html", "nonsense"], "text/html"),
        (["nonsense", "text/html"], "text/html"),
        (["text/html", ""], "text/html"),
        (["", "text/html"], "text/html"),
        (["text/html", "text/ plain", "text /plain"], "text/html"),
        (["none", "of, them"], "none, of, them"),
        (['text/html; x=","; charset=gbk', "text/html"], "text/html;charset=gbk"),
        (['text/html; x=",text/plain'], 'text/html; x=",text/plain'),
        (['text/html; x="\\",text/plain", text/css'], "text/css"),
    ],
)
def test_a_content_type_that_is_given_twice(fields: list[str], expected: str) -> None:
    """The last type counts, and a charset stays with its type: the Fetch standard's "extract a MIME type"."""
    assert content_type_of(", ".join(fields).encode()) == expected


@given(st.binary(max_size=80) | st.text(alphabet='text/html,; ="\\*charset', max_size=80).map(str.encode))
def test_any_content_type_is_told(field: bytes) -> None:
    """Whatever a server sends."""
    found = content_type_of(field)
    assert found.strip() in field.decode("latin-1") or ";charset=" in found
