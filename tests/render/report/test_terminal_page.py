"""The report as text."""

from __future__ import annotations

import re

import pytest

from scrapepool.render.report.terminal_page import terminal_page
from tests.report.reporting import failure, hostile, record, reported

RECORDS = [
    *(record(number) for number in range(90)),
    failure(1),
    failure(2, error="dns", detail="no address"),
    hostile(3),
]
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("width", [20, 40, 80, 100, 200])
def test_no_line_is_wider_than_the_screen_and_nothing_acts_on_it(width: int) -> None:
    """That holds with colours, whatever the records hold."""
    page = ESCAPES.sub("", terminal_page([reported(RECORDS)], width, colours=True))
    assert max(map(len, page.splitlines())) <= width
    assert not set(page) & set("\x1b\x07\r\u202e")
    assert "[red]" in page.replace("\n", "").replace(" ", "")  # it is text and no markup


def test_the_page_has_tables_and_plots() -> None:
    """They are plain ASCII if the encoding has no block characters."""
    page = terminal_page([reported(RECORDS)], 100, colours=False)
    assert "\x1b" not in page
    for line in ("records.jsonl: 93 records", "Outcomes", "Latency by range", "Hosts with the most failures", "URLs/s"):
        assert line in page
    assert re.search(r"^ok +90 +96\.8% █+", page, re.MULTILINE)
    assert re.search(r"^p99\.9 +189 ms", page, re.MULTILINE)
    assert terminal_page([reported(RECORDS[:90])], 100, colours=False, ascii_only=True).isascii()


def test_two_reports_stand_side_by_side() -> None:
    """Their columns name the report."""
    page = terminal_page([reported(RECORDS), reported(RECORDS[:30], "new.jsonl")], 120, colours=False)
    assert "A: records.jsonl: 93 records\nB: new.jsonl: 30 records\n" in page
    assert re.search(r"^ok +90 +96\.8% [█▉-▏]+ +30 +100\.0% █+", page, re.MULTILINE)
    assert re.search(r"^host +URLs A +URLs B +failures A +failures B +p50 A", page, re.MULTILINE)
    assert "Timeline A" in page
    assert "Timeline B" in page


def test_nothing_to_report_is_reported() -> None:
    """A file without records has a page, too."""
    page = terminal_page([reported([])], 80, colours=False)
    assert "records.jsonl: 0 records" in page
    assert "hosts                    0" in page
