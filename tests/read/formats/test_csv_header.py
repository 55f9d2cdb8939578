"""Header rows of CSV lists: where they begin, and what is none."""

from __future__ import annotations

import pytest

from scrapepool.errors import ListError
from scrapepool.read.formats.csv_header import begins_as_csv, holds_header
from scrapepool.read.formats.csv_rows import CsvRows
from scrapepool.read.formats.url_template import URLTemplate

NO_CSV = b"url\rx,b\n"
"""A header row with a carriage return outside of quotes."""


@pytest.mark.parametrize(
    ("head", "is_csv"),
    [
        (b"url,title\n", True),
        (b"sep=;\na;b\n", True),
        (b"url\n", False),
        (b"example.org/url,url\n", False),
        (b"# url,title\nhttp://a.test/,x\n", True),
        (b"# url,title\nnothing,x\n", False),
        (b"# url,title\nx\ry,z\n", False),
        (NO_CSV, False),
    ],
)
def test_a_list_that_begins_as_csv(head: bytes, is_csv: bool) -> None:
    """With a header row that names the URL and another column, or with the separator."""
    assert begins_as_csv(head, None) is is_csv


def test_a_header_row_that_is_not_csv_needs_no_more_of_the_list() -> None:
    """It is read, and then its error is said."""
    assert holds_header(NO_CSV, tabs=False)
    assert not holds_header(b"url,tit", tabs=False)
    with pytest.raises(ListError, match="no CSV header"):
        CsvRows("list", NO_CSV, tabs=False, url_field=None, template=None)


def test_a_template_needs_its_columns() -> None:
    """Behind a comment too; those that exist are named."""
    template = URLTemplate("http://a.test/{id}")
    assert CsvRows("list", b"# id,b\n1,2\n", tabs=False, url_field=None, template=template).columns == ["id", "b"]
    with pytest.raises(ListError, match="no column 'id' for the template; there is 'a', 'b'"):
        CsvRows("list", b"a,b\n1,2\n", tabs=False, url_field=None, template=template)
