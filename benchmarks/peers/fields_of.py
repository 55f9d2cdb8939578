"""Take three values out of pages, by one of several libraries: the title, the first heading, all links, absolute.

python fields_of.py NAME FOLDER COUNT: reads COUNT pages of the folder, over and over in order, from bytes to values;
prints pages, seconds and CPU as JSON, and what was found on the folder's first pages.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import corpus

URL = "http://127.0.0.1/docs/page.html"
SELECT = ("title=css:title", "heading=css:h1", "links[]=css:a::attr(href)")
Values = dict[str, Any]


def each(find: Callable[[bytes], Values]) -> Callable[[Iterable[bytes]], Iterator[Values]]:
    return lambda pages: map(find, pages)


def parsel(page: bytes) -> Values:
    from parsel import Selector

    tree = Selector(text=page.decode("utf-8", "replace"), type="html")
    title, heading = tree.css("title").xpath("string()").get(), tree.css("h1").xpath("string()").get()
    return {
        "title": None if title is None else " ".join(title.split()),
        "heading": None if heading is None else " ".join(heading.split()),
        "links": [urljoin(URL, link) for link in tree.css("a::attr(href)").getall()],
    }


def soup(parser: str) -> Callable[[bytes], Values]:
    from bs4 import BeautifulSoup

    def find(page: bytes) -> Values:
        tree = BeautifulSoup(page.decode("utf-8", "replace"), parser)
        title, heading = tree.select_one("title"), tree.select_one("h1")
        return {
            "title": None if title is None else " ".join(title.get_text().split()),
            "heading": None if heading is None else " ".join(heading.get_text().split()),
            "links": [urljoin(URL, link["href"]) for link in tree.select("a[href]")],
        }

    return find


def scrapepool(workers: int) -> Callable[[Iterable[bytes]], Iterator[Values]]:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from scrapepool.extract import extracted
    from scrapepool.model import Fetched, HostKey, Target
    from scrapepool.settings import OutputSettings

    target = Target(URL, HostKey("http", "127.0.0.1", 80), "/docs/page.html")

    def find(pages: Iterable[bytes]) -> Iterator[Values]:
        batches = (
            [Fetched(target=target, final_url=URL, content_type="text/html", charset="utf-8", body=page)]
            for page in pages
        )
        settings = OutputSettings(select=SELECT, extract_workers=workers)
        return (dict(one.data or {}) for ready in extracted(batches, settings) for one in ready)

    return find


CONTENDERS: dict[str, Callable[[], Callable[[Iterable[bytes]], Iterator[Values]]]] = {
    "scrapepool-0": lambda: scrapepool(0),
    "scrapepool-1": lambda: scrapepool(1),
    "scrapepool-2": lambda: scrapepool(2),
    "parsel": lambda: each(parsel),
    "bs4-lxml": lambda: each(soup("lxml")),
    "bs4-html.parser": lambda: each(soup("html.parser")),
}


def cpu() -> float:
    """Seconds of CPU so far, those of processes that have ended included."""
    return sum(os.times()[:4])


def main(arguments: Sequence[str]) -> None:
    name, folder, count = arguments
    pages = corpus.load(Path(folder))
    find = CONTENDERS[name]()
    first = list(find(pages[:40]))  # also warms up
    began, used = time.perf_counter(), cpu()
    done = sum(1 for _ in find(islice(cycle(pages), int(count))))
    seconds = time.perf_counter() - began
    print(json.dumps({"pages": done, "seconds": seconds, "cpu": cpu() - used, "first": first}))


if __name__ == "__main__":
    main(sys.argv[1:])
