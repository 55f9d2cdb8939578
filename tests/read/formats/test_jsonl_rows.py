"""Rows of JSON Lines that are not UTF-8: what makes the request has to be, and nothing else."""

from __future__ import annotations

import pytest

from scrapepool.read.formats.jsonl_rows import JsonlRows
from scrapepool.read.formats.rows import RowError
from scrapepool.read.formats.url_template import URLTemplate


def rows(template: str | None = None, *, requests: bool | None = None) -> JsonlRows:
    found = None if template is None else URLTemplate(template)
    return JsonlRows("list", b"", url_field=None, template=found, requests=requests, on_note=lambda _: None)


def test_other_fields_may_hold_bytes_of_any_encoding() -> None:
    """They are replaced by the character for that, in lists too."""
    entry = rows().parse(b'{"url": "http://a.test/", "note": "caf\xe9", "more": ["\xe9", {"a": "\xe9"}, 1]}')
    assert entry is not None
    assert (entry.url, entry.input) == (
        "http://a.test/",
        {"note": "caf\ufffd", "more": ["\ufffd", {"a": "\ufffd"}, 1]},
    )


@pytest.mark.parametrize(
    ("template", "row"),
    [
        (None, b'"http://a.test/caf\xe9"'),
        (None, b'{"url": "http://a.test/caf\xe9"}'),
        ("http://a.test/{id}", b'{"id": "caf\xe9"}'),
        (None, b'{"url": caf\xe9}'),
    ],
)
def test_a_url_or_a_request_may_not(template: str | None, row: bytes) -> None:
    """It would ask for something else."""
    with pytest.raises(RowError, match="UTF-8"):
        rows(template).parse(row)


def test_what_a_row_sends_may_not_either() -> None:
    """Where the keys of a request count."""
    with pytest.raises(RowError, match="UTF-8"):
        rows(requests=True).parse(b'{"url": "http://a.test/", "method": "POST", "data": "caf\xe9"}')
