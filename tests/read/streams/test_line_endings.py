"""What ends a line of a list, and that no request is made of two lines."""

from __future__ import annotations

import gzip
import io
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scrapepool.cli.program import run
from scrapepool.errors import ListError, UsageError
from scrapepool.model import Target
from scrapepool.read import TargetList
from scrapepool.read.formats.detect import format_of_bytes
from scrapepool.read.streams.line_endings import LineEndings, line_endings
from scrapepool.settings import InputSettings
from tests.read.reading import Reading, read

LISTS = {
    "line feeds": b"http://h/1\nhttp://h/2\nhttp://h/3\n",
    "line feeds and carriage returns": b"http://h/1\r\nhttp://h/2\r\nhttp://h/3\r\n",
    "carriage returns": b"http://h/1\rhttp://h/2\rhttp://h/3\r",
    "carriage returns without a last one": b"http://h/1\rhttp://h/2\rhttp://h/3",
    "all of them": b"http://h/1\rhttp://h/2\r\nhttp://h/3\n",
    "NULs": b"http://h/1\0http://h/2\0http://h/3\0",
    "NULs without a last one": b"http://h/1\0http://h/2\0http://h/3",
    "JSON strings and carriage returns": b'"http://h/1"\r"http://h/2"\r{"url":"http://h/3"}\r',
    "JSON and NULs": b'"http://h/1"\0{"url":"http://h/2"}\0{"url":"http://h/3"}\0',
    "CSV and carriage returns": b"id,url\r1,http://h/1\r2,http://h/2\r3,http://h/3\r",
    "TSV and carriage returns": b"id\turl\r1\thttp://h/1\r2\thttp://h/2\r3\thttp://h/3\r",
}
FORMATS = {"JSON": "jsonl", "CSV": "csv", "TSV": "tsv"}


class Dripping(io.RawIOBase):
    """A stream without a descriptor that gives a few bytes at a time."""

    def __init__(self, content: bytes, size: int) -> None:
        self._content = io.BytesIO(content)
        self._size = size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._content.read(self._size)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("how", ["file", "compressed", "1", "3", "100000"])
def test_a_list_has_the_lines_that_its_ends_make(name: str, how: str, tmp_path: Path) -> None:
    """A line feed, a carriage return and both together each end a line, and so does a NUL where it ends the first."""
    content, kind = LISTS[name], FORMATS.get(name.split(maxsplit=1)[0], "text")
    lines = [2, 3, 4] if kind in ("csv", "tsv") else [1, 2, 3]
    if how.isdigit():
        targets = TargetList(["-"], InputSettings(format=kind), stdin=Dripping(content, int(how)))
        reading = Reading(targets).to_the_end()
        targets.close()
    else:
        path = tmp_path / "list"
        path.write_bytes(gzip.compress(content) if how == "compressed" else content)
        reading = read(path, format=kind)
    assert reading.urls == list(zip(lines, ["http://h/1", "http://h/2", "http://h/3"], strict=True))
    assert reading.reasons == []


@pytest.mark.parametrize("content", [b"id,url\r1,http://h/1\r", b"http://h/1\r# url,x\r", b"http://h/1\0\0"])
def test_the_format_is_told_by_the_first_line_whatever_ends_it(content: bytes, tmp_path: Path) -> None:
    """A header row and a comment end where their line ends."""
    path = tmp_path / "list"
    path.write_bytes(content)
    assert [url for _, url in read(path).urls] == ["http://h/1"]


def test_a_quoted_cell_keeps_its_carriage_returns(tmp_path: Path) -> None:
    """Rows of CSV that end in line feeds are not cut at carriage returns within quotes; outside they are an error."""
    path = tmp_path / "list.csv"
    path.write_bytes(b'url,note\nhttp://h/1,"a\rb"\nhttp://h/2\rhttp://h/3,c\n')
    reading = read(path)
    assert [(target.url, target.input) for target in reading.found] == [("http://h/1", {"note": "a\rb"})]
    assert reading.reasons[0][2] == f"{path}:3: not CSV: a carriage return outside of quotes"


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("http://h/1\tTitle", "a tab in the URL: is this TSV? (input format: tsv)"),
        ("http://h/1\thttp://h/2", "a tab in the URL: is this TSV? (input format: tsv)"),
        ("http://127.0.0.1\t5:80/x", "a tab in the URL: is this TSV? (input format: tsv)"),
        ("http://h/1\x00http://h/2", "a NUL in the URL"),
        ("http://h/1\x0bhttp://h/2", "a line break in the URL"),
        ("http://h/1\x1ehttp://h/2", "a control character (U+001E) in the URL"),
        ("http://h/1\x7fhttp://h/2", "a control character (U+007F) in the URL"),
        ("http://h/1\x85http://h/2", "a line break in the URL"),
        ("http://h/1\x9bhttp://h/2", "a control character (U+009B) in the URL"),
        ("http://h/1\u2028http://h/2", "a line break in the URL"),
        ("http://h.example\t/x", "a tab in the URL: is this TSV? (input format: tsv)"),
    ],
)
@pytest.mark.parametrize("kind", ["text", "csv", "jsonl", "argument", "program"])
def test_a_control_character_is_no_part_of_a_url(kind: str, entry: str, reason: str, tmp_path: Path) -> None:
    """It rejects the row, with a reason that helps, in every format; the rows around it stay."""
    rows = ["http://h/before", entry, "http://h/after"]
    path = tmp_path / "list"
    if kind == "argument":
        reading = read(*rows)
    elif kind == "program":
        reading = Reading(TargetList.of_urls(rows, InputSettings())).to_the_end()
    else:
        lines = ["url,x", *(f"{row},x" for row in rows)] if kind == "csv" else rows
        lines = list(map(json.dumps, rows)) if kind == "jsonl" else lines
        path.write_bytes("".join(f"{line}\n" for line in lines).encode())
        reading = read(path, format=kind)
    assert [url for _, url in reading.urls] == ["http://h/before", "http://h/after"]
    assert [detail.partition(": ")[2] for _, _, detail in reading.reasons if detail] == [reason]


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_a_cell_a_string_and_an_argument_of_two_lines_are_no_url(end: str, tmp_path: Path) -> None:
    """What may hold a line break is still one row, and is rejected; a break at its end is white space."""
    two, one = f"http://h/1{end}http://h/2", f"http://h/3{end}"
    (csv := tmp_path / "list.csv").write_bytes(f'url,x\n"{two}",x\n"{one}",x\n'.encode())
    (jsonl := tmp_path / "list.jsonl").write_text(f"{json.dumps(two)}\n{json.dumps(one)}\n")
    program = Reading(TargetList.of_urls([two, one], InputSettings())).to_the_end()
    for reading in (read(csv), read(jsonl), read(two, one), program):
        assert [url for _, url in reading.urls] == ["http://h/3"]
        assert [detail.partition(": ")[2] for _, _, detail in reading.reasons if detail] == ["a line break in the URL"]


def test_patterns_and_templates_are_of_one_line(tmp_path: Path) -> None:
    """A pattern, template or base with a control character is refused; a value with one rejects its row."""
    with pytest.raises(UsageError, match="a line break in the URL"):
        read("x", base_url="http://h/\nhttp://h/2")
    with pytest.raises(UsageError, match="a line break in the URL"):
        read("http://h/[1-2]\nhttp://h/3", glob=True)
    (path := tmp_path / "list.jsonl").write_text('{"id": "1\\t2"}\n{"id": "3\\nhttp://h/4"}\n{"id": 5}\n')
    with pytest.raises(UsageError, match="a tab"):
        read(path, url_template="http://h/\t{id}")
    for template in ("http://h/{id}", "http://h/{+id}"):
        reading = read(path, url_template=template)
        assert [url for _, url in reading.urls] == ["http://h/5"]
        assert [detail for _, _, detail in reading.reasons] == [
            f"{path}:1: a tab in 'id'",
            f"{path}:2: a line break in 'id'",
        ]


def test_references_keep_the_browsers_rule(tmp_path: Path) -> None:
    """Tabs and line breaks within a link of a page and a loc of a sitemap are dropped."""
    (page := tmp_path / "page.html").write_text('<a href="http://h/a\tb\nc">x</a><a href="//h/d\te">x</a>')
    (sitemap := tmp_path / "map.xml").write_text("<urlset><url><loc>http://h/a\n\tb\x0b</loc></url></urlset>")
    assert [url for _, url in read(page).urls] == ["http://h/abc", "https://h/de"]
    assert [url for _, url in read(page, base_url="http://h/").urls] == ["http://h/abc", "http://h/de"]
    assert [url for _, url in read(sitemap).urls] == ["http://h/ab"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_wide_characters_are_no_separated_names(encoding: str, tmp_path: Path) -> None:
    """The zeros of UTF-16 and UTF-32 separate nothing: the list is refused whole."""
    (path := tmp_path / "list").write_bytes("http://h/1\nhttp://h/2\n".encode(encoding))
    with pytest.raises(ListError, match="is a binary file"):
        read(path)


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\0", b"a", b"\r\n", b"bcd"]), max_size=40), st.data())
def test_pieces_are_cut_anywhere(parts: list[bytes], data: st.DataObject) -> None:
    """Line ends are the same however a list comes, and so is what is read again at any place."""
    whole = b"".join(parts)
    ends = LineEndings(returns=data.draw(st.booleans()), nuls=data.draw(st.booleans()))
    pieces, at = [], 0
    while at < len(whole):
        size = data.draw(st.integers(1, 5))
        pieces.append(whole[at : at + size])
        at += size
    once = ends.with_newlines(whole)
    assert b"".join(ends.pieces(pieces)) == once
    assert len(once) == len(whole)
    begin, end = sorted((data.draw(st.integers(0, len(whole))), data.draw(st.integers(0, len(whole)))))
    again = ends.with_newlines(whole[begin:end])
    assert again[:-1] == once[begin:end][:-1]


MARK = re.compile(r"m\d+m")
SEPARATORS = [b"\n", b"\r", b"\r\n", b"\0", b"\t", b"\x0b", b"\x0c", b"\x1c", b"\x1f", b"\x7f"]
SEPARATORS += [separator.encode() for separator in ("\x85", "\u2028", "\u2029", "\n\ufeff", "\r\ufeff", "\n\n", "\t ")]
AROUND = st.one_of(
    st.just(b""), st.sampled_from([b" ", b"\xef\xbb\xbf", b"\xff", b'"', b",", b"\\"]), st.binary(max_size=3)
)
SPELLINGS = [b"http://h.example/%s", b"https://h.example:8/a?b=%s", b"%s.example", b"%s.example/x", b"HTTP://u:p@h/%s"]


@st.composite
def lists_of_marked_rows(draw: st.DrawFn) -> bytes:
    """Bytes of any kind in which marked URLs stand, a separator between each two of them."""
    whole = draw(AROUND)
    for number in range(draw(st.integers(1, 6))):
        url = draw(st.sampled_from(SPELLINGS)) % b"m%dm" % number
        whole += url + draw(AROUND).replace(b"#", b"") + draw(st.sampled_from(SEPARATORS)) + draw(AROUND)
    return whole.replace(b"#", b"")


def every_reading(whole: bytes, kind: str, size: int) -> Iterator[Reading]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "list")
        path.write_bytes(whole)
        for sources, stdin in (([str(path)], None), (["-"], Dripping(whole, size))):
            try:
                targets = TargetList(sources, InputSettings(format=kind), stdin=stdin)
            except ListError:
                continue  # a list that cannot be read has no requests
            try:
                yield Reading(targets).to_the_end()
            except ListError:
                continue
            finally:
                targets.close()


@settings(max_examples=300)
@example(b"<m0m.example\n", "auto", 1)
@given(lists_of_marked_rows(), st.sampled_from(["auto", "text", "csv", "tsv", "jsonl"]), st.integers(1, 50))
def test_no_request_is_made_of_two_rows(whole: bytes, kind: str, size: int) -> None:
    """Whatever bytes a list holds, no URL has something of two of its rows, and no row goes unsaid.

    Documents have links and no rows; that one of them has none is said of the whole.
    """
    rows = kind not in ("csv", "tsv") and not (kind == "auto" and format_of_bytes(whole) in ("html", "sitemap", "feed"))
    if kind in ("csv", "tsv"):
        whole = (b"url,x\n" if kind == "csv" else b"url\tx\n") + whole
    for reading in every_reading(whole, kind, size):
        said: set[str] = set()
        for found in reading.found:
            assert isinstance(found, Target)
            assert len(set(MARK.findall(found.url + found.host.host + found.path))) <= 1
            said.update(MARK.findall(f"{found.url} {found.input}"))
        for rejected in reading.rejected:
            said.update(MARK.findall(f"{rejected.target.url} {rejected.target.input}"))
        assert said == set(MARK.findall(whole.decode("latin-1"))) or not rows


@settings(max_examples=100)
@given(lists_of_marked_rows())
def test_no_argument_makes_a_request_of_two_rows(whole: bytes) -> None:
    """The same holds for what is given as one string: a URL of the command line or of a program, a value of JSON."""
    text = whole.decode(errors="replace")
    targets = TargetList.of_urls([text, f"http://h.example/{text}"], InputSettings())
    reading = Reading(targets).to_the_end()
    targets.close()
    assert len(reading.found) + len(reading.rejected) == 2
    for found in reading.found:
        assert len(set(MARK.findall(found.url + found.path))) <= 1


def test_line_ends_of_a_format() -> None:
    """A table is not cut at NULs, and one with line feeds is not cut at carriage returns."""
    assert line_endings("text", b"a.b\0c.d\0") == LineEndings(returns=True, nuls=True)
    assert line_endings("text", b"a.b\n\0c.d\0") == LineEndings(returns=True)
    assert line_endings("jsonl", b'"a"\0') == LineEndings(returns=True, nuls=True)
    assert line_endings("csv", b"a\rb\n\0") == LineEndings()
    assert line_endings("csv", b"a\rb\0") == LineEndings(returns=True)


def test_what_is_said_of_an_argument_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    """A line break in an argument is shown escaped, also where the run says that it found no URL."""
    assert run(["fetch", "http://h/1\nhttp://h/2", "--progress", "none", "-q"]) == 2
    assert "no usable URL in http://h/1\\nhttp://h/2" in capfd.readouterr().err
