"""Markup, as it is written and as it is miswritten."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.read.documents.markup import MAX_TAG, End, Start, Token, attributes_of, resolved, tokens

WILD = st.text("<>/!?-[]&;\"'= aAbé\n", max_size=60)
PIECES = st.lists(
    st.one_of(
        WILD,
        st.sampled_from(
            ["<!--", "-->", "<![CDATA[", "]]>", "<!DOCTYPE x [", "]>", "<script>", "</script>", "&amp;", "<a b='"]
        ),
    ),
    max_size=12,
)


def joined(found: Iterable[Token]) -> list[Token]:
    """Texts that follow each other as one."""
    whole: list[Token] = []
    for token in found:
        if isinstance(token, str) and whole and isinstance(whole[-1], str):
            whole[-1] += token
        else:
            whole.append(token)
    return whole


def cut(text: str, *, html: bool = False) -> list[Token]:
    return joined(tokens([text], html=html))


def test_xml() -> None:
    """Tags, text, sections and references are distinguished."""
    text = '<?xml version="1.0"?><!-- <no> --><A x="1>2"><b/>1 &lt; 2<![CDATA[ <c> &amp; ]]></A >'
    assert cut(text) == [Start("a", ' x="1>2"'), Start("b", "/"), End("b"), "1 < 2 <c> &amp; ", End("a")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a<b", ["a"]),
        ("a < b", ["a < b"]),
        ("a<!-- b", ["a"]),
        ("<!-->a", ["a"]),
        ("a</>b", ["ab"]),
        ("a</3>b", ["ab"]),
        ('<a b="', []),
        ("<![CDATA[a", ["a"]),
        ("a & b &nbsp;&unknown; &#x41;&#66;", ["a & b \xa0&unknown; AB"]),
        ("?a=1&copy=2&region=3&lt=4", ["?a=1&copy=2&region=3&lt=4"]),
        ("&#xD800;&#0;", ["\ufffd\ufffd"]),
    ],
)
def test_miswritten(text: str, found: list[Token]) -> None:
    """What is not well-formed costs itself and nothing else."""
    assert cut(text) == found


def test_entities_are_not_expanded() -> None:
    """A billion laughs are one word, and an external entity is none (CWE-776, CWE-611)."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    text = f'<!DOCTYPE r [<!ENTITY l0 "ha">{laughs}<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&l9;&x;</r>'
    assert cut(text) == [Start("r", ""), "&l9;&x;", End("r")]


def test_html_raw_text() -> None:
    """What looks like a tag in a script is none."""
    text = "<script>if (a<b) '<a href=x>'</script><title><b></title x><p>"
    assert [token.name for token in cut(text, html=True) if isinstance(token, Start)] == ["script", "title", "p"]


@pytest.mark.parametrize(
    ("written", "attributes"),
    [
        ("<a href=x/y?z=1 title='a b'>", {"href": "x/y?z=1", "title": "a b"}),
        ('<a HREF = "x" href="y" q>', {"href": "x", "q": ""}),
        ('<a href="?a=1&amp;copy=2&copy=3">', {"href": "?a=1&copy=2&copy=3"}),
        ("<a title=it's href=x>", {"title": "it's", "href": "x"}),
    ],
)
def test_attributes(written: str, attributes: dict[str, str]) -> None:
    """Attributes are read as browsers read them; the first of a name counts."""
    (start,) = cut(written, html=True)
    assert isinstance(start, Start)
    assert attributes_of(start) == attributes


@given(PIECES, st.booleans())
def test_any_cut(pieces: list[str], html: bool) -> None:
    """However the input is cut into pieces, the tokens are the same."""
    assert joined(tokens(pieces, html=html)) == cut("".join(pieces), html=html)
    assert joined(tokens("".join(pieces), html=html)) == cut("".join(pieces), html=html)


@pytest.mark.slow
@pytest.mark.parametrize(
    "endless", ["<a ", "<!--", "<![CDATA[", "<a b='", "<a b=\"'", "<!DOCTYPE [", "</a", "<?", "&", "<"]
)
def test_endless(endless: str) -> None:
    """What never ends is not held, and what follows it is not lost for ever."""
    piece = endless * (MAX_TAG // len(endless))
    found = 0
    for token in tokens([piece] * 20, html=False):
        found += len(token) if isinstance(token, str) else 1
    assert found <= 20 * len(piece)


def test_references() -> None:
    """Text without references is given back as it is."""
    assert resolved("abc") == "abc"
