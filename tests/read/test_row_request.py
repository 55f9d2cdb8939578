"""What a row of a JSON Lines list may ask for itself."""

import json
from pathlib import Path

import pytest
from reading import read

from scrapepool.model import ErrorKind, RowRequest, Target

URL = "http://a.example/"
JSON_TYPE = (("Content-Type", "application/json"),)


def requests(tmp_path: Path, *rows: dict[str, object], **settings: object) -> list[RowRequest | None]:
    path = tmp_path / "urls.jsonl"
    path.write_text("".join(json.dumps({"url": f"{URL}{n}", **row}) + "\n" for n, row in enumerate(rows)))
    reading = read(path, **settings)
    assert not reading.rejected, reading.reasons
    return [target.request for target in reading.found if isinstance(target, Target)]


@pytest.mark.parametrize(
    ("row", "request_"),
    [
        ({}, None),
        ({"n": 1, "method": None, "data": None}, None),
        ({"method": "head"}, RowRequest("HEAD")),
        ({"data": "a=é"}, RowRequest("POST", data="a=é".encode())),
        ({"data": {"a": ["é"]}}, RowRequest("POST", JSON_TYPE, '{"a":["é"]}'.encode())),
        ({"data": [], "method": "PUT"}, RowRequest("PUT", JSON_TYPE, b"[]")),
        ({"data": {}, "headers": {"content-type": "x/y"}}, RowRequest("POST", (("content-type", "x/y"),), b"{}")),
        ({"headers": {"X-N": 5, "Accept": " a "}}, RowRequest(headers=(("X-N", "5"), ("Accept", "a")))),
        ({"timeout": 5, "save_as": "a/b.html"}, RowRequest(timeout=5.0, save_as="a/b.html")),
    ],
)
def test_what_a_row_may_say(tmp_path: Path, row: dict[str, object], request_: RowRequest | None) -> None:
    """Text is a body as it stands, objects and arrays are JSON; a body without a method is a POST."""
    assert requests(tmp_path, row) == [request_]


def test_the_rest_is_passed_on(tmp_path: Path) -> None:
    """What is a request's is no column; with the option off all of it is columns."""
    path = tmp_path / "urls.jsonl"
    path.write_text(json.dumps({"url": URL, "method": "GET", "n": 1}) + "\n")
    assert [target.input for target in read(path).found if isinstance(target, Target)] == [{"n": 1}]
    (target,) = read(path, row_requests=False).found
    assert isinstance(target, Target)
    assert (target.request, target.input) == (None, {"method": "GET", "n": 1})


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"method": "A B"}, "no HTTP method: 'A B'"),
        ({"method": 5}, "no HTTP method: 5"),
        ({"headers": ["a"]}, "headers are no JSON object"),
        ({"headers": {"a": ["b"]}}, "the header 'a' is no text"),
        ({"headers": {"a b": "c"}}, "'a b' is no header name"),
        ({"headers": {"a": "b\r\nc: d"}}, "the value of a holds a control character"),
        ({"headers": {"a": "☃"}}, "the value of a holds a character outside latin-1, which HTTP cannot carry"),
        (
            {"headers": {"Content-Length": "5"}},
            "Content-Length follows from the body, and is not yours to set",
        ),
        ({"data": 5}, "data is neither text nor an object or array"),
        ({"data": "\ud800"}, "data holds a lone surrogate, which UTF-8 cannot carry"),
        ({"timeout": 0}, "no timeout: 0; give seconds above 0"),
        ({"timeout": True}, "no timeout: True; give seconds above 0"),
        ({"timeout": float("nan")}, "no timeout: nan; give seconds above 0"),
        ({"timeout": "5s"}, "no timeout: '5s'; give seconds above 0"),
        ({"save_as": ""}, "save_as is no file name"),
    ],
)
def test_what_a_row_may_not_say(tmp_path: Path, row: dict[str, object], reason: str) -> None:
    """A value that cannot be meant costs its line, and is told with its number."""
    path = tmp_path / "urls.jsonl"
    path.write_text(json.dumps({"url": URL}) + "\n" + json.dumps({"url": URL + "x", **row}) + "\n")
    reading = read(path)
    assert reading.urls == [(1, URL)]
    assert reading.reasons == [(2, ErrorKind.INVALID_URL, f"{path}:2: {reason}")]


def test_repeats(tmp_path: Path) -> None:
    """Rows are the same where URL, method and body are; header fields do not tell them apart."""
    rows = [
        {},
        {"method": "GET"},
        {"headers": {"a": "b"}},
        {"method": "HEAD"},
        {"data": "1"},
        {"data": "2"},
        {"data": "1"},
    ]
    path = tmp_path / "urls.jsonl"
    path.write_text("".join(json.dumps({"url": URL, **row}) + "\n" for row in rows))
    reading = read(path)
    assert [line for line, _ in reading.urls] == [1, 4, 5, 6]
    assert [line for line, _, _ in reading.reasons] == [2, 3, 7]
