"""The HTML page of a report, as text and in a browser."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scrapepool.render.report import html_page as module
from scrapepool.render.report.html_page import html_page
from tests.report.reporting import HOSTILE, failure, hostile, record, reported
from tests.servers.browser import CHROMIUM, Browser

RECORDS = [*(record(number) for number in range(40)), failure(1), failure(1), failure(2, error="dns"), hostile(3)]
RECORDS += [record(50, redirects=["https://host-1.example/50"], final_url="https://login.example/in")] * 2


def figures_in(page: str) -> list[dict[str, object]]:
    found = re.search(r'<script type="application/json" id="figures">([^<]*)</script>', page)
    assert found is not None
    figures: list[dict[str, object]] = json.loads(found[1])
    return figures


def test_the_page_needs_nothing_else_and_holds_hostile_text_as_text() -> None:
    """It has three scripts, and no markup out of a record."""
    page = "".join(html_page([reported(RECORDS, f"{HOSTILE}.jsonl")]))
    assert page.count("<script") == page.count("</script>") == 3
    assert "<img" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert not re.search(r"(?:src|href)=\"(?!#)", page)
    assert "default-src 'none'" in page
    assert html.escape("</script><script>alert(1)") in page
    (figures,) = figures_in(page)
    assert "</script><script>alert(1)" in str(figures["hosts"])
    assert len(page) < 200_000


def test_hosts_that_a_page_has_no_room_for_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says so, and two reports have the same hosts."""
    many = [record(0, url=f"https://{number}.example/") for number in range(60) for _ in range(1 + (number < 7))]
    monkeypatch.setattr(module, "MAX_FIGURE_BYTES", 20_000)
    page = "".join(html_page([reported(many), reported(many[:-5], "new.jsonl")]))
    a, b = ({row["host"] for row in one["hosts"]} for one in figures_in(page))  # type: ignore[attr-defined]
    assert a == b >= {f"https://{number}.example" for number in range(4)}
    assert f"A: {len(a)} of 60 hosts are listed, those with the most URLs. B: {len(a)} of 55 hosts" in page
    assert "<p>A is <code>records.jsonl</code>.</p>\n<p>B is <code>new.jsonl</code>.</p>" in page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium is installed")
    with Browser() as started:
        yield started


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")
def test_the_page_works_in_a_browser(browser: Browser, tmp_path: Path) -> None:
    """Charts, sorting, filtering, the page of a host and the command to copy; nothing is logged, nothing runs."""
    page = tmp_path / "report.html"
    records = str(tmp_path / "it's.jsonl")
    page.write_text("".join(html_page([reported(RECORDS, records)])), encoding="utf-8")
    browser.open(page)
    assert browser.run("document.querySelectorAll('figure canvas').length") == 4
    assert browser.run("document.querySelectorAll('section table').length") >= 12

    first = "document.querySelector('#hosts tbody tr td').textContent"
    head = "[...document.querySelectorAll('#hosts th')].find((one) => one.textContent === '{}')"
    for title, expected in (("host", ["host-0.example", "host-2.example"]), ("failures", ["host-1.example", "host-"])):
        for order in expected:
            browser.run(head.format(title) + ".querySelector('button').click()")
            assert browser.run(first).startswith(order), (title, order)
    assert browser.run(head.format("failures") + ".getAttribute('aria-sort')") == "ascending"

    timeline = "document.querySelector('#timeline {}')"
    browser.run(f"{timeline.format('input')}.value = '0:01'")
    browser.run(f"{timeline.format('input')}.dispatchEvent(new Event('input'))")
    assert re.fullmatch(r"\d+ of \d+ rows", browser.run(timeline.format("[role=status]") + ".textContent"))

    browser.run("document.querySelector('#hosts a[href$=host-1\\\\.example]').click()")
    browser.run("new Promise((done) => setTimeout(done, 0))")
    assert browser.run("document.querySelector('dialog').open") is True
    shown = browser.run("document.querySelector('dialog').textContent")
    assert "https://host-1.example" in shown
    assert "read_timeout 2" in shown
    quoted = str(tmp_path / "it").replace("'", "") + "'\"'\"'s.jsonl"
    assert (
        browser.run("document.querySelector('dialog .copy').title")
        == f"scrapepool explain '{quoted}' https://host-1.example/1"
    )
    browser.run("document.querySelector('dialog header button').click()")
    assert browser.run("document.querySelector('dialog').open") is False

    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)"
    assert browser.run("document.documentElement.scrollWidth <= innerWidth") is True
    assert browser.log == []


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")
def test_two_reports_side_by_side_in_a_browser(browser: Browser, tmp_path: Path) -> None:
    """The page of a host by its address, with both runs in it; also hosts that are in one only."""
    page = tmp_path / "report.html"
    other = [*RECORDS[:20], record(0, url="https://new.example/", elapsed=2.0)]
    page.write_text("".join(html_page([reported(RECORDS), reported(other, "new.jsonl")])), encoding="utf-8")
    browser.open(page, "#host=https%3A%2F%2Fnew.example")
    shown = browser.run("document.querySelector('dialog').textContent")
    assert "B: new.jsonl" in shown
    assert "A: records.jsonl" not in shown
    assert browser.run("document.querySelectorAll('dialog canvas').length") == 1
    assert browser.log == []
