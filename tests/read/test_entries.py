"""What of a line of a list is a URL: comments, prose, and what nobody sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from scrapepool.errors import InvalidURLError, ListError
from scrapepool.read.entries import absolute
from tests.read.reading import read

PROSE = ": is this prose? (input format: prose)"


@pytest.mark.parametrize(
    ("line", "url"),
    [
        ("http://h/1 # comment", "http://h/1"),
        ("http://h/1\t# comment", "http://h/1"),
        ("http://h/1 #", "http://h/1"),
        ("http://h/1 \u00a0#comment # http://h/2", "http://h/1"),
        ("h.example/a#top # comment", "https://h.example/a#top"),
        ("http://h/1#fragment", "http://h/1#fragment"),
        ("http://h/1?q=a#b c", "http://h/1?q=a#b c"),
    ],
)
def test_a_comment_ends_a_url_of_a_text_list(line: str, url: str, tmp_path: Path) -> None:
    """White space and # behind it begin a comment; # alone is a fragment's."""
    (path := tmp_path / "list").write_text(f"{line}\n")
    assert read(path).urls == [(1, url)]


def test_other_formats_have_no_comments(tmp_path: Path) -> None:
    """In a cell, a string and an argument the same characters are the URL's."""
    (csv := tmp_path / "list.csv").write_text("url,x\nhttp://h/1 # c,x\n")
    (jsonl := tmp_path / "list.jsonl").write_text('"http://h/1 # c"\n')
    assert {read(source).found[0].url for source in (csv, jsonl, "http://h/1 # c")} == {"http://h/1 # c"}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("Cheers, Ann  ann@example.org", "white space in the host" + PROSE),
        ("http://Cheers, Ann  ann@host/", "white space in the host" + PROSE),
        ("http://exam ple.org/", "white space in the host" + PROSE),
        ("http://exam\u00a0ple.org/", "white space in the host" + PROSE),
        ("http://u ser:pw@example.org/", "white space in the host" + PROSE),
        ("http:// example.org/", "white space in the host" + PROSE),
        ("//exam ple.org/", "white space in the host" + PROSE),
        ("Hello world", "white space in the host" + PROSE),
        ("see example.org/x", "white space in the host" + PROSE),
        ("- http://example.org/x", "a URL after white space" + PROSE),
        ("example.org/x is down", "words between white space" + PROSE),
        ("example.org:8000/x is down", "words between white space" + PROSE),
        ("http://h/1 http://h/2", "a URL after white space" + PROSE),
        ("http://h/1, HTTPS://h/2", "a URL after white space" + PROSE),
        ("<http://h/1>", "something before the URL" + PROSE),
        ('"http://h/1"', "something before the URL" + PROSE),
        ("url=http://h/1", "something before the URL" + PROSE),
    ],
)
def test_prose_is_no_url(entry: str, reason: str) -> None:
    """White space in the host, more than one run of it without a scheme, and a second URL tell that this is text."""
    with pytest.raises(InvalidURLError) as raised:
        absolute(entry, None)
    assert raised.value.reason == reason


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("http://h/My Summer  Photo.jpg", "http://h/My Summer  Photo.jpg"),
        ("example.org/My Photo.jpg", "https://example.org/My Photo.jpg"),
        ("http://h/?q=a b c", "http://h/?q=a b c"),
        ("http://h/?u=http://h/2", "http://h/?u=http://h/2"),
    ],
)
def test_white_space_in_a_path_is_percent_encoded(entry: str, url: str) -> None:
    """A URL with a scheme may hold spaces behind its host, and one without may hold one run of them."""
    assert absolute(entry, None) == url


@pytest.mark.parametrize("name", ["list.txt", "list.jsonl", "list.csv"])
def test_a_byte_order_mark_at_the_start_of_any_line_goes(name: str, tmp_path: Path) -> None:
    """cat makes them of files that have one each."""
    rows = {"list.txt": "http://h/{}\n", "list.jsonl": '{{"url": "http://h/{}"}}\n', "list.csv": '"http://h/{}",x\n'}
    text = "".join("\ufeff" + rows[name].format(number) for number in (1, 2))
    text = "\ufeffurl,x\n" + text if name == "list.csv" else text + "\ufeff\n\ufeff \n"
    (path := tmp_path / name).write_text(text, "utf-8")
    reading = read(path)
    assert [url for _, url in reading.urls] == ["http://h/1", "http://h/2"]
    assert reading.reasons == []


def test_a_comment_behind_a_byte_order_mark_is_one(tmp_path: Path) -> None:
    """The line begins behind the mark."""
    (path := tmp_path / "list").write_text("http://h/1\n\ufeff# c\n\ufeff  # c\n", "utf-8")
    reading = read(path)
    assert (reading.urls, reading.reasons) == ([(1, "http://h/1")], [])


@pytest.mark.parametrize(
    ("entry", "character"),
    [
        ("\u200bhttp://h/1", "U+200B ZERO WIDTH SPACE"),
        ("\u200eexample.org", "U+200E LEFT-TO-RIGHT MARK"),
        ("\u202ahttps://h/1", "U+202A LEFT-TO-RIGHT EMBEDDING"),
        ("\u2060http://h/1", "U+2060 WORD JOINER"),
        ("\xadhttp://h/1", "U+00AD SOFT HYPHEN"),
        ("ht\u200btp://h/1", "U+200B ZERO WIDTH SPACE"),
        ("http\u200b://h/1", "U+200B ZERO WIDTH SPACE"),
        ("http:\u200b//h/1", "U+200B ZERO WIDTH SPACE"),
        ("http:/\u200d/h/1", "U+200D ZERO WIDTH JOINER"),
        ("http://\ufeffh/1", "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
        ("\U000e0020http://h/1", "U+E0020 TAG SPACE"),
    ],
)
def test_an_invisible_character_before_the_host_is_named(entry: str, character: str) -> None:
    """The message names the invisible character, and nothing is requested from a host called http."""
    with pytest.raises(InvalidURLError) as raised:
        absolute(entry, None)
    assert raised.value.reason == f"an invisible character ({character}) before the host"


def test_an_invisible_character_elsewhere_is_as_browsers_have_it() -> None:
    """Within a host it is IDNA's to drop, and in a path it is percent-encoded."""
    assert absolute("http://ex\u00adample.org/\u200b", None) == "http://ex\u00adample.org/\u200b"


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("example.org", "https://example.org"),
        ("example.org/a.txt", "https://example.org/a.txt"),
        ("www.example.org:8080/a?b", "https://www.example.org:8080/a?b"),
        ("localhost:8000", "https://localhost:8000"),
        ("127.0.0.1/x", "https://127.0.0.1/x"),
        ("[::1]:80", "https://[::1]:80"),
        ("//example.org/", "https://example.org/"),
        ("https:/example.org", "https://example.org"),
        (" http://example.org/", "https://example.org/"),
        ("urls.txt", None),
        ("lists/urls.csv.gz", None),
        ("data.json", None),
        ("urls", None),
        ("./example.org", None),
        ("/nowhere/example.org", None),
    ],
)
@pytest.mark.parametrize("how", ["argument", "--list"])
def test_a_missing_file_whose_name_is_a_host_may_be_meant_as_a_url(how: str, name: str, url: str | None) -> None:
    """The message says how a URL begins where the name could be one, and no more than the system's where not."""
    with pytest.raises(ListError) as raised:
        read(name) if how == "argument" else read(lists=(name,))
    hint = "" if url is None else f"; a URL begins with http:// or https://, as in {url}"
    assert raised.value.reason == f"No such file or directory{hint}"
