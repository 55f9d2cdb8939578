"""One URL looked up in a record file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.model import AttemptRecord, Fetched, HostKey, Target, Timings, Wait, WaitReason
from scrapepool.record.formats.csv import csv_serializer
from scrapepool.record.formats.fields import record
from scrapepool.record.stores.sqlite import SqliteStore
from scrapepool.results.find import NEAR, Found, find, typed_record
from scrapepool.results.record_database import RecordDatabase
from scrapepool.results.record_file import RecordFile
from scrapepool.settings import OutputSettings

URL = "https://example.org/a?x=1"


def lines(*urls: str, **fields: Any) -> bytes:
    """Records of these URLs."""
    return b"".join(b"%b\n" % json.dumps({"url": url, "outcome": "ok", **fields}).encode() for url in urls)


def looked_up(content: bytes, url: str) -> Found:
    return find(RecordFile("out", [content]), url)


@pytest.mark.parametrize("url", [URL, "HTTPS://EXAMPLE.org:443/a?x=1#top", "example.org/a?x=1", f"  {URL} "])
def test_a_url_is_found_however_it_is_spelled(url: str) -> None:
    """Case, default port, fragment, white space, and no scheme where the list had none either."""
    assert looked_up(lines("http://other/", URL), url).record == {"url": URL, "outcome": "ok"}


def test_the_last_record_counts() -> None:
    """And the others are counted."""
    found = looked_up(lines(URL, status=500) + lines("http://x/") + lines(URL, status=200), URL)
    assert found.record is not None
    assert (found.record["status"], found.times, found.near) == (200, 2, ())


def test_what_is_no_url_is_found_letter_by_letter() -> None:
    """Rejected lines have records too, also those that would be taken for a host without a scheme."""
    assert looked_up(lines("mailto:x", "nonsense:"), "nonsense:").times == 1
    assert looked_up(lines("mailto:x", "ht!tp:// bad"), "ht!tp:// bad").times == 1
    assert looked_up(lines("mailto:x"), "nonsense:") == Found()


def test_near_misses_are_told_the_nearest_first() -> None:
    """Another scheme, slash, www or case; another query; another host. Not what has only the host in common."""
    near = ("http://www.example.org/A/?x=1", "https://example.org/a", "https://example.com/a?x=1")
    found = looked_up(lines("https://example.org/b", "mailto:a", *reversed(near), near[2]), URL)
    assert found == Found(near=near)
    many = looked_up(lines(*(f"https://example.org/a?x={n}" for n in range(2, 2000)), near[0]), URL)
    assert len(many.near) == NEAR
    assert many.near[0] == near[0]
    assert looked_up(lines("https://other.org/"), "https://example.org/").near == ()


OUTCOME = Fetched(
    target=Target(URL, HostKey("https", "example.org", 443), "/a?x=1", 17, input={"id": "9"}),
    attempts=2,
    started=1_700_000_000.5,
    elapsed=0.25,
    waited=1.5,
    status=200,
    final_url="https://example.org/b",
    redirects=(URL, "https://example.org/c"),
    bytes=18,
    wire_bytes=9,
    reused=True,
    complete=True,
    timings=Timings(None, 0.02, None, 0.2, 0.03),
    history=(Wait(WaitReason.TURN, 1.0), AttemptRecord(1, URL, 1.0, 0.5, status=500)),
)


@pytest.mark.parametrize("form", ["csv", "tsv"])
def test_a_row_of_cells_is_the_record_again(form: str) -> None:
    """Numbers, redirects, timings, and what a cell holds as JSON: headers, input, history."""
    settings = OutputSettings(history=True, headers=True)
    made = csv_serializer(settings, delimiter="\t" if form == "tsv" else ",")
    found = looked_up(made.head + made.encode(OUTCOME), URL).record
    expected = json.loads(json.dumps(record(OUTCOME, settings)))
    assert found is not None
    for name in expected:
        assert found[name] == expected[name], name


def test_a_database_is_asked_as_a_file_is(tmp_path: Path) -> None:
    """Its rows come whole."""
    path = str(tmp_path / "a.db")
    store = SqliteStore(path, OutputSettings(history=True))
    store.write([OUTCOME])
    store.close()
    found = find(RecordDatabase(path), URL).record
    assert found == json.loads(json.dumps(record(OUTCOME, OutputSettings(history=True))))


@given(
    st.dictionaries(st.text(max_size=5) | st.sampled_from(["status", "history", "timings.dns"]), st.text(max_size=9))
)
def test_cells_of_others_are_no_trouble(row: dict[str, str]) -> None:
    """Whatever stands in them."""
    typed_record(row)
