"""CSV and TSV as people and programs write them: what stands before the header, in it and between the rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.errors import ListError
from scrapepool.model import ErrorKind, Target
from tests.read.reading import Reading, read

URLHAUS = """################################################################
# abuse.ch URLhaus Database Dump (CSV - recent URLs only)      #
# Terms Of Use: https://urlhaus.abuse.ch/api/                  #
################################################################
#
# id,dateadded,url,url_status
"1","2026-01-01 00:00:01","http://a.example/1","online"
"2","2026-01-01 00:00:02","http://a.example/2","offline"
"""


def both(tmp_path: Path, content: str | bytes, name: str = "urls.csv", **settings: object) -> Reading:
    """Read a list as a file, and see that standard input gives the same."""
    raw = content.encode() if isinstance(content, str) else content
    path = tmp_path / name
    path.write_bytes(raw)
    reading = read(path, **settings)
    piped = read("-", stdin=raw, format=path.suffix[1:], **settings)
    assert piped.urls == reading.urls
    assert inputs(piped) == inputs(reading)
    return reading


def inputs(reading: Reading) -> dict[int | None, object]:
    return {target.line: target.input for target in reading.found if isinstance(target, Target)}


@pytest.mark.parametrize(
    ("before", "delimiter"),
    [
        ("sep=;\n", ";"),
        ("sep=;\r\n", ";"),
        ('"sep=;"\n', ";"),
        ("SEP=|\n", "|"),
        ("sep=\t\n", "\t"),
        ("sep=^\n", "^"),
        ("\ufeffsep=,\n\n", ","),
        ("\n", ","),
        ("\r\n \r\n", ";"),
        (",,\n", ","),
        ("# a dump of 2026\n# see https://a.example/, or ask\n", ","),
        ("# url\n", ","),
        ("#\n\n# id, url\n", ";"),
        ("sep=;\n# a dump\n", ";"),
    ],
)
@pytest.mark.parametrize("automatic", [False, True])
def test_what_stands_before_the_header_is_passed_over(
    tmp_path: Path, before: str, delimiter: str, automatic: bool
) -> None:
    """A separator that is said, comments and blank lines; the lines keep their numbers."""
    rows = [["id", "url"], ["1", "http://a.example/1"], ["2", "http://a.example/2"]]
    content = before + "".join(f"{delimiter.join(row)}\n" for row in rows)
    reading = read("-", stdin=content.encode()) if automatic else both(tmp_path, content)
    first = before.count("\n") + 2
    assert reading.urls == [(first, "http://a.example/1"), (first + 1, "http://a.example/2")]
    assert inputs(reading) == {first: {"id": "1"}, first + 1: {"id": "2"}}


def test_a_header_may_be_the_last_comment(tmp_path: Path) -> None:
    """As in URLhaus's dumps: it names the column of the URL, has as many cells as the first row, which names none."""
    for reading in (both(tmp_path, URLHAUS), read("-", stdin=URLHAUS.encode())):
        assert reading.urls == [(7, "http://a.example/1"), (8, "http://a.example/2")]
        assert inputs(reading)[7] == {"id": "1", "dateadded": "2026-01-01 00:00:01", "url_status": "online"}
    assert both(tmp_path, "#url,n\nlink,url\nx,http://a.example/1\n").urls == [(3, "http://a.example/1")]
    assert inputs(both(tmp_path, "#,url\n1,http://a.example/1\n")) == {2: {"#": "1"}}
    with pytest.raises(ListError, match="no column called url; there is 'a', 'b', 'c'"):
        both(tmp_path, "# n,url\na,b,c\n")


def test_a_header_in_a_comment_is_judged_by_the_column_that_is_read() -> None:
    """A column called url goes before one called link, wherever they stand."""
    reading = read("-", stdin=b"# link,url\nx,http://a.example/1\n")
    assert (reading.urls, inputs(reading)) == ([(2, "http://a.example/1")], {2: {"link": "x"}})


@pytest.mark.parametrize(
    ("content", "urls"),
    [
        ("# title, url\nhttp://a.example/1,b\n", ["http://a.example/1,b"]),
        ("# link,url\nhttp://a.example/1,b\n", ["http://a.example/1,b"]),
        ("# a url, or a link\na.example/1\na.example/2\n", ["https://a.example/1", "https://a.example/2"]),
        ("\n\n# url\n\nhttp://a.example/url,link\n", ["http://a.example/url,link"]),
    ],
)
def test_comments_of_a_text_list_are_no_header(content: str, urls: list[str]) -> None:
    """Without a name or an option that says CSV, the first row has to hold a URL in the column that is named."""
    assert [url for _, url in read("-", stdin=content.encode()).urls] == urls


@pytest.mark.parametrize("repeat", ["id,url\n", "\ufeffid,url\n", "id,url\r\n", '"id","url"\n'])
def test_a_repeated_header_is_passed_over(tmp_path: Path, repeat: str) -> None:
    """``cat a.csv b.csv`` puts it there; one with other columns is rejected, as what follows may be anything."""
    reading = both(tmp_path, f"id,url\n1,http://a.example/1\n{repeat}2,http://a.example/2\n")
    assert (reading.urls, reading.rejected) == ([(2, "http://a.example/1"), (4, "http://a.example/2")], [])
    reading = both(tmp_path, "id,url\n1,http://a.example/1\nname,url\n2,http://a.example/2\n")
    assert [line for line, _ in reading.urls] == [2, 4]
    assert reading.reasons == [
        (3, ErrorKind.INVALID_URL, f"{tmp_path}/urls.csv:3: another header row, with other columns")
    ]
    reading = both(tmp_path, "id\n1\nid\n2\n", url_template="http://a.example/{id}")
    assert [url for _, url in reading.urls] == ["http://a.example/1", "http://a.example/2"]


def test_long_cells(tmp_path: Path) -> None:
    """A quoted cell may be as long as a row: longer than Python's csv takes by itself."""
    text = 'a "quoted" text, ' * 20_000
    quoted = text.replace('"', '""')
    reading = both(tmp_path, f'url,text\nhttp://a.example/1,"{quoted}"\n')
    assert inputs(reading) == {2: {"text": text}}


@pytest.mark.parametrize("name", ["urls.csv", "urls.tsv", "urls.jsonl"])
def test_cells_that_are_no_utf8(tmp_path: Path, name: str) -> None:
    """They cost the row where they are its URL, and are shown with U+FFFD where they are something else."""
    rows = [("http://a.example/1", "Zoë"), ("http://a.example/é", "a"), ("http://a.example/3", "a")]
    if name == "urls.jsonl":
        lines = [json.dumps({"url": url, "name": text}, ensure_ascii=False) for url, text in rows]
    else:
        delimiter = "\t" if name == "urls.tsv" else ","
        lines = [f"url{delimiter}name", *(f"{url}{delimiter}{text}" for url, text in rows)]
    reading = both(tmp_path, "\n".join(lines).encode("latin-1"), name)
    first = 1 if name == "urls.jsonl" else 2
    assert reading.urls == [(first, "http://a.example/1"), (first + 2, "http://a.example/3")]
    assert inputs(reading)[first] == {"name": "Zo\ufffd"}
    (rejected,) = reading.rejected
    assert rejected.detail == f"{tmp_path}/{name}:{first + 1}: not UTF-8"
    assert rejected.target.input == {"name": "a"}


def test_names_of_columns_that_are_no_utf8(tmp_path: Path) -> None:
    """They cost nothing but their spelling."""
    reading = both(tmp_path, "url,théâtre\nhttp://a.example/1,2\n".encode("latin-1"))
    assert inputs(reading) == {2: {"th\ufffd\ufffdtre": "2"}}


def test_a_template_needs_its_columns_in_utf8(tmp_path: Path) -> None:
    """A URL is not made of bytes that are no text."""
    content = "id,name\n1,Zoë\né,x\n".encode("latin-1")
    reading = both(tmp_path, content, url_template="http://a.example/{id}")
    assert reading.urls == [(2, "http://a.example/1")]
    assert [(line, reason) for line, _, reason in reading.reasons] == [(3, f"{tmp_path}/urls.csv:3: not UTF-8")]


ROWS = [
    ("urls.csv", "url,n\n,1\n", "no URL"),
    ("urls.csv", "n,url\n1\n", "no URL in this row"),
    ("urls.csv", "n,url\n1,mailto:x\n", "scheme mailto is not supported (only http and https are)"),
    ("urls.jsonl", '{"url": null, "n": "1"}\n', "field 'url' is null"),
    ("urls.jsonl", '{"url": 5, "n": "1"}\n', "field 'url' holds no text"),
    ("urls.jsonl", '{"url": "x"}\n{"n": "1"}\n', "no field 'url'"),
    ("urls.jsonl", '{"url": "http://a.example/", "n": "1", "request": {"method": 5}}\n', "no HTTP method: 5"),
    ("urls.xml", "<urlset><url><lastmod>1</lastmod></url></urlset>", "no <loc>"),
]


@pytest.mark.parametrize(("name", "content", "reason"), ROWS)
def test_rejected_rows_keep_what_else_they_say(tmp_path: Path, name: str, content: str, reason: str) -> None:
    """Their record has it as ``input``, as that of any other row has."""
    path = tmp_path / name
    path.write_text(content)
    (rejected,) = read(path).rejected
    assert rejected.detail is not None
    assert rejected.detail.endswith(f": {reason}")
    assert rejected.target.input is not None
    assert set(rejected.target.input.values()) >= {"1"}


def test_rejected_rows_of_a_template_keep_their_columns(tmp_path: Path) -> None:
    """All of them, as there is no column of the URL."""
    for name, content in (("urls.csv", "id,n\n,1\n"), ("urls.jsonl", '{"id": null, "n": "1"}\n')):
        path = tmp_path / name
        path.write_text(content)
        (rejected,) = read(path, url_template="http://a.example/{id}").rejected
        assert rejected.target.input in ({"id": "", "n": "1"}, {"id": None, "n": "1"})


def test_rejected_rows_of_parquet_keep_their_columns(tmp_path: Path) -> None:
    """A null where the URL should be."""
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table({"url": [None, "http://a.example/"], "n": [1, 2]})
    __import__("pyarrow.parquet").parquet.write_table(table, tmp_path / "urls.parquet")
    (rejected,) = read(tmp_path / "urls.parquet").rejected
    assert rejected.detail == f"{tmp_path}/urls.parquet, row 1: no URL in this row"
    assert rejected.target.input == {"n": 1}


@given(
    st.lists(st.sampled_from(["\n", " \n", "#\n", "# x, y\n", ",,\n", "# n,url\n", "\r\n"]), max_size=5), st.booleans()
)
def test_whatever_stands_before_the_header(before: list[str], piped: bool) -> None:
    """Rows, their numbers and what else they say are the same."""
    content = "".join([*before, "n,url\n", "1,http://a.example/\n"]).encode()
    reading = read("-", stdin=content, **({} if piped else {"format": "csv"}))
    assert reading.urls == [(len(before) + 2, "http://a.example/")]
    assert inputs(reading) == {len(before) + 2: {"n": "1"}}
