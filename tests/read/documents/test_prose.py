"""URLs taken out of any text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.read.documents.prose import prose_links
from scrapepool.read.formats.rows import MAX_LINE
from tests.read.reading import read

H = "http://h.example/"


def urls(*pieces: str) -> list[str]:
    return [link.url for link in prose_links(pieces)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"See {H}a, {H}b; {H}c. {H}d! {H}e? {H}f: {H}g... {H}i\u2026", "abcdefgi"),
        (f"({H}a) [{H}b] {{{H}c}} <{H}d> \"{H}e\" '{H}f' `{H}g`", "abcdefg"),
        (f"\u201c{H}a\u201d \u00ab{H}b\u00bb \u2018{H}c\u2019 \uff08{H}d\uff09x \u300c{H}e\u300dx", "abcde"),
        (f"[x]({H}a)[y]({H}b), [{H}c]({H}d) [1]: {H}e 'title'", "abcde"),
        (f"**{H}a** *{H}b* _{H}c_ ~~{H}d~~ |{H}e|{H}f|", "abcdef"),
        (f"{H}a,{H}b;{H}c|{H}d", "abcd"),
        (
            f"<a href=\"{H}a\">x</a><img src='{H}b'><loc>{H}c</loc>&lt;{H}d&gt; &quot;{H}e&quot; &#39;{H}f&#39;",
            "abcdef",
        ),
        (f'{{"url":"{H}a","other":"http:\\/\\/h.example\\/b\\nnext line"}}', "ab"),
        (f'127.0.0.1 - - [01/Jan] "GET {H}a HTTP/1.1" 200 "{H}b" url={H}c', "abc"),
        (f"view-source:{H}a x{H}b", "ab"),
        (f"{H}a\u200b and {H}b\x1b[0m", "ab"),
    ],
)
def test_what_ends_a_url(text: str, found: str) -> None:
    """Punctuation, brackets, quotes, markup and white space around a URL are not part of it."""
    assert urls(text) == [H + letter for letter in found]


@pytest.mark.parametrize(
    "url",
    [
        "https://en.wikipedia.org/wiki/Set_(mathematics)",
        "http://h.example/?a[]=1&b={c}",
        "http://h.example/it's",
        "http://h.example/a_",
        "http://h.example/a|b",
        "http://h.example/a,b;c",
        "http://h.example/a--b",
        "http://h.example/?u=http://h.example/b",
        "http://user:pw@h.example:8080/x:y",
        "http://localhost:99",
        "http://foo_bar.example/z",
        "http://[::1]:80/x",
        "http://\u4f8b\u3048.jp/\u30d1\u30b9",
        "HTTP://H.EXAMPLE/A#b",
        "http://h",
        "http://h?a=b",
    ],
)
@pytest.mark.parametrize("around", ["{}", "see {} there", "({})", '"{}"', "<{}>", "{}.", "[x]({}),"])
def test_what_is_part_of_a_url(url: str, around: str) -> None:
    """Brackets in pairs and punctuation within a URL are its own, whatever stands around it."""
    assert urls(around.format(url)) == [url]


def test_entities_are_what_they_stand_for() -> None:
    """HTML source writes & as an entity."""
    assert urls(f"{H}?a=1&amp;b=2&AMP;c=3&#38;d=4") == [f"{H}?a=1&b=2&c=3&d=4"]
    assert urls(f"{H}?a=1&copy=2") == [f"{H}?a=1&copy=2"]


@pytest.mark.parametrize(
    "text",
    [
        "example.org and setup.py",
        "ann@example.org, mailto:ann@example.org",
        "ftp://h.example/ //h.example/x x.www.a/",
        "http://${HOST}/x http://%s/x http://{host}/",
        "http:// http:///x http://... www.",
    ],
)
def test_what_is_no_url(text: str) -> None:
    """Names without a scheme, mail addresses, other schemes and placeholders are not requested."""
    assert urls(text) == []


def test_www_needs_no_scheme(tmp_path: Path) -> None:
    """What begins with www. is requested over https, as it is linked by mail programs."""
    (path := tmp_path / "mail.txt").write_text("See www.example.org/x. Or http://www.example.org/y\n")
    assert read(path, format="prose").urls == [(1, "https://www.example.org/x"), (2, "http://www.example.org/y")]


def test_a_mail_is_read(tmp_path: Path) -> None:
    """Nothing of it is requested but its URLs, which are counted; those given twice are repeats."""
    text = f"Hi,\n\nsee {H}a, and\n({H}b).\n\n> {H}a\nCheers, Ann  ann@example.org\n"
    (path := tmp_path / "mail").write_bytes(text.encode("utf-8-sig"))
    reading = read(path, format="prose")
    assert reading.urls == [(1, f"{H}a"), (2, f"{H}b")]
    assert [line for line, *_ in reading.reasons] == [3]


def test_a_url_that_is_too_long_is_rejected() -> None:
    """Text without white space is no reason to request a megabyte."""
    assert [link.reason for link in prose_links([H + "x" * MAX_LINE])] == ["longer than 64 KiB"]


@given(
    st.lists(st.sampled_from([H + "a", "http://", "(", ")", " ", "\n", '"', "&amp;", ",", "x", "www.a.example"])),
    st.data(),
)
def test_pieces_may_be_cut_anywhere(parts: list[str], data: st.DataObject) -> None:
    """What is found does not depend on how the text comes, and has nothing that no URL has."""
    whole = "".join(parts)
    places = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    pieces = [whole[a:b] for a, b in zip([0, *places], [*places, len(whole)], strict=True)]
    found = urls(*pieces)
    assert found == urls(whole)
    assert not any(re.search(r'[\s<>"]', url) for url in found)
