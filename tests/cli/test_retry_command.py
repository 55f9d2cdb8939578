"""``scrapepool retry``: what failed, once more, by the records alone."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from running import here

from tests.servers.polite import PoliteServer, Request, Response

PLAIN = ("--no-robots", "-q", "--retries", 0)


class Server(PoliteServer):
    """Fails until it is ``up``; then it says what it was asked for, except for /gone."""

    def __init__(self) -> None:
        self.up = False
        super().__init__(handler=self._respond)

    def _respond(self, request: Request) -> Response | None:
        if request.target.startswith("/gone"):
            return Response(404)
        if not self.up and request.target != "/page":
            return Response(503)
        names = ("Accept-Language", "Content-Type", "Authorization")
        seen = {name: request.header(name) for name in names if request.header(name)}
        return Response(body=json.dumps([request.method, request.body.decode(), seen]).encode())


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def records(capfd: pytest.CaptureFixture[str], server: Server, tmp_path: Path) -> Path:
    """Records of a run whose server was down but for one page."""
    rows = [
        {"url": server.url("/page"), "id": 1},
        {"url": server.url("/a"), "id": 2, "request": {"headers": {"Accept-Language": "k"}}},
        {"url": server.url("/b"), "id": 3, "request": {"data": {"q": 1}}},
        {"url": server.url("/b"), "id": 4},
        {"url": server.url("/gone"), "id": 5},
        {"url": "no url at all", "id": 6},
    ]
    (tmp_path / "urls.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    out = tmp_path / "out.jsonl"
    assert here(capfd, "fetch", tmp_path / "urls.jsonl", "--body", "-o", out, *PLAIN).code == 1
    server.up = True
    return out


def test_rows_are_fetched_again_as_they_were(capfd: pytest.CaptureFixture[str], server: Server, records: Path) -> None:
    """They keep method, data, header fields, columns and place. New records replace the old ones only."""
    before = {one["input"]["id"]: one for one in lines(records)}
    assert before[3]["row_request"] == {
        "method": "POST",
        "headers": {"Content-Type": "application/json"},
        "data": '{"q":1}',
    }
    ran = here(capfd, "retry", records, "--body", *PLAIN)
    assert (ran.code, ran.out) == (1, "")
    after = {one["input"]["id"]: one for one in lines(records)}
    assert len(lines(records)) == len(before) == len(after)
    assert after[1] == before[1]
    assert after[6] == before[6]
    assert {number: json.loads(after[number]["body"]) for number in (2, 3, 4)} == {
        2: ["GET", "", {"Accept-Language": "k"}],
        3: ["POST", '{"q":1}', {"Content-Type": "application/json"}],
        4: ["GET", "", {}],
    }
    assert {number: one["line"] for number, one in after.items()} == {n: n for n in before}
    assert after[5]["status"] == 404
    assert "row_request" not in after[3]


def test_classes_and_another_file(capfd: pytest.CaptureFixture[str], server: Server, records: Path) -> None:
    """Only the named classes go into the named file; RECORDS stays as it is."""
    before, other = records.read_bytes(), records.with_name("again.csv")
    assert here(capfd, "retry", records, "--class", "5xx,!501", "-o", other, *PLAIN).code == 0
    assert records.read_bytes() == before
    assert other.read_text().count("\n") == 4
    ran = here(capfd, "retry", records, "--class", "dns", *PLAIN)
    assert ran == (0, "", f"scrapepool: {records}: nothing to fetch again\n")
    server.up = False
    assert here(capfd, "retry", records, "--class", "5xx", "-o", records, *PLAIN).code == 1
    assert len(lines(records)) == len(before.splitlines())


def test_a_retry_that_stops_loses_no_target(capfd: pytest.CaptureFixture[str], server: Server, records: Path) -> None:
    """Old records stay until the end; the next retry goes on."""
    before = records.read_bytes()
    assert here(capfd, "retry", records, "--limit", 1, *PLAIN).code == 0
    assert set(before.splitlines()) - set(records.read_bytes().splitlines()) != set()
    assert len(lines(records)) == len(before.splitlines())
    with records.open("ab") as stream:
        stream.write(b'{"url":"ht')
    ran = here(capfd, "retry", records, *PLAIN)
    assert ran.code == 1
    assert "the last record is incomplete and was skipped" in ran.err
    assert [one["error"] for one in lines(records) if one["outcome"] not in ("ok", "skipped")] == ["http_4xx"]


@pytest.mark.parametrize("name", ["out.csv", "out.db"])
def test_tables(capfd: pytest.CaptureFixture[str], server: Server, tmp_path: Path, name: str) -> None:
    """CSV is appended to, whatever its suffix, and rows of a database are replaced."""
    rows = [{"url": server.url("/a"), "request": {"data": "x"}}, {"url": server.url("/page")}]
    urls, out = tmp_path / "urls.jsonl", tmp_path / name
    urls.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    output = ("-o", out) if name == "out.csv" else ("--sqlite", out)
    here(capfd, "fetch", urls, *output, *PLAIN)
    if name == "out.csv":
        out = out.rename(tmp_path / "records")
    server.up = True
    assert here(capfd, "retry", out, *PLAIN).code == 0
    assert here(capfd, "failed", out).out == ""
    if name == "out.csv":
        assert out.read_text().count("\n") == 3
    else:
        with closing(sqlite3.connect(out)) as db:
            assert db.execute("SELECT method, outcome FROM records ORDER BY method").fetchall() == [
                ("GET", "ok"),
                ("POST", "ok"),
            ]


def test_credentials_of_rows_are_hidden(capfd: pytest.CaptureFixture[str], server: Server, tmp_path: Path) -> None:
    """Such a row is left out, unless the field is given again."""
    row = {"url": server.url("/a"), "request": {"headers": {"Authorization": "Bearer t", "Accept-Language": "k"}}}
    (tmp_path / "urls.jsonl").write_text(json.dumps(row))
    out = tmp_path / "out.jsonl"
    here(capfd, "fetch", tmp_path / "urls.jsonl", "--body", "-o", out, *PLAIN)
    assert lines(out)[0]["row_request"] == {"headers": {"Authorization": "***", "Accept-Language": "k"}}
    server.up = True
    output = (
        "scrapepool: rows left out whose records lack data or hide credentials; fetch --resume reads these from the "
        "list: 1\n"
    )
    assert here(capfd, "failed", out, "--rows") == (0, "", output)
    assert here(capfd, "retry", out, *PLAIN) == (1, "", f"{output}scrapepool: {out}: nothing to fetch again\n")
    assert here(capfd, "retry", out, "--body", "-H", "Authorization: Bearer new", *PLAIN).code == 0
    assert json.loads(lines(out)[0]["body"])[2] == {"Authorization": "Bearer new", "Accept-Language": "k"}


def test_the_method_of_the_run(capfd: pytest.CaptureFixture[str], server: Server, tmp_path: Path) -> None:
    """Is taken from the records; the body of a POST is not in them and must be given again."""
    out = tmp_path / "out.jsonl"
    here(capfd, "fetch", server.url("/a"), "-X", "HEAD", "-o", out, *PLAIN)
    server.up = True
    assert here(capfd, "retry", out, *PLAIN).code == 0
    assert [(one["method"], one["outcome"], one["line"]) for one in lines(out)] == [("HEAD", "ok", None)]
    server.up = False
    here(capfd, "fetch", server.url("/a"), "--data", "x", "-o", out, *PLAIN)
    server.up = True
    ran = here(capfd, "retry", out, *PLAIN)
    assert ran.code == 2
    assert "was requested with POST and the --data of its run, which records do not hold" in ran.err
    assert here(capfd, "retry", out, "--data", "x", *PLAIN).code == 0
    assert len(lines(out)) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--resume"], "retry needs no --resume: it goes on with RECORDS"),
        (["--base-url", "http://a/"], "retry takes its rows from RECORDS; --base-url is about lists"),
        (["--class", "rain"], "unknown class: rain"),
        (["-o", "out.txt.gz"], "--output out.txt.gz would hold JSON Lines"),
    ],
)
def test_wrong_usage_of_retry_is_reported(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, options: list[str], message: str
) -> None:
    """The exit code is 2, and nothing is fetched."""
    path = tmp_path / "out.jsonl"
    path.write_text('{"url":"http://127.0.0.1:1/","outcome":"failed","error":"dns"}\n')
    ran = here(capfd, "retry", path, *options)
    assert ran.code == 2
    assert message in ran.err


def test_what_cannot_be_added_to(capfd: pytest.CaptureFixture[str], server: Server, tmp_path: Path) -> None:
    """A Parquet file or a compressed one needs -o."""
    table = tmp_path / "out.parquet"
    here(capfd, "fetch", server.url("/a"), "--parquet", table, *PLAIN)
    ran = here(capfd, "retry", table, *PLAIN)
    assert ran.code == 2
    assert f"{table} cannot be added to; name another file for the new records with -o" in ran.err
    server.up = True
    assert [one["outcome"] for one in here(capfd, "retry", table, "-o", "-", *PLAIN).records] == ["ok"]
