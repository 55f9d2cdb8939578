import ast
import json
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scrapepool
from scrapepool.text import brief, printable, strict_json, without_password, without_passwords, without_userinfo


def test_clean_text_is_left_alone():
    """Letters of any script, spaces, markup and emoji stay as they are."""
    for text in ("", "plain ASCII", "café 日本 🐙", "[red]not markup[/red]", "no\u00a0break", "back\\slash"):
        assert printable(text) == text


def test_what_acts_is_shown():
    """Controls of both sets, DEL, separators, bidi overrides and lone surrogates are spelled out."""
    assert printable("a\x00\x1b[2J\r\n\t\x7f\x9b") == r"a\x00\x1b[2J\r\n\t\x7f\x9b"
    assert printable("\u2028\u2029\u202e\u2066\ud800") == r"\u2028\u2029\u202e\u2066\ud800"


@given(st.text(st.characters()))
def test_nothing_that_acts_is_left(text):
    """Whatever goes in, one printable line comes out, can be encoded, and is not escaped twice."""
    shown = printable(text)
    assert not any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in shown)
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert len(shown.splitlines()) <= 1
    assert shown.encode().decode() == shown
    assert printable(shown) == shown


@given(st.text(st.characters()), st.integers(1, 50))
def test_a_quotation_is_short_and_safe(text, limit):
    """What is quoted is no longer than it may be, and as safe as the rest; a short text stands whole."""
    shown = brief(text, limit)
    assert len(shown) <= limit
    assert printable(shown) == shown
    assert shown == printable(text) or shown.endswith("\u2026")


def test_a_quotation_says_that_it_was_cut():
    """An ellipsis takes the place of the rest."""
    assert brief("abcdef", 6) == "abcdef"
    assert brief("abcdefg", 6) == "abcde\u2026"


@pytest.mark.parametrize(
    ("url", "shown", "bare"),
    [
        ("http://ann:pw@h/x?a@b", "http://ann:***@h/x?a@b", "http://h/x?a@b"),
        ("http://ann:p@ss:w@h", "http://ann:***@h", "http://h"),
        ("http://:pw@h/", "http://:***@h/", "http://h/"),
        ("http://key@h/", "http://***@h/", "http://h/"),
        ("http://key:@h/", "http://***@h/", "http://h/"),
        ("http://ann:p w@h/", "http://ann:***@h/", "http://h/"),
        ("http://h/@ann:pw", "http://h/@ann:pw", "http://h/@ann:pw"),
        ("http://h/?next=http://ann:pw@i/", "http://h/?next=http://ann:pw@i/", "http://h/?next=http://ann:pw@i/"),
        ("http://h#ann:pw@i", "http://h#ann:pw@i", "http://h#ann:pw@i"),
        ("a//b@c", "a//b@c", "a//b@c"),
    ],
)
def test_the_password_of_a_url_is_hidden(url, shown, bare):
    """The one before its host, and nothing else; a user name without a password counts as one. Twice is as once."""
    assert without_password(url) == without_password(shown) == shown
    assert without_userinfo(url) == without_userinfo(shown) == bare


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1,http://ann:pw@h/x,ann@example.org", "1,http://ann:***@h/x,ann@example.org"),
        ("http://ann:p/w@h/x", "http://ann:***@h/x"),
        ("http://ann:p#w@h", "http://ann:***@h"),
        ("//ann:pw@h:99999", "//ann:***@h:99999"),
        ("http:/ann:pw@h", "http:/ann:***@h"),
        ("a file:/b@c", "a file:/***@c"),
        ("ann:pw@h/x", "ann:***@h/x"),
        ("+:http://h/1\x00HTTP://ann:pw@h/2", "+:http://h/1\x00HTTP://ann:***@h/2"),
        ("http://h:99999/x?mail=a@b", "http://h:99999/x?mail=a@b"),
        ("https://example..org/@user", "https://example..org/@user"),
        ("example.org:8080/@user", "example.org:8080/@user"),
        ("mailto:ann@example.org", "mailto:ann@example.org"),
        ('{"url":"ftp://ann:pw@h/","x":"a@b"}', '{"url":"ftp://ann:***@h/","x":"a@b"}'),
    ],
)
def test_passwords_are_hidden_in_what_is_no_url(text, shown):
    """Rows that are rejected may hold them, also such as no URL can have."""
    assert without_passwords(text) == without_passwords(shown) == shown


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("a\ud83d", "a\ufffd"),
        ("\udc00\ud800", "\ufffd\ufffd"),
        ("\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        ("\U0001f600\ude00", "\U0001f600\ufffd"),
        ("\\ud83d", "\\ud83d"),
        ("\\\ud83d", "\\\ufffd"),
        ("\\\\ud83d\\", "\\\\ud83d\\"),
        ('"\n\ud83d"', '"\n\ufffd"'),
        ("\x7f", "\x7f"),
        ("plain", "plain"),
    ],
)
def test_json_is_such_that_every_reader_takes_it(value: str, read: str) -> None:
    """No lone surrogate stands in it, and what only looks like one stays; in keys as well as in values."""
    text = strict_json(json.dumps({value: value}))
    assert json.loads(text) == {read: read}
    assert text.isprintable()
    assert text.isascii()


@given(st.text(st.characters() | st.sampled_from('\\"\ud800\udbff\udc00\udfff\U0001f600ud8')))
def test_json_changes_nothing_but_lone_surrogates(value: str) -> None:
    """Whatever stands beside them."""
    read = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")  # pairs become characters
    read = re.sub("[\ud800-\udfff]", "\ufffd", read)
    assert json.loads(strict_json(json.dumps(value))) == read


@pytest.mark.slow
def test_no_pattern_repeats_a_group_possessively() -> None:
    """Python before 3.11.5 matches too much by ``(?:...)*+`` (CPython issue 106052); ``(?>(?:...)*)`` is the same."""
    sources = Path(scrapepool.__file__).parent.rglob("*.py")
    repeated = re.compile(r"(?<!\\)\)(?:[*+?]|\{[0-9,]+\})\+")
    strings = [
        (path.name, node.value)
        for path in sources
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    ]
    texts = [(name, value if isinstance(value, str) else value.decode("latin-1")) for name, value in strings]
    assert [(name, text) for name, text in texts if repeated.search(text) and "(?:" in text] == []
