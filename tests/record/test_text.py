import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from scrapepool.text import printable


def test_clean_text_is_left_alone():
    """Letters of any script, spaces, markup and emoji stay as they are."""
    for text in ("", "plain ASCII", "café 日本 🐙", "[red]not markup[/red]", "no\u00a0break", "back\\slash"):
        assert printable(text) == text


def test_what_acts_is_shown():
    """Controls of both sets, DEL, separators, bidi overrides and lone surrogates are spelt out."""
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
