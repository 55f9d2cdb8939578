"""A URL out of a row's columns."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.errors import UsageError
from scrapepool.read.formats.rows import RowError
from scrapepool.read.formats.url_template import RESERVED, URLTemplate


@pytest.mark.parametrize(
    ("template", "row", "url"),
    [
        ("https://h/{id}", {"id": 7}, "https://h/7"),
        ("https://h/{id}?q={q}", {"id": "a/b", "q": "x y&z"}, "https://h/a%2Fb?q=x%20y%26z"),
        ("https://h/{+path}", {"path": "a/b?c=d&e=[1] 2"}, "https://h/a/b?c=d&e=[1]%202"),
        ("https://h/{naïve}", {"naïve": "é"}, "https://h/%C3%A9"),
        ("https://h/{on}/{off}/{price}", {"on": True, "off": False, "price": 1.5}, "https://h/true/false/1.5"),
        ("https://h/{zero}", {"zero": 0}, "https://h/0"),
        ("{a}{a}", {"a": "x", "unused": None}, "xx"),
        ("https://h/{half}", {"half": "\ud800"}, "https://h/%3F"),
    ],
)
def test_values_are_written_into_the_url(template: str, row: dict[str, Any], url: str) -> None:
    """Percent-encoded, but for what {+name} leaves as it is."""
    assert URLTemplate(template).expand(row) == url


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"name": "x"}, "no 'id' for the template; there is"),
        ({"id": None}, "'id' is empty, and the template needs it"),
        ({"id": ""}, "'id' is empty, and the template needs it"),
        ({"id": ["x"]}, "'id' is neither text nor a number"),
        ({"id": {}}, "'id' is neither text nor a number"),
        ({"id": "a\tb"}, "tab in 'id'"),
    ],
)
def test_a_row_without_a_value_says_so(row: dict[str, Any], reason: str) -> None:
    """The row is rejected, and no URL is made of half of it."""
    with pytest.raises(RowError, match=reason):
        URLTemplate("https://h/{id}").expand(row)


@pytest.mark.parametrize("template", ["https://h/", "https://h/{}", "https://h/{a}{b", "https://h/{a}}", "h/{a}\n"])
def test_what_is_no_template_is_refused(template: str) -> None:
    """Before anything is read."""
    with pytest.raises(UsageError, match=r"^input.url_template: "):
        URLTemplate(template)


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1))
def test_a_value_comes_back_out_of_its_url(value: str) -> None:
    """Whatever it holds; nothing of it is a delimiter but what {+name} lets be one."""
    url = URLTemplate("{a}").expand({"a": value})
    assert unquote(url) == value
    assert not set(url) & set(RESERVED)
    assert unquote(URLTemplate("{+a}").expand({"a": value})) == value


def test_columns_are_what_it_asks_for() -> None:
    """In order, each as often as it is named."""
    assert URLTemplate("{a}/{+b}/{a}").columns == ["a", "b", "a"]
