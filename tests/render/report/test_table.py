"""The cells of a report's tables, and the command that explains a URL."""

from __future__ import annotations

import pytest

from scrapepool.render.report.table import explain, more_rows, seconds_cell


@pytest.mark.parametrize(
    ("records", "url", "command"),
    [
        ("r.jsonl", "https://a.example/b?c=d&e", "scrapepool explain r.jsonl 'https://a.example/b?c=d&e'"),
        ("my records", "https://a.example/it's", "scrapepool explain 'my records' 'https://a.example/it'\"'\"'s'"),
        ("-r.jsonl", "https://a.example/", "scrapepool explain -- -r.jsonl https://a.example/"),
        ("r.jsonl", "--help", "scrapepool explain -- r.jsonl --help"),
        ("r.jsonl", "https://a.example/\x1b[2J", None),
        ("r\n.jsonl", "https://a.example/", None),
        ("standard input", "https://a.example/", None),
    ],
)
def test_a_command_is_safe_to_paste(records: str, url: str, command: str | None) -> None:
    """A shell reads it as it is meant; where that cannot be, there is none."""
    assert explain(records, {"url": url}) == command
    assert explain(records, {"url": url, "cut": True}) is None


def test_durations_and_what_is_left() -> None:
    """Durations have the unit in which people read them."""
    assert [seconds_cell(value).text for value in (None, 0.0042, 0.25, 2.5)] == ["", "4.2 ms", "250 ms", "2.5 s"]
    assert [more_rows(number, "row") for number in (-1, 0, 1, 2000)] == [
        "",
        "",
        "and 1 more row",
        "and 2,000 more rows",
    ]
