"""The report as Markdown."""

from __future__ import annotations

from markdown_it import MarkdownIt

from scrapepool.render.report.markdown_page import markdown_page
from tests.report.reporting import failure, hostile, record, reported

RECORDS = [*(record(number) for number in range(30)), failure(1), hostile(3)]


def test_text_out_of_records_is_text() -> None:
    """Each row of a table has the cells of its head, and nothing in a cell is markup."""
    page = "".join(markdown_page([reported(RECORDS, "re|cords.jsonl")]))
    assert not set(page) & set("\x1b\r\u202e")
    made = MarkdownIt("commonmark", {"html": True}).enable("table").render(page)
    assert "<script" not in made
    assert "<img" not in made
    assert "&lt;script&gt;alert(1)" in made
    for table in made.split("<table>")[1:]:
        head, body = table.partition("</table>")[0].split("</thead>")
        columns = head.count("</th>")
        assert columns > 1
        assert all(row.count("<td") == columns for row in body.split("<tr>")[1:])


def test_the_page_has_the_figures_of_both() -> None:
    """Side by side; long tables are cut and say so."""
    page = "".join(markdown_page([reported(RECORDS), reported(RECORDS[:10], "new.jsonl")]))
    assert page.startswith("# Report on two runs\n\nA is `records.jsonl`, B is `new.jsonl`.\n\n## Overview\n")
    assert (
        "| outcome | URLs A | share A | URLs B | share B | meaning |\n| --- | ---: | ---: | ---: | ---: | --- |\n"
        in page
    )
    assert "| ok | 30 | 93.8% | 10 | 100.0% |" in page
    assert "and 10 more rows" in page
