"""How a selection is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.errors import UsageError
from scrapepool.extract.expressions import _KINDS
from scrapepool.selection import KINDS, Selection, keys, parsed
from scrapepool.settings import OutputSettings


@pytest.mark.parametrize(
    ("text", "selection"),
    [
        ("title=css:title", Selection("title", False, "css", "title")),
        ("next=css:a[rel='x=y']::attr(href)", Selection("next", False, "css", "a[rel='x=y']::attr(href)")),
        (" tags[] = CSS:.tag ", Selection("tags", True, "css", ".tag ")),
        ("_id2=re: item:(\\d+)", Selection("_id2", False, "re", " item:(\\d+)")),
    ],
)
def test_name_kind_and_expression(text: str, selection: Selection) -> None:
    """The name ends at the first equals sign, the kind at the first colon; the expression stays as it is."""
    assert parsed(text) == selection


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("css:title", "'css:title' has no name; write 'title=css:title'"),
        ("=css:title", "'' is not a valid name"),
        ("2nd=css:title", "'2nd' is not a valid name"),
        ("a b=css:title", "'a b' is not a valid name"),
        ("tïtle=css:title", "'tïtle' is not a valid name"),
        ("title=title", "title=title: write title=KIND:EXPR, with a KIND of css, xpath, re, json"),
        ("title=xslt://h1", "title=xslt://h1: write title=KIND"),
        ("title=css: ", "title=css: : the expression is empty"),
    ],
)
def test_what_is_refused(text: str, reason: str) -> None:
    """Each refusal says what is wrong and what to write."""
    with pytest.raises(UsageError) as refused:
        parsed(text)
    assert str(refused.value).startswith(reason)


@given(st.text())
def test_nothing_else_is_raised(text: str) -> None:
    """Any text is a selection or a usage error, and a selection is the same when it is written again."""
    try:
        name, every, kind, expression = selection = parsed(text)
    except UsageError:
        return
    assert parsed(f"{name}{'[]' * every}={kind}:{expression}") == selection


def test_keys_are_in_order() -> None:
    """Selections come first, as they were given, then links and text."""
    assert keys([parsed("b=css:b"), parsed("a[]=css:a")], links=True, text=True) == ("b", "a", "links", "text")


@pytest.mark.parametrize("select", [("a=css:a", "a[]=css:b"), ("links=css:a",), ("text=css:p",)])
def test_names_are_taken_once(select: tuple[str, ...]) -> None:
    """Two values of one name would be one in the record."""
    with pytest.raises(UsageError, match=r"the name \w+ is taken"):
        OutputSettings(select=select, links=True, text=True)
    assert len(OutputSettings(select=select[:1]).data) == 1


def test_every_kind_is_known() -> None:
    """What a selection may be written in is what is compiled."""
    assert set(_KINDS) == set(KINDS)


def test_a_body_is_kept_for_what_is_taken_out_of_it() -> None:
    """The fetch stage keeps bodies where there is something to look for, and else does not."""
    assert OutputSettings(links=True).needs.body
    assert not OutputSettings().needs.body
