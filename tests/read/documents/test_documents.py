"""Documents as lists: sitemaps, feeds, pages, Parquet."""

import gzip
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from scrapepool.errors import ListError, UsageError
from scrapepool.model import ErrorKind, Target
from scrapepool.read import TargetList
from scrapepool.settings import InputSettings
from tests.lists import lists_of
from tests.read.reading import Reading, read

INVALID = ErrorKind.INVALID_URL
SITEMAP = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">%s</urlset>'
)


@pytest.fixture
def listed(tmp_path: Path):
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def inputs(reading: Reading) -> list[object]:
    found = sorted((t for t in reading.found if isinstance(t, Target)), key=lambda target: target.line or 0)
    return [dict(target.input) if target.input is not None else None for target in found]


def test_sitemap(listed) -> None:
    """Each ``<url>`` is an entry with what is said of it; those of extensions are none."""
    path = listed(
        "sitemap.xml",
        SITEMAP
        % "<url>\n <loc> http://a.example/1?a=1&amp;b=2 </loc><lastmod>2024-01-01</lastmod><priority>0.5</priority>"
        "<image:image><image:loc>http://a.example/i.png</image:loc></image:image></url>"
        "<url><loc><![CDATA[http://a.example/2]]></loc><xhtml:link rel='alternate' href='http://a.example/de'/></url>"
        "<url><lastmod>2024</lastmod></url><url><loc>mailto:x</loc></url><url><loc>http://a.example/1?a=1&b=2</loc></url>",
    )
    reading = read(path)
    assert reading.urls == [(1, "http://a.example/1?a=1&b=2"), (2, "http://a.example/2")]
    assert inputs(reading) == [{"lastmod": "2024-01-01", "priority": "0.5"}, None]
    assert reading.reasons == [
        (3, INVALID, f"{path}, entry 3: no <loc>"),
        (4, ErrorKind.UNSUPPORTED_SCHEME, f"{path}, entry 4: scheme mailto is not supported (only http and https are)"),
        (5, ErrorKind.DUPLICATE, f"the same as {path}, entry 1"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        '\n <ns0:urlset xmlns:ns0="x"><ns0:url><ns0:loc>http://a.example/é</ns0:loc></ns0:url></ns0:urlset>',
        SITEMAP % "<url><loc>http://a.example/é</loc></url>",
        (SITEMAP.replace("UTF-8", "UTF-16") % "<url><loc>http://a.example/é</loc></url>").encode("utf-16"),
        (SITEMAP.replace("UTF-8", "ISO-8859-1") % "<url><loc>http://a.example/é</loc></url>").encode("latin-1"),
        (SITEMAP % "<url><loc>http://a.example/é</loc></url>").encode("latin-1"),
        "<!DOCTYPE urlset [<!ENTITY e 'x'>]>" + SITEMAP % "<url><loc>http://a.example/é</loc></url>",
    ],
    ids=["prefix", "utf-8", "utf-16", "latin-1", "mislabelled", "dtd"],
)
def test_sitemap_spellings(listed, content: str | bytes) -> None:
    """Prefixes, encodings and prologues do not matter, nor does a name that tells nothing."""
    reading = read(listed("list.xml", content))
    assert [t.path for t in reading.found] == ["/%C3%A9"]
    if not str(content).startswith("b'\\xff"):
        raw = content.encode() if isinstance(content, str) else content
        assert read("-", stdin=gzip.compress(raw)).urls == [(1, "http://a.example/é")]


@pytest.mark.parametrize(
    ("name", "content", "options", "reason"),
    [
        ("s.xml", "<?xml version='1.0'?><foo/>", {}, "is not a sitemap: its first element is <foo>"),
        ("s.xml", "<html>", {"format": "sitemap"}, "is not a sitemap: its first element is <html>"),
        ("s.xml", "", {"format": "sitemap"}, "is empty: there is no list in it"),
        ("s.xml", " \n", {}, "is empty: there is no list in it"),
        ("s.xml.gz", gzip.compress(b""), {}, "is empty: there is no list in it"),
        ("s.rss", "", {}, "is empty: there is no list in it"),
        ("s.html", "", {}, "is empty: there is no list in it"),
        ("s.xml", "<!-- -->", {"format": "sitemap"}, "is not a sitemap: it has no element"),
        (
            "s.xml",
            "<urlset><url><loc>http://a.example/</loc></url>",
            {},
            "ends before </urlset>, so that URLs may be missing",
        ),
        ("s.rss", "<html>", {}, "is not a feed: its first element is <html>"),
        ("s.rss", "<rss><channel><item></item>", {}, "ends before </rss>, so that entries may be missing"),
    ],
)
def test_other_documents(listed, name: str, content: str, options: dict[str, str], reason: str) -> None:
    """A page that says "not found", a document that was cut, and an empty one, are no shorter lists."""
    with pytest.raises(ListError) as unreadable:
        read(listed(name, content), **options)
    assert unreadable.value.reason == reason


def test_all_locations_of_an_entry_count(listed) -> None:
    """Each is an entry with what is said of them; those within elements of others, such as images, are none."""
    path = listed(
        "sitemap.xml",
        SITEMAP
        % "<url><loc>http://a.example/1</loc><loc>http://a.example/2</loc><lastmod>2024</lastmod><lastmod>no</lastmod></url>"
        "<url><image><loc>http://a.example/i.png</loc><priority>1</priority></image><loc>http://a.example/3</loc></url>"
        "<url><br><loc>http://a.example/4</loc></url><url><loc/><loc>http://a.example/5</loc></url>",
    )
    reading = read(path)
    assert reading.urls == [(n, f"http://a.example/{n}") for n in range(1, 6)]
    assert inputs(reading) == [{"lastmod": "2024"}, {"lastmod": "2024"}, None, None, None]


@pytest.mark.parametrize(("name", "content", "reason"), [
    ("s.xml", "<urlset><url><loc>{}</loc></url><url><loc>http://a.example/</loc></url></urlset>", "a <loc>"),
    ("s.rss", "<rss><item><link>{}</link></item><item><link>http://a.example/</link></item></rss>", "a link"),
])  # fmt: skip
def test_no_url_is_cut(listed, name: str, content: str, reason: str) -> None:
    """One that is too long to be read whole is rejected, however it came in pieces; the next one is read."""
    for length in (64 * 1024 - 20, 64 * 1024 + 1, 300_000):
        url = f"http://a.example/{'a' * (length - 19)}&amp;b"
        reading = read(listed(name, content.format(url)))
        if length < 64 * 1024:
            assert [len(target.url) for target in reading.found] == [length, 17]
        else:
            assert reading.urls == [(2, "http://a.example/")]
            assert [why for _, _, why in reading.reasons] == [
                f"{listed(name, content.format(url))}, entry 1: {reason} longer than 64 KiB"
            ]


def test_atom_relations_may_be_written_in_full(listed) -> None:
    """An IRI of the registry is the relation that it ends with (RFC 4287 section 4.2.7.2)."""
    relations = "http://www.iana.org/assignments/relation/"
    content = f"""<feed><entry><link rel="{relations}self" href="http://a.example/self"/>
        <link rel="{relations}alternate" href="http://a.example/1"/></entry>
        <entry><link rel="{relations}enclosure" href="http://a.example/2.mp3"/></entry>
        <entry><link rel="http://a.example/alternate" href="http://a.example/no"/><id>http://a.example/3</id></entry></feed>"""
    assert [url for _, url in read(listed("feed.atom", content)).urls] == [
        "http://a.example/1",
        "http://a.example/2.mp3",
        "http://a.example/3",
    ]


@pytest.mark.slow
def test_long_sitemap(listed) -> None:
    """A sitemap's entries are found again from their tickets, in any order."""
    urls = [f"http://h{n % 7}.example/{n}" for n in range(20_000)]
    path = listed(
        "s.xml.gz", gzip.compress((SITEMAP % "".join(f"<url><loc>{url}</loc></url>" for url in urls)).encode())
    )
    assert read(path).urls == list(enumerate(urls, 1))


def test_rss(listed) -> None:
    """An item's link, else its permalink, else what it encloses; its title and date are passed on."""
    path = listed(
        "feed.xml",
        """<?xml version="1.0"?><rss version="2.0" xmlns:atom="a"><channel><title>Feed</title><link>http://a.example/</link>
        <atom:link rel="self" href="http://a.example/feed"/>
        <item><title>One &amp; only</title><link>http://a.example/1</link><pubDate>Mon, 1 Jan 2024</pubDate></item>
        <item><guid isPermaLink="true">http://a.example/2</guid>
        <description><![CDATA[<a href="x">]]></description></item>
        <item><guid isPermaLink="false">http://a.example/no</guid>
        <enclosure url="http://a.example/3.mp3" length="1"/></item>
        <item><title>No link</title><guid>urn:x</guid></item>
        <item><link>http://a.example/5</link><dc:date>2024</dc:date><source url="x"><title>Other</title></source></item>
        </channel></rss>""",
    )
    reading = read(path)
    assert reading.urls == [(n, f"http://a.example/{end}") for n, end in ((1, "1"), (2, "2"), (3, "3.mp3"), (5, "5"))]
    assert inputs(reading) == [{"title": "One & only", "date": "Mon, 1 Jan 2024"}, None, None, {"date": "2024"}]
    assert reading.reasons == [(4, INVALID, f"{path}, entry 4: an entry without a link")]
    assert reading.rejected[0].target.url == "No link"


def test_rdf(listed) -> None:
    """RSS 1.0 has its items beside the channel."""
    content = '<rdf:RDF xmlns:rdf="r"><channel rdf:about="x"><link>http://a.example/</link><items><rdf:Seq/></items></channel>'
    content += '<item rdf:about="y"><title>T</title><link>http://a.example/1</link></item></rdf:RDF>'
    assert read(listed("feed.xml", content)).urls == [(1, "http://a.example/1")]


def test_atom(listed) -> None:
    """Of an entry's links the alternate one counts, resolved against ``xml:base``."""
    content = """<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://a.example/x/"><link href="http://a.example/"/>
        <entry><title type="xhtml"><div>A <b>b</b></div></title><link rel="self" href="self"/><link href="1"/>
        <updated>2025</updated><published>2024</published></entry>
        <entry xml:base="y/"><source><title>No</title><link href="no"/></source>
        <link rel="alternate" href="2"/></entry><entry><id>http://a.example/3</id></entry></feed>"""
    reading = read(listed("feed.atom", content))
    assert reading.urls == [(1, "http://a.example/x/1"), (2, "http://a.example/x/y/2"), (3, "http://a.example/3")]
    assert inputs(reading) == [{"title": "A b", "date": "2024"}, None, None]


def test_page(listed) -> None:
    """A page's links to http and https are its entries, relative to its first ``<base>``."""
    content = """<!DOCTYPE html><title><a href="no"></title><base href="/d/"><base href="/e/">
        <a href=" 1?a=1&amp;copy=2 ">One  <b>of</b>
        many</a><a name=x><a href="#top">no</a><a href="mailto:x@y">no</a><A HREF='//b.example/'>B</A>
        <map><area href=2 alt=Two></map><!-- <a href="no"> --><script>"<a href='no'>"</script><a href="https://c.example">"""
    path = listed("page.html", content)
    reading = read(path, base_url="http://a.example/x/y")
    assert [url for _, url in reading.urls] == [
        "http://a.example/d/1?a=1&copy=2",
        "http://b.example/",
        "http://a.example/d/2",
        "https://c.example",
    ]
    assert inputs(reading) == [{"text": "One of many"}, {"text": "B"}, {"text": "Two"}, None]
    reading = read(path)
    assert [url for _, url in reading.urls] == ["https://b.example/", "https://c.example"]
    assert {detail for _, _, detail in reading.reasons} == {
        f"{path}, link {n}: a relative URL without a base URL" for n in (1, 3)
    }


def test_links_of_a_page_are_resolved_as_browsers_do(listed) -> None:
    """The URL standard says where a link of a page leads; an absolute one stays as written where that is the same."""
    hrefs = [
        "a/./b/../c",
        "/out/http://b.example/x",
        "\\\\b.example\\y",
        "x?",
        "x;",
        "///b.example/z",
        "?a|b",
        "http:w",
    ]
    hrefs += ["http://b.example/a/../é", "HTTP://B.example/é?'", "HTTP://B.example/ü", "java\nscript:x", "\x01mailto:x"]
    content = "".join(f'<a href="{href}"></a>' for href in hrefs)
    path = listed("page.html", content)
    assert [url for _, url in read(path, base_url="http://a.example/d/page?q").urls] == [
        "http://a.example/d/a/c",
        "http://a.example/out/http://b.example/x",
        "http://b.example/y",
        "http://a.example/d/x?",
        "http://a.example/d/x;",
        "http://b.example/z",
        "http://a.example/d/page?a|b",
        "http://a.example/d/w",
        "http://b.example/%C3%A9",
        "http://b.example/%C3%A9?%27",
        "HTTP://B.example/ü",
    ]


def test_queries_of_links_are_in_the_charset_of_their_page(listed) -> None:
    """As browsers encode them; paths are in UTF-8."""
    content = '<meta charset="windows-1251"><a href="/т?т"></a><a href="http://b.example/?т"></a>'
    path = listed("page.html", content.encode("cp1251"))
    assert [url for _, url in read(path, base_url="http://a.example/").urls] == [
        "http://a.example/%D1%82?%F2",
        "http://b.example/?%F2",
    ]


def test_parquet(listed, tmp_path: Path) -> None:
    """Rows are read group by group; the other columns come along as JSON has them."""
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is an extra")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [
        {
            "n": 1,
            "Link": "http://a.example/1",
            "at": datetime(2024, 1, 2, tzinfo=UTC),
            "d": Decimal("1.50"),
            "b": b"\xff",
        },
        {"n": None, "Link": None, "at": None, "d": None, "b": b"x"},
        {"n": 3, "Link": " http://a.example/3 ", "at": None, "d": None, "b": None},
    ]
    path = tmp_path / "urls.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(rows), path, row_group_size=1)
    for reading, name in (
        (read(path), path),
        (read("-", stdin=path.read_bytes()), "standard input"),
        (read(zipped := listed("p.gz", gzip.compress(path.read_bytes()))), zipped),
    ):
        assert reading.urls == [(1, "http://a.example/1"), (3, "http://a.example/3")]
        assert inputs(reading)[0] == {"n": 1, "at": "2024-01-02T00:00:00+00:00", "d": "1.50", "b": "ff"}
        assert reading.reasons == [(2, INVALID, f"{name}, row 2: no URL in this row")]


def test_parquet_errors(listed, tmp_path: Path) -> None:
    """A missing column is reported before anything is fetched; so is a file that is not Parquet."""
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is an extra")
    path = tmp_path / "urls.parquet"
    pytest.importorskip("pyarrow.parquet").write_table(pyarrow.table({"a": [1]}), path)
    with pytest.raises(ListError, match=r"no column called url; there is 'a' \(choose with input.url_field\)"):
        TargetList([str(path)], InputSettings())
    with pytest.raises(ListError, match="cannot be read as Parquet"):
        TargetList([str(listed("x.parquet", b"PAR1" + bytes(100)))], InputSettings())


def test_parquet_without_pyarrow(listed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing extra is a usage error that says what to install."""
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    monkeypatch.delitem(__import__("sys").modules, "scrapepool.read.documents.parquet_rows", raising=False)
    with pytest.raises(UsageError, match=r"pip install '\.\[parquet\]'"):
        TargetList([str(listed("x.parquet", b"PAR1"))], InputSettings())


@pytest.mark.slow
def test_every_format_gives_the_same(tmp_path: Path) -> None:
    """A list of each format, compressed or not, with the same 500 URLs gives the same 500 targets."""
    urls = [f"http://h{n % 9}.example/é/{n}?a=1&copy={n}" for n in range(500)]
    for path in lists_of(urls, tmp_path):
        reading = read(path)
        assert [url for _, url in reading.urls] == urls, path
        assert not reading.rejected
