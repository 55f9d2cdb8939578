"""What is found on a page, kind by kind, and what is said where nothing is."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.errors import UsageError
from scrapepool.extract.extraction import Extracted, Page, TooSlowError
from scrapepool.extract.extractor import Extractor
from scrapepool.settings import OutputSettings

URL = "https://shop.example/list/?page=1"

SHOP = """<!doctype html><html><head>
<title> A shop \n for   <i>things</i></title>
<meta property="og:title" content="Shop"><meta NAME=Description content="first"><meta name=description content="second">
<meta property="empty" content>
<script type="application/ld+json">{"@type": "Product", "name": "Pen", "offers": {"price": 1.5}}</script>
<script type="application/ld+json">not JSON</script>
<script type="Application/LD+JSON">{"@graph": [{"@type": ["Offer", "Thing"], "name": "line
end"}, {"@type": "Person"}]}</script>
</head><body>
<p class="price">1<b>000</b> €</p><p class="price">2</p><p class="none"></p>
<a class="next" href="?page=2#top">next</a><a class="bare">bare</a><img src="/i.png" alt=" a picture ">
<div id="item-42" data-id="item-43" hidden></div>
</body></html>"""


def page(body: str | bytes = SHOP, content_type: str | None = "text/html", charset: str | None = None) -> Page:
    return Page(body.encode() if isinstance(body, str) else body, content_type, charset, URL)


def found(expression: str, body: str | bytes = SHOP, **about: Any) -> Any:
    """What one expression finds."""
    name = "x[]" if expression.startswith("[]") else "x"
    extractor = Extractor(OutputSettings(select=(f"{name}={expression.removeprefix('[]')}",)))
    return extractor.extract(page(body, **about)).data["x"]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("css:title", "A shop for <i>things</i>"),
        ("css:.price", "1000 €"),
        ("css:.price::text", "1 €"),
        ("css:.price ::text", "1 €"),
        ("css:.none", ""),
        ("css:.missing", None),
        ("css:.price::html", '<p class="price">1<b>000</b> €</p>'),
        ("css:p:nth-of-type(2)", "2"),
        ("css:a.next::attr(href)", "https://shop.example/list/?page=2#top"),
        ("css:img::attr( SRC )", "https://shop.example/i.png"),
        ("css:img::attr(alt)", " a picture "),
        ("css:div::attr(hidden)", ""),
        ("css:a::attr(id)", None),
        ("css:p, div::attr(data-id)", "item-43"),
        ("[]css:.price", ["1000 €", "2"]),
        ("[]css:a::attr(href)", ["https://shop.example/list/?page=2#top"]),
        ("[]css:.missing", []),
        (r"re:item-(\d+)", "42"),
        (r"re:item-\d+", "item-42"),
        (r"re:item-(x)?", None),
        (r"re:(?i)A SHOP", "A shop"),
        (r"[]re:item-(\d+)", ["42", "43"]),
        ("re:missing", None),
        ("meta:og:title", "Shop"),
        ("meta: DESCRIPTION", "first"),
        ("[]meta:description", ["first", "second"]),
        ("meta:empty", ""),
        ("meta:missing", None),
        ("jsonld:@type", "Product"),
        ("jsonld:offers.price", 1.5),
        ("jsonld:@type == 'Person'", False),
        ("jsonld:[?\"@type\"=='@type']", None),
        ("[]jsonld:@type", ["Product", "Offer", "Thing", "Person"]),
        ("[]jsonld:name", ["Pen", "line\nend"]),
        ("jsonld:missing", None),
    ],
)
def test_a_page(expression: str, value: Any) -> None:
    """Each kind finds the first match, or with [] all of them; where there is none, null or an empty list."""
    assert found(expression) == value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("json:data.user.name", "Zoë"),
        ("json:data.user", {"name": "Zoë", "tags": ["a", None, "b"]}),
        ("json:data.user.tags", ["a", None, "b"]),
        ("[]json:data.user.tags", ["a", "b"]),
        ("[]json:data.user.name", ["Zoë"]),
        ("[]json:missing", []),
        ("json:length(data.user.tags)", 3),
        ("json:`true`", True),
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "text/html", None])
def test_json(expression: str, value: Any, content_type: str | None) -> None:
    """A body of JSON is searched with JMESPath, whatever the server calls it."""
    body = json.dumps({"data": {"user": {"name": "Zoë", "tags": ["a", None, "b"]}}})
    assert found(expression, body, content_type=content_type) == value


@pytest.mark.parametrize(
    ("body", "charset", "title"),
    [
        ("<title>Grüße €</title>".encode(), "utf-8", "Grüße €"),
        ("<title>Grüße €</title>".encode("cp1252"), "iso-8859-1", "Grüße €"),
        ("<title>Grüße €</title>".encode("cp1252"), None, "Grüße €"),
        ("<title>日本</title>".encode("cp932"), "shift_jis", "日本"),
        ("\ufeff<title>日本</title>".encode("utf-16-le"), "utf-16le", "日本"),
        (b"<title>a\xffb</title>", "utf-8", "a\ufffdb"),
    ],
)
def test_charsets(body: bytes, charset: str | None, title: str) -> None:
    """Pages are read in their charset before anything is looked for."""
    assert found("css:title", body, charset=charset) == title
    assert found("re:<title>(.*)</title>", body, charset=charset) == title


def test_links() -> None:
    """Links are absolute from the page's base, each once, in order, without fragments, and only what can be fetched."""
    body = """<base href="/b/"><base href="/second/"><a href="x?q#f">1</a><a href=" HTTP://Other.Example:80/é y ">2</a>
    <map><area href="x?q"></map><a href="mailto:a@b">3</a><a href="javascript:void(0)">4</a><a name=n>5</a><a href>6</a>
    <a href="//cdn.example">7</a><a href="https://[broken/">8</a><a href="#f">9</a><a href="../up">10</a>"""
    links = Extractor(OutputSettings(links=True)).extract(page(body)).data["links"]
    assert links == [
        "https://shop.example/b/x?q",
        "http://other.example/%C3%A9%20y",
        "https://shop.example/b/",
        "https://cdn.example/",
        "https://shop.example/up",
    ]


def test_links_are_spelled_as_browsers_do() -> None:
    """The URL standard says where a link leads and how it is spelled."""
    hrefs = [
        "/out/http://b.example/x",
        "\\\\b.example\\y",
        "x?",
        "x;",
        "///b.example/z",
        "https://b.example/a/../{b}?{c}|",
    ]
    body = "".join(f'<a href="{href}"></a>' for href in hrefs)
    assert Extractor(OutputSettings(links=True)).extract(page(body)).data["links"] == [
        "https://shop.example/out/http://b.example/x",
        "https://b.example/y",
        "https://shop.example/list/x?",
        "https://shop.example/list/x;",
        "https://b.example/z",
        "https://b.example/%7Bb%7D?{c}|",
    ]


@pytest.mark.parametrize(
    ("charset", "codec", "query"),
    [("windows-1251", "cp1251", "%F2"), ("utf-8", "utf-8", "%D1%82"), (None, "utf-8", "%D1%82")],
)
def test_queries_of_links_are_in_the_charset_of_their_page(charset: str | None, codec: str, query: str) -> None:
    """As browsers encode them; a page without a label is in UTF-8 where it can be."""
    body = '<a href="?т">1</a>'.encode(codec)
    found = Extractor(OutputSettings(links=True)).extract(page(body, charset=charset)).data["links"]
    assert found == [f"https://shop.example/list/?{query}"]


@pytest.mark.parametrize("base", ["https://[broken/", "", "data:,x", "javascript:x"])
def test_a_base_that_is_none(base: str) -> None:
    """A base that nothing can be fetched from counts for nothing, as in browsers."""
    body = f"<base href='{base}'><a href='x'>x</a>"
    assert Extractor(OutputSettings(links=True)).extract(page(body)).data["links"] == ["https://shop.example/list/x"]


def test_readable_text() -> None:
    """The text of an article comes without the navigation around it."""
    article = "<p>" + "Something that is worth reading. " * 20 + "</p>"
    body = f"<nav><a href=/>Home</a></nav><article><h1>News</h1>{article * 3}</article><footer>About us</footer>"
    text = Extractor(OutputSettings(text=True)).extract(page(body)).data["text"]
    assert "worth reading" in text
    assert "Home" not in text


def test_what_cannot_be_read_is_told() -> None:
    """A value whose page is no such thing is null, and one line says which and why; the others are there."""
    select = ("t=css:title", "l[]=css:a", "j=json:a", "r=re:P.G")
    extractor = Extractor(OutputSettings(select=select, links=True, text=True))
    assert extractor.extract(page(b"\x89PNG\r\n", "image/png; x=y")) == Extracted(
        {"t": None, "l": None, "j": None, "r": None, "links": None, "text": None} | {"r": "PNG"},
        "t, l, links, text: not HTML but image/png; j: not JSON: Expecting value: line 1 column 1 (char 0)",
    )


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/xhtml+xml", "TEXT/HTML; charset=x"])
def test_what_may_be_a_page(content_type: str | None) -> None:
    """Text and XML are read as HTML, and so is what the server gives no type for."""
    assert found("css:title", content_type=content_type) == "A shop for <i>things</i>"


@pytest.mark.parametrize(
    ("expression", "body", "reason"),
    [
        ("json:length(a)", '{"a": 1}', "x: In function length()"),
        ("json:@", "[" * 100_000, "x: not JSON: nested too deeply"),
        ("json:@", "[" * 200 + "]" * 200, "x: lists and objects nested more than 100 deep"),
        ("json:@", "9" * 5000, "x: not JSON: Exceeds the limit"),
        ("jsonld:@type", "<script type='application/ld+json'>{</script>", "x: not JSON-LD: Expecting property name"),
    ],
)
def test_odd_values_cost_a_detail(expression: str, body: str, reason: str) -> None:
    """A body that a library cannot take makes its value null, with the library's reason."""
    data, detail = Extractor(OutputSettings(select=(f"x={expression}",))).extract(page(body))
    assert data == {"x": None}
    assert detail is not None
    assert detail.startswith(reason)


def test_a_slow_value_costs_itself() -> None:
    """A value that is cut short is null; those after it are found."""

    def impatient(find: Any, reading: Any) -> Any:
        if reading.seen:
            return find(reading)
        reading.seen = True
        raise TooSlowError("took too long")

    extractor = Extractor(OutputSettings(select=("a=css:title", "b=meta:og:title")), impatient)
    extractor._read = type("ParsedPage", (extractor._read,), {"seen": False})
    assert extractor.extract(page()) == Extracted({"a": None, "b": "Shop"}, "a: took too long")


@given(st.binary(max_size=200), st.sampled_from([None, "utf-8", "utf-16le", "iso-2022-jp"]), st.booleans())
def test_no_page_raises(body: bytes, charset: str | None, framed: bool) -> None:
    """Whatever bytes come, every key has a value, and the values are JSON."""
    select = ("a=css:a::attr(href)", "b[]=re:.", "c=json:@", "d=meta:x", "e[]=jsonld:@")
    whole = b"<base href='" + body + b"'><a href='" + body + b"'><meta name=x content='" + body if framed else body
    data, _ = Extractor(OutputSettings(select=select, links=True)).extract(page(whole, charset=charset))
    assert list(data) == ["a", "b", "c", "d", "e", "links"]
    json.dumps(data)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("css:a[", "not a CSS selector: a["),
        ("css:::text", "not a CSS selector: "),
        ("css:a::before", "not a CSS selector: a::before"),
        ("css:\ud800", r"not a CSS selector: \ud800"),
        ("re:(", "not a regular expression: (: missing )"),
        ("re:(a)(b)", "2 groups in (a)(b); keep one and write the others as (?:...)"),
        ("json:a[", "not a JMESPath expression: a[: "),
        ("json:nah(@)", "not a JMESPath expression: nah(@): Unknown function: nah()"),
        ("jsonld:@type.@", 'not a JMESPath expression: "@type".@: '),
    ],
)
def test_expressions_that_do_not_compile(expression: str, reason: str) -> None:
    """An expression that means nothing is a usage error which names it."""
    with pytest.raises(UsageError) as refused:
        Extractor(OutputSettings(select=(f"x={expression}",)))
    assert str(refused.value).startswith(f"output.select x: {reason}")


@pytest.mark.parametrize(
    ("settings", "missing", "extra"),
    [
        (OutputSettings(select=("x=css:a",)), "selectolax", "select"),
        (OutputSettings(links=True), "selectolax", "select"),
        (OutputSettings(text=True), "trafilatura", "text"),
        (OutputSettings(text=True), "selectolax", "text"),
    ],
)
def test_a_missing_extra_is_named(
    settings: OutputSettings, missing: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message of a missing package says what to install."""
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UsageError, match=rf"pip install '\.\[{extra}\]'"):
        Extractor(settings)
