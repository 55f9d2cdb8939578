"""Values by XPath, and which kinds need which extra."""

from __future__ import annotations

import builtins
from typing import Any

import pytest

from scrapepool.errors import SettingsError, UsageError
from scrapepool.extract.extraction import Page
from scrapepool.extract.extractor import Extractor
from scrapepool.settings import OutputSettings

HTML = b"""<html><head><base href="/b/"></head><body><h1> A  <b>title</b></h1>
<a rel=next href=p2>2</a><a href=p3>3</a><p title=t>x</p></body></html>"""
FEED = (
    b"<?xml version='1.0'?><!DOCTYPE r [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>\n<r xmlns='u'><i>&e;</i><i>2</i></r>"
)


def values(select: str, body: bytes = HTML, kind: str | None = "text/html") -> Any:
    extracted = Extractor(OutputSettings(select=(select,))).extract(Page(body, kind, None, "http://h/a"))
    return next(iter(extracted.data.values())), extracted.detail


@pytest.mark.parametrize(
    ("select", "value"),
    [
        ("t=xpath://h1", "A title"),
        ("t[]=xpath://a/@href", ["http://h/b/p2", "http://h/b/p3"]),
        ("t=xpath://p/@title", "t"),
        ("t=xpath:count(//a)", 2),
        ("t=xpath:count(//a) div 4", 0.5),
        ("t=xpath:boolean(//table)", False),
        ("t=xpath:string(//a[@rel='next'])", "2"),
        ("t=xpath://p/text()", "x"),
        ("t=xpath://table", None),
        ("t[]=xpath://table", []),
    ],
)
def test_html(select: str, value: Any) -> None:
    """Elements, attributes, text, and what functions return; URLs are absolute."""
    assert values(select) == (value, None)


def test_xml() -> None:
    """Is read by its own rules, namespaces included, and no entity is read from a file."""
    assert values("t[]=xpath://*[local-name()='i']", FEED, "application/xml") == (["&e;", "2"], None)


@pytest.mark.parametrize(
    ("body", "kind", "detail"),
    [
        (HTML, "image/png", "t: not HTML but image/png"),
        (b"<!-- -->", "text/html", "t: no element"),
        (b"", "text/html", None),
        (b"rain", "text/xml", "t: no element"),
    ],
)
def test_pages_that_are_none(body: bytes, kind: str, detail: str | None) -> None:
    value, why = values("t=xpath://h1", body, kind)
    assert value is None
    assert why == detail or (why or "").startswith("t: not ")


def test_an_expression_that_is_none() -> None:
    """Is a usage error; a function that does not exist shows only on a page."""
    with pytest.raises(SettingsError, match="not an XPath expression: //h1"):
        values("t=xpath://h1[")
    assert (values("t=xpath:nonsense()")[1] or "").startswith("t: ")


def test_re_and_json_need_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """They work without selectolax and lxml."""
    usual = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] in ("selectolax", "lxml"):
            raise ImportError(name)
        return usual(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr("scrapepool.extract.extractor.find_spec", lambda name: None)
    assert values("n=re:\\d+", b"a 17") == ("17", None)
    assert values("n=json:a.b", b'{"a":{"b":3}}', "application/json") == (3, None)
    for select, extra in (("n=css:a", "select"), ("n=xpath://a", "xpath")):
        with pytest.raises(UsageError, match=rf"\[{extra}\]"):
            values(select)
