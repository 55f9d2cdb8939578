"""Bodies that go to objects of the calling program."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import pytest

from scrapepool import ErrorKind, Failed, Request, Settings, UsageError, fetch
from tests.servers.polite import PoliteServer, Response
from tests.servers.polite import Request as Seen

PLAIN = Settings().with_(politeness={"robots": False}, retry={"backoff": 0.0, "retry_budget": 1.0})
LONG = b"0123456789" * 300_000


class Kept(io.BytesIO):
    """Keeps what it was given when it is closed."""

    value = b""

    def close(self) -> None:
        self.value = self.value or self.getvalue()
        super().close()


class Broken(Kept):
    def __init__(self, method: str) -> None:
        super().__init__()
        setattr(self, method, self._fail)

    def _fail(self, *args: Any) -> None:
        raise ZeroDivisionError("no")


def respond(seen: Seen) -> Response | None:
    if seen.target == "/long":
        return Response(body=LONG)
    if seen.target == "/gzip":
        return Response(headers=[("Content-Encoding", "gzip")], body=gzip.compress(LONG))
    if seen.target == "/cut":
        good = seen.nth > 1
        return Response(headers=[] if good else [("Content-Encoding", "gzip")], body=b"whole" if good else b"rain")
    return None


@pytest.mark.parametrize(("path", "body"), [("/long", LONG), ("/gzip", LONG), ("/status/200", b"status 200\n")])
def test_a_body_is_written_as_it_arrives(path: str, body: bytes, tmp_path: Path) -> None:
    """Decoded, to a file too; the outcome has its length and its digest, and not its bytes."""
    kept, file = Kept(), tmp_path / "body"
    with PoliteServer(handler=respond) as server:
        for opened in (lambda: kept, lambda: file.open("wb")):
            (outcome,) = fetch([Request(server.url(path), body_to=opened)], PLAIN)
            assert (outcome.status, outcome.bytes, outcome.body) == (200, len(body), None)
    assert kept.value == file.read_bytes() == body
    assert kept.closed


def test_each_attempt_begins_anew() -> None:
    """What a failed one has written is closed and left; an error status is not written at all."""
    opened: list[Kept] = []

    def open_body() -> Kept:
        opened.append(Kept())
        return opened[-1]

    settings = PLAIN.with_(retry={"errors": frozenset({"decode"})})
    with PoliteServer(handler=respond) as server:
        (outcome,) = fetch([Request(server.url("/cut"), body_to=open_body)], settings)
        assert (outcome.attempts, [one.value for one in opened]) == (2, [b"", b"whole"])
        assert all(one.closed for one in opened)
        list(fetch([Request(server.url("/status/404"), body_to=open_body)], PLAIN))
        list(fetch([Request(server.url("/long"), method="HEAD", body_to=open_body)], PLAIN))
    assert len(opened) == 2


@pytest.mark.parametrize("method", ["write", "close", "open"])
def test_what_the_object_raises_is_the_url_s_failure(method: str) -> None:
    """And of no other URL."""

    def open_body() -> Broken:
        if method == "open":
            raise ZeroDivisionError("no")
        return Broken(method)

    with PoliteServer(handler=respond) as server:
        urls = [Request(server.url("/a"), body_to=open_body), server.url("/b")]
        outcomes = {outcome.target.path: outcome for outcome in fetch(urls, PLAIN)}
    failed = outcomes["/a"]
    assert isinstance(failed, Failed)
    assert (failed.error, failed.detail) == (ErrorKind.INTERNAL, "body_to raised ZeroDivisionError: no")
    assert outcomes["/b"].status == 200


def test_objects_stay_in_their_process() -> None:
    with pytest.raises(UsageError, match="body_to needs this process"):
        list(fetch([Request("http://127.0.0.1:1/", body_to=Kept)], Settings().with_(pool={"processes": 2})))
