"""Exchanges to archive, and archives read back by warcio."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from warcio.archiveiterator import ArchiveIterator

from scrapepool.model import Span, Transcript


def transcript(name: str = "a", body: bytes | None = None, **changes: Any) -> Transcript:
    """One exchange on a URL of that name; its body is the name unless it is given."""
    body = name.encode() if body is None else body
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    url = f"http://example.org/{name}"
    fields = {
        "url": url,
        "seed": url,
        "via": None,
        "hops": 0,
        "attempt": 1,
        "started": 1_700_000_000.1239,
        "elapsed": 0.0256,
        "remote": "192.0.2.1",
        "request": f"GET /{name} HTTP/1.1\r\nHost: example.org\r\n\r\n".encode(),
        "unsent": False,
        "response": head + body,
        "head": len(head),
        "cut": None,
        "interim": 0,
    }
    return Transcript(**fields | changes)


def spooled(one: Transcript) -> Transcript:
    """The same with its response in a file, something before it and something behind it."""
    assert isinstance(one.response, bytes)
    return one._replace(response=Span(io.BytesIO(b"before" + one.response + b"behind"), 6, len(one.response)))


class Read(NamedTuple):
    """A record as warcio reads it. fields: of the record. block: its bytes. verified: None where nothing says so."""

    kind: str
    fields: dict[str, str]
    block: bytes
    verified: bool | None

    @property
    def url(self) -> str:
        return self.fields["WARC-Target-URI"]


def records(*paths: Path) -> list[Read]:
    """Every record of some files, whole and with its digests seen to."""
    return [record for path in paths for record in _records(path)]


def _records(path: Path) -> Iterator[Read]:
    with path.open("rb") as raw, path.open("rb") as parsed:
        # Only where warcio parses the block does it know the payload, and then it no longer gives the block.
        both = zip(ArchiveIterator(raw, no_record_parse=True), ArchiveIterator(parsed, check_digests=True), strict=True)
        for record, checked in both:
            checked.raw_stream.read()
            fields = dict(record.rec_headers.headers)
            yield Read(record.rec_type, fields, record.raw_stream.read(), checked.digest_checker.passed)


def of_kind(kind: str, found: Iterable[Read]) -> list[Read]:
    return [record for record in found if record.kind == kind]
