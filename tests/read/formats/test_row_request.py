"""What a row of a JSON Lines list may ask for itself."""

import json
from pathlib import Path

import pytest

from scrapepool.model import ErrorKind, RowRequest, Target
from scrapepool.read import TargetList
from scrapepool.settings import InputSettings
from tests.read.reading import Reading, read

URL = "http://a.example/"
JSON_TYPE = (("Content-Type", "application/json"),)


def write(tmp_path: Path, *rows: dict[str, object]) -> Path:
    path = tmp_path / "urls.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def requests(tmp_path: Path, *rows: dict[str, object], **settings: object) -> list[RowRequest | None]:
    reading = read(write(tmp_path, *({"url": f"{URL}{n}", **row} for n, row in enumerate(rows))), **settings)
    assert not reading.rejected, reading.reasons
    return [target.request for target in reading.found if isinstance(target, Target)]


@pytest.mark.parametrize(
    ("row", "request_"),
    [
        ({}, None),
        ({"method": None, "data": None}, None),
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
    """Text is a body as it stands, objects and arrays are JSON; a body without a method is a POST.

    It stands under one key, or with an option in columns.
    """
    assert requests(tmp_path, {"request": row}) == [request_]
    assert requests(tmp_path, row, row_requests=True) == [request_]


@pytest.mark.parametrize(
    ("row_requests", "request_", "columns"),
    [
        (None, RowRequest("PUT"), {"method": "HEAD", "n": 1}),
        (True, RowRequest("PUT"), {"method": "HEAD", "n": 1}),
        (False, None, {"method": "HEAD", "n": 1, "request": {"method": "PUT"}}),
    ],
)
def test_the_rest_is_passed_on(
    tmp_path: Path, row_requests: bool | None, request_: RowRequest | None, columns: dict[str, object]
) -> None:
    """What is a request's is no column; the key goes before columns; with the option off all of it is columns."""
    path = write(tmp_path, {"url": URL, "method": "HEAD", "n": 1, "request": {"method": "PUT"}})
    (target,) = read(path, row_requests=row_requests).found
    assert isinstance(target, Target)
    assert (target.request, target.input) == (request_, columns)


DATA_SETS: list[dict[str, object]] = [
    {"data": {"price": 5}},
    {"method": "POST", "data": "a=1", "headers": {"Host": "x"}, "timeout": "never"},
    {"method": "linear regression", "data": 5, "save_as": ""},
    {"request": "a text", "headers": ["a"]},
    {"request": None, "timeout": -1},
    {"outcome": "ok", "method": "HEAD", "data": {"title": ["a"]}, "headers": {"server": "x"}},
    {"outcome": "ok", "request": {"method": "POST", "data_sha256": "00"}, "input": {"data": "a"}},
]


@pytest.mark.parametrize("row", DATA_SETS)
def test_columns_of_a_data_set_are_no_request(tmp_path: Path, row: dict[str, object]) -> None:
    """Whatever they hold: they come back as they are, and change nothing of what is requested."""
    (target,) = read(write(tmp_path, {"url": URL, **row})).found
    assert isinstance(target, Target)
    assert (target.request, target.input) == (None, row)


def test_a_record_is_never_a_request(tmp_path: Path) -> None:
    """Its keys tell of a response, also where columns are taken for requests."""
    row = {"outcome": "ok", "method": "POST", "data": {"title": "a"}, "headers": {"server": "x"}}
    assert requests(tmp_path, row, row_requests=True) == [None]


def test_columns_that_may_be_meant_are_named_once(tmp_path: Path) -> None:
    """A note names them, unless an option says what they are, and not for those of a record."""
    rows = [{"url": f"{URL}{number}", "data": 1, "method": "x"} for number in range(3)]
    rows.append({"url": URL, "outcome": "ok", "timeout": 1})

    def notes(path: Path, row_requests: bool | None) -> list[str]:
        said: list[str] = []
        targets = TargetList([str(path)], InputSettings(row_requests=row_requests), on_note=said.append)
        Reading(targets).to_the_end()
        targets.close()
        return said

    (note,) = notes(write(tmp_path, *rows), None)
    assert "urls.jsonl: rows have 'method', 'data', which do not change their requests; --row-requests applies" in note
    assert notes(write(tmp_path, *rows), False) == []
    assert notes(write(tmp_path, rows[-1]), None) == []
    assert notes(write(tmp_path, {"url": URL, "request": {"data": "a"}}), None) == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"method": "A B"}, "no HTTP method: 'A B'"),
        ({"method": 5}, "no HTTP method: 5"),
        ({"method": "CONNECT"}, "the method CONNECT is not allowed"),
        ({"method": "trace"}, "the method TRACE is not allowed"),
        ({"headers": ["a"]}, "headers are no JSON object"),
        ({"headers": {"a": ["b"]}}, "the header 'a' is no text"),
        ({"headers": {"a b": "c"}}, "'a b' is not a header name"),
        ({"headers": {"a": "b\r\nc: d"}}, "the value of a holds a control character"),
        ({"headers": {"a": "☃"}}, "the value of a holds a character outside latin-1, which HTTP cannot carry"),
        (
            {"headers": {"Content-Length": "5"}},
            "Content-Length is computed from the body and cannot be set",
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
    """A value that is not valid rejects its line, and the message has the line's number."""
    for settings, said in (({}, {"request": row}), ({"row_requests": True}, row)):
        path = write(tmp_path, {"url": URL}, {"url": URL + "x", **said})
        reading = read(path, **settings)
        assert reading.urls == [(1, URL)]
        assert reading.reasons == [(2, ErrorKind.INVALID_URL, f"{path}:2: {reason}")]


def test_a_key_that_no_request_has_costs_its_row(tmp_path: Path) -> None:
    """A slip of the pen must not send another request than was meant."""
    reading = read(write(tmp_path, {"url": URL, "request": {"methd": "POST"}}))
    ((_, _, reason),) = reading.reasons
    assert reason is not None
    assert "request has the key 'methd'; it takes method, headers, data, timeout, save_as" in reason


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
    reading = read(write(tmp_path, *({"url": URL, "request": row} for row in rows)))
    assert [line for line, _ in reading.urls] == [1, 4, 5, 6]
    assert [line for line, _, _ in reading.reasons] == [2, 3, 7]
