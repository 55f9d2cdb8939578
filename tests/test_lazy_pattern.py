"""Patterns that are compiled on their first use do what compiled ones do."""

from __future__ import annotations

import re

import pytest

from scrapepool.lazy_pattern import lazy_pattern


def test_it_is_used_as_a_compiled_pattern() -> None:
    """Methods and attributes are those of the compiled pattern, for text and for bytes."""
    words = lazy_pattern("[a-z]+", re.IGNORECASE)
    assert words.findall("One two") == ["One", "two"]
    assert words.sub("x", "One two") == "x x"
    assert words.pattern == "[a-z]+"
    assert lazy_pattern(rb"\d+").fullmatch(b"12") is not None


def test_it_is_compiled_on_its_first_use_and_only_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making one compiles nothing, and no method is looked up twice."""
    compiled = []
    compile_it = re.compile
    monkeypatch.setattr(re, "compile", lambda *args: compiled.append(args) or compile_it(*args))
    digits = lazy_pattern("[0-9]+")
    assert compiled == []
    assert [digits.match(text) is not None for text in ("1", "a", "2")] == [True, False, True]
    assert compiled == [("[0-9]+", 0)]


def test_a_wrong_pattern_is_an_error_on_its_first_use() -> None:
    """The error is that of ``re``."""
    with pytest.raises(re.error):
        lazy_pattern("(").match("")
