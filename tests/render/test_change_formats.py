"""The forms in which changes are printed."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser

import pytest

from scrapepool.change import Difference, PageState
from scrapepool.render.change_formats import FORMS, Overview
from scrapepool.results.comparison import Entry

OLD = PageState("ok", 200, bytes=1234, elapsed=0.5, final_url="https://a/", sha256="aa")
HOSTILE = 'https://a/<b>|`"\x1b[31m\u202e'
ENTRIES = [
    Entry(Difference.NEW, "https://a/new", None, OLD),
    Entry(Difference.CHANGED, "https://a/changed", OLD, OLD._replace(bytes=1300, sha256="bb")),
    Entry(Difference.GONE, HOSTILE, OLD, PageState("http_error", 404, "http_4xx")),
    Entry(Difference.FAILING, "https://a/f", OLD, PageState("failed", error="dns", detail="no address <i>\x1b")),
    Entry(Difference.REDIRECTING, "https://a/r", OLD, OLD._replace(final_url="https://b/|x")),
    Entry(Difference.SLOWER, "https://a/s", OLD, OLD._replace(elapsed=3.0)),
]
OVERVIEW = Overview("old.jsonl", "n<e>w.jsonl", 1000, 1001, {entry.difference: 1 for entry in ENTRIES}, 990, 2)


def rendered(form: str) -> str:
    return "".join(FORMS[form](OVERVIEW, ENTRIES))


def test_text() -> None:
    """A line per entry, what was and what is."""
    assert rendered("text") == (
        "old.jsonl (1,000 URLs) -> n<e>w.jsonl (1,001 URLs)\n"
        "new 1  changed 1  gone 1  failing 1  redirecting 1  slower 1  same 990  unknown 2\n"
        "\nnew (1): no record in the older file\n  https://a/new  200\n"
        "\nchanged (1): the page differs\n  https://a/changed  1,234 bytes  ->  1,300 bytes\n"
        '\ngone (1): the status is now 404 or 410\n  https://a/<b>|`"\\x1b[31m\\u202e  200  ->  404\n'
        "\nfailing (1): the URL fails now and did not before\n  https://a/f  200  ->  dns: no address <i>\\x1b\n"
        "\nredirecting (1): redirects lead to another URL than before\n  https://a/r  https://a/  ->  https://b/|x\n"
        "\nslower (1): twice as slow as before, and at least a second slower\n  https://a/s  0.5 s  ->  3.0 s\n"
    )


def test_json_lines() -> None:
    """An object per entry, with both sides."""
    objects = [json.loads(line) for line in rendered("jsonl").splitlines()]
    assert [(one["change"], one["url"]) for one in objects] == [(entry.difference, entry.url) for entry in ENTRIES]
    assert objects[0]["old"] is None
    assert objects[2]["new"] == {
        "outcome": "http_error", "status": 404, "error": "http_4xx", "bytes": None, "sha256": None, "final_url": None,
        "elapsed": None,
    }  # fmt: skip


def test_csv() -> None:
    """A header row also where nothing changed; control characters are spelled out."""
    rows = list(csv.DictReader(io.StringIO(rendered("csv"))))
    assert [row["change"] for row in rows] == [entry.difference for entry in ENTRIES]
    assert rows[2]["url"] == 'https://a/<b>|`"\\x1b[31m\\u202e'
    assert (rows[1]["old_bytes"], rows[1]["new_bytes"], rows[0]["old_status"]) == ("1234", "1300", "")
    assert "".join(FORMS["csv"](OVERVIEW, [])).startswith("change,url,old_outcome,")


def test_markdown() -> None:
    """No text of a record ends a cell, a code span or a link."""
    lines = rendered("md").splitlines()
    rows = [line for line in lines if line.startswith("| ") and not line.startswith(("| URL", "| ---"))]
    assert len(rows) == len(ENTRIES)
    assert all(row.replace("\\|", "").count("|") == 4 for row in rows)
    assert "The URL fails now and did not before." in lines
    assert rows[1] == "| <https://a/changed> | `1,234 bytes` | `1,300 bytes` |"
    assert rows[2] == '| ``https://a/<b>\\|`"\\x1b[31m\\u202e`` | `200` | `404` |'


class Tags(HTMLParser):
    """Collects elements and links."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name == "href"]


def test_html() -> None:
    """One page without scripts, in which no text becomes an element. Links are web addresses without escapes."""
    tags = Tags()
    tags.feed("".join(FORMS["html"](OVERVIEW, [*ENTRIES, Entry(Difference.SLOWER, "javascript:x", OLD, OLD)])))
    assert not tags.tags & {"script", "b", "i", "e", "img"}
    assert len(tags.links) == len(ENTRIES) - 1
    assert all((link or "").startswith("https://a/") for link in tags.links)


@pytest.mark.parametrize("form", FORMS)
def test_no_form_lets_control_characters_through(form: str) -> None:
    """A terminal would obey them."""
    assert not {"\x1b", "\u202e"} & set(rendered(form))
