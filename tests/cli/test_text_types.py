"""What people type for names, header fields, proxies and classes of failures, and what it means."""

from __future__ import annotations

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.cli.parameters import text_types
from scrapepool.cli.parameters.text_types import FileName, Header, Names, Proxy, Resume, RetryOn, record_field_names
from scrapepool.settings import RetryPolicy

RETRY = RetryPolicy()


@pytest.mark.parametrize(
    ("kind", "typed", "meant"),
    [
        (Header(), "A: b: c", ("A", "b: c")),
        (Header(), "A;", ("A", "")),
        (RetryOn(RETRY), "", ()),
        (RetryOn(RETRY), "5xx, !503", ("5xx", "!503")),
        (Names(), "a, b,,a", ("a", "b", "a")),
        (FileName(), "x y", "x y"),
        (Proxy(), "localhost:3128", "localhost:3128"),
        (Proxy(), "https://user:word@[::1]:8080", "https://user:word@[::1]:8080"),
    ],
)
def test_what_is_meant(kind: click.ParamType[object], typed: object, meant: object) -> None:
    """Each as curl and its kin would take it."""
    assert kind.convert(typed, None, None) == meant


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        (FileName(), ""),
        (Proxy(), "http://h:99999"),
    ],
)
def test_what_means_nothing(kind: click.ParamType[object], typed: str) -> None:
    """It is refused, with a reason."""
    with pytest.raises(click.BadParameter, match=r"."):
        kind.convert(typed, None, None)


@given(st.text(max_size=30))
def test_no_header_can_hold_a_line_break(text: str) -> None:
    """Whatever is typed, what comes out fits into one line of latin-1."""
    try:
        name, value = Header().convert(text, None, None)
    except click.BadParameter:
        return
    assert not {"\r", "\n", "\0"} & set(f"{name}{value}")
    value.encode("latin-1")


def test_a_socks_proxy_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says how to install it."""
    assert Proxy().convert("socks5h://h:1080", None, None) == "socks5h://h:1080"
    monkeypatch.setattr(text_types, "find_spec", lambda _: None)
    with pytest.raises(click.BadParameter, match="PySocks"):
        Proxy().convert("socks5://h:1080", None, None)


def test_names_that_a_shell_offers() -> None:
    """Classes of failures, fields of records."""
    context = click.Context(click.Command("x"))
    parameter = click.Option(["--x"])
    resumed = [one.value for one in Resume().shell_complete(context, parameter, "")]
    assert {"failed", "all", "timeout", "http_5xx"} <= set(resumed)
    assert {"url", "status"} <= set(record_field_names())
    assert [one.value for one in Names(record_field_names).shell_complete(context, parameter, "url,stat")] == [
        "url,status"
    ]
