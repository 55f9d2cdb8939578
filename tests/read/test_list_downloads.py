"""What the reader gets of a list by its URL, and how it waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from scrapepool.errors import ListError
from scrapepool.model import Deferred, ErrorKind, Failed, Fetched, ListTarget, Outcome, Skipped
from scrapepool.read.batch_queue import QueueClosed
from scrapepool.read.documents.document import Document
from scrapepool.read.list_downloads import ListDownloads

URL = "http://user:secret@h.test/list?x=1"
SOON = 60.0


def download(respond: Callable[[ListTarget], Outcome | None], url: str = URL) -> tuple[Document, Iterable[bytes]]:
    """What the reader gets if the engine responds so to its request; None closes the downloads."""
    wanted = Event()
    lists = ListDownloads(wanted.set)
    assert lists.take() is None
    with ThreadPoolExecutor(1) as reader:
        waiting = reader.submit(lists, url)
        assert wanted.wait(SOON)
        target = lists.take()
        assert target is not None
        assert lists.take() is None
        if (outcome := respond(target)) is None:
            lists.close()
        else:
            lists.end([outcome])
        return waiting.result(SOON)


def test_a_list_comes_whole() -> None:
    """Its last try, with where it was found and what it is called; no password is shown."""

    def respond(target: ListTarget) -> Outcome:
        target.begin()(b"the beginning of a try that failed")
        keep = target.begin()
        keep(b"a" * 100_000)
        keep(memoryview(b"b"))
        where = {"final_url": "http://b.test/", "redirects": ("http://h.test/list",)}
        return Fetched(target=target, status=200, content_type="text/csv", **where)

    document, pieces = download(respond)
    assert document == Document(URL, "http://b.test/", "text/csv")
    assert b"".join(pieces) == b"a" * 100_000 + b"b"
    document, pieces = download(lambda target: Fetched(target=target, status=204, final_url=target.url))
    assert (document.base, list(pieces)) == (URL, [])


def test_the_request() -> None:
    """The password goes with it, and is not shown."""
    wanted: list[ListTarget] = []
    with pytest.raises(QueueClosed):
        download(wanted.append)
    (target,) = wanted
    assert (target.url, target.userinfo, target.path) == ("http://user:***@h.test/list?x=1", "user:secret", "/list?x=1")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda target: Fetched(target=target, status=404), "404 Not Found"),
        (lambda target: Fetched(target=target, status=799), "status 799"),
        (lambda target: Failed(target=target, error=ErrorKind.DNS, detail="no such name"), "dns: no such name"),
        (lambda target: Skipped(target=target, error=ErrorKind.INTERRUPTED), "interrupted"),
        (
            lambda target: Deferred(target=target, not_before=1.0, detail="h.test asks to wait 1 h"),
            "h.test asks to wait 1 h",
        ),
        (lambda target: Deferred(target=target, not_before=1.0, status=503), "503 Service Unavailable"),
    ],
)
def test_what_is_no_list(make: Callable[[ListTarget], Outcome], reason: str) -> None:
    """An error with the URL and why."""
    with pytest.raises(ListError) as raised:
        download(make)
    assert (raised.value.source, raised.value.reason) == (URL, reason)


def test_no_url() -> None:
    """An invalid URL is reported like any list that cannot be read."""
    with pytest.raises(ListError, match="not a valid host"):
        ListDownloads(lambda: None)("http://a b/")


def test_a_run_that_is_over_fetches_no_list() -> None:
    """The reader ends."""
    lists = ListDownloads(lambda: None)
    lists.close()
    with pytest.raises(QueueClosed):
        lists(URL)
