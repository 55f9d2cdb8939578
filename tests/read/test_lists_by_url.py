"""Lists by their URLs, and what sitemap indexes lead to, out of a small web of the test's own."""

from __future__ import annotations

import gzip
from collections.abc import Iterable

import pytest

from scrapepool.errors import ListError
from scrapepool.model import ErrorKind, Target
from scrapepool.read import TargetList
from scrapepool.read.documents.document import Document
from scrapepool.read.documents.document_rows import MAX_NESTED
from scrapepool.settings import InputSettings
from tests.read.reading import Reading

SITE = "http://s.example/"


class Web:
    """Documents by path. A tuple has its Content-Type too. asked: the paths, in order."""

    def __init__(self, **documents: str | bytes | tuple[str | bytes, str | None]) -> None:
        self.documents = documents
        self.asked: list[str] = []

    def __call__(self, url: str) -> tuple[Document, Iterable[bytes]]:
        path = url.removeprefix(SITE)
        self.asked.append(path)
        found = self.documents.get(path)
        if found is None:
            raise ListError(url, "404 Not Found")
        content, content_type = found if isinstance(found, tuple) else (found, None)
        body = content.encode() if isinstance(content, str) else content
        return Document(url, url, content_type), [body[at : at + 7] for at in range(0, len(body), 7)]


def sitemap(*urls: str) -> str:
    return f"<urlset>{''.join(f'<url><loc>{url}</loc></url>' for url in urls)}</urlset>"


def index(*paths: str) -> str:
    return f"<sitemapindex>{''.join(f'<sitemap><loc>{SITE}{path}</loc></sitemap>' for path in paths)}</sitemapindex>"


def read(web: Web, *lists: str, **settings: object) -> Reading:
    targets = TargetList([], InputSettings(lists=tuple(SITE + name for name in lists), **settings), open_document=web)
    try:
        return Reading(targets).to_the_end()
    finally:
        targets.close()


@pytest.mark.parametrize(
    ("name", "document", "urls"),
    [
        ("urls", "http://a.example/1\na.example/2", ["http://a.example/1", "https://a.example/2"]),
        ("urls.csv?v=1.txt", "id,url\n1,http://a.example/1\n", ["http://a.example/1"]),
        ("export?format=csv", ("id,url\n1,http://a.example/1\n", "text/csv; charset=utf-8"), ["http://a.example/1"]),
        ("sitemap.xml.gz", gzip.compress(sitemap("http://a.example/1").encode()), ["http://a.example/1"]),
        ("feed", "<rss><item><link>/1</link></item></rss>", [SITE + "1"]),
        ("x/page", ("<p><a href=1>", "text/html"), [SITE + "x/1"]),
        ("sitemap.xml", (sitemap("http://a.example/1"), "text/html; charset=UTF-8"), ["http://a.example/1"]),
        (
            "sitemap_index.xml",
            (f"<?xml version='1.0'?>\n{sitemap('http://a.example/1')}", "text/html"),
            ["http://a.example/1"],
        ),
        ("feed/", ("<rss><item><link>http://a.example/1</link></item></rss>", "text/html"), ["http://a.example/1"]),
        ("map", (sitemap("http://a.example/1"), "application/rss+xml"), ["http://a.example/1"]),
        ("x/page", ("<?xml version='1.0'?><html><a href=1>", "application/xhtml+xml"), [SITE + "x/1"]),
    ],
)
def test_formats(name: str, document: str | bytes | tuple[str, str], urls: list[str]) -> None:
    """The path's suffix, the Content-Type and the first bytes tell the format; links are relative to the document."""
    assert [url for _, url in read(Web(**{name: document}), name).urls] == urls


@pytest.mark.parametrize("content_type", ["text/html", "text/plain", "text/csv", "application/xml", None])
@pytest.mark.parametrize("content", ["", " \n\n", gzip.compress(b"")])
def test_an_empty_list_is_an_error(content: str | bytes, content_type: str | None) -> None:
    """A server's fault leaves a document empty; a list without URLs that is meant says so, as by an element."""
    body = content.decode("latin-1") if isinstance(content, bytes) else content
    document = content if isinstance(content, bytes) else (body, content_type)
    for name in ("list", "sitemap.xml"):
        with pytest.raises(ListError, match="is empty: there is no list in it"):
            read(Web(**{name: document}), name)
    assert read(Web(list=("<urlset></urlset>", content_type)), "list", format="sitemap").found == []


@pytest.mark.parametrize(
    ("document", "urls"),
    [
        (("http://a.example/caf\xe9".encode("latin-1"), "text/plain; charset=iso-8859-1"), ["http://a.example/café"]),
        (("url,n\nhttp://a.example/я,1\n".encode("cp1251"), "text/csv; charset=windows-1251"), ["http://a.example/я"]),
        (
            ('{"url": "http://a.example/日"}\n'.encode("shift_jis"), "application/jsonl; charset=shift_jis"),
            ["http://a.example/日"],
        ),
        (("url,n\nhttp://a.example/é,1\n".encode("utf-16"), "text/csv; charset=utf-16"), ["http://a.example/é"]),
        (("\ufeffhttp://a.example/é".encode(), "text/plain; charset=iso-8859-1"), ["http://a.example/é"]),
        (("http://a.example/é".encode(), "text/plain; charset=utf-8"), ["http://a.example/é"]),
        (("http://a.example/é".encode(), "text/plain; charset=none-such"), ["http://a.example/é"]),
    ],
)
def test_the_charset_of_a_list(document: tuple[bytes, str], urls: list[str]) -> None:
    """A list by its URL is in the charset that its server says, unless a byte order mark knows better."""
    assert [url for _, url in read(Web(list=document), "list").urls] == urls
    index_of_it = Web(index=index("list.txt"), **{"list.txt": document})
    if document[1].startswith("text/plain"):
        assert [url for _, url in read(index_of_it, "index").urls] == urls


def test_base_url_goes_before_the_documents_own() -> None:
    """Links are relative to what the user said, if anything."""
    web = Web(page="<html><a href=1>")
    assert [url for _, url in read(web, "page", base_url="http://b.example/").urls] == ["http://b.example/1"]


def test_a_list_that_cannot_be_fetched_ends_the_reading() -> None:
    """It is an error with its URL and the reason."""
    with pytest.raises(ListError, match="404 Not Found") as missing:
        read(Web(), "none")
    assert missing.value.source == SITE + "none"


def test_index() -> None:
    """Sitemaps of an index are read in its place, each once; one that cannot be read is a line that is rejected."""
    web = Web(
        index=index("a", "b.gz", "none", "c.txt", "feed", "a", "page", "cut", "empty", "empty.txt"),
        empty="",
        **{"empty.txt": "\n"},
        a=sitemap("http://a.example/1"),
        **{"b.gz": gzip.compress(sitemap("http://b.example/1", "http://a.example/1").encode())},
        **{"c.txt": "http://c.example/1\n\nmailto:x\n"},
        feed="<rss><item><link>http://d.example/1</link><title>T</title></item></rss>",
        page="<html>Not found",
        cut="<urlset><url><loc>http://e.example/1</loc></url>",
    )
    reading = read(web, "index")
    assert web.asked == ["index", "a", "b.gz", "none", "c.txt", "feed", "page", "cut", "empty", "empty.txt"]
    inputs = {target.url: target.input for target in reading.found if isinstance(target, Target)}
    assert inputs == {
        "http://a.example/1": {"sitemap": SITE + "a"},
        "http://b.example/1": {"sitemap": SITE + "b.gz"},
        "http://c.example/1": {"sitemap": SITE + "c.txt"},
        "http://d.example/1": {"sitemap": SITE + "feed", "title": "T"},
        "http://e.example/1": {"sitemap": SITE + "cut"},
    }
    start = f"{SITE}index, entry"
    assert reading.reasons == [
        (3, ErrorKind.DUPLICATE, f"the same as {start} 1"),
        (4, ErrorKind.INVALID_URL, f"{start} 4: this sitemap cannot be read: 404 Not Found"),
        (6, ErrorKind.UNSUPPORTED_SCHEME, f"{start} 6: scheme mailto is not supported (only http and https are)"),
        (8, ErrorKind.INVALID_URL, f"{start} 8: this sitemap cannot be read: is not a sitemap, but html"),
        (
            10,
            ErrorKind.INVALID_URL,
            f"{start} 10: this sitemap cannot be read: ends before </urlset>, so that URLs may be missing",
        ),
        (11, ErrorKind.INVALID_URL, f"{start} 11: this sitemap cannot be read: is empty: there is no list in it"),
        (12, ErrorKind.INVALID_URL, f"{start} 12: this sitemap cannot be read: is empty: there is no list in it"),
    ]


def test_all_sitemaps_of_an_entry_are_read() -> None:
    """A second location is another sitemap."""
    two = f"<sitemapindex><sitemap><loc>{SITE}a</loc><loc>{SITE}b</loc></sitemap></sitemapindex>"
    web = Web(index=two, a=sitemap("http://a.example/1"), b=sitemap("http://b.example/1"))
    assert [url for _, url in read(web, "index").urls] == ["http://a.example/1", "http://b.example/1"]


def test_circles_end() -> None:
    """An index that leads to itself is read no further."""
    web = Web(a=index("b"), b=index("a", "c"), c=sitemap("http://a.example/1"))
    assert len(read(web, "a").found) == 1
    assert web.asked.count("b") == 1


def test_depth_ends() -> None:
    """Indexes that lead on and on are given up."""
    web = Web(**{f"i{n}": index(f"i{n + 1}") for n in range(50)})
    (rejected,) = read(web, "i0").rejected
    assert rejected.detail is not None
    assert f"more than {MAX_NESTED} indexes within each other" in rejected.detail
    assert len(web.asked) == MAX_NESTED + 1


def test_no_lists_by_url_without_who_fetches_them() -> None:
    """A program's own reading of lists says that it cannot."""
    targets = TargetList([], InputSettings(lists=(SITE,)))
    with pytest.raises(ListError, match="cannot be fetched here"):
        Reading(targets).to_the_end()
    targets.close()


def test_a_list_without_a_url_among_others_is_told_of() -> None:
    """It may be another document than was meant; alone it is an error of the run."""
    web = Web(
        page=("<p>moved", "text/html"), **{"none.xml": "<urlset></urlset>", "a.xml": sitemap("http://a.example/1")}
    )
    notes: list[str] = []
    lists = tuple(SITE + name for name in ("page", "none.xml", "a.xml"))
    targets = TargetList([], InputSettings(lists=lists), open_document=web, on_note=notes.append)
    Reading(targets).to_the_end()
    targets.close()
    assert notes == [
        f"{SITE}page: read as html, and there is no URL in it",
        f"{SITE}none.xml: read as sitemap, and there is no URL in it",
    ]
