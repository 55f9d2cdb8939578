"""Rows that ask otherwise than the run, from the list to the server and into the record."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from running import here

from tests.servers.polite import PoliteServer, Request, Response


class Echo:
    """Answers with what it was asked. ``/elsewhere`` and ``/see`` redirect: to another host as asked, here with GET."""

    elsewhere = ""

    def __call__(self, request: Request) -> Response:
        if request.target == "/elsewhere":
            return Response(307, headers=[("Location", self.elsewhere)])
        if request.target == "/see":
            return Response(303, headers=[("Location", "/seen")])
        fields = {name.lower(): value for name, value in request.headers}
        lines = [
            request.method,
            request.body.decode(),
            {name: fields.get(name) for name in ("x-a", "cookie", "content-type")},
        ]
        return Response(200 if request.target != "/bad" else 404, body=json.dumps(lines).encode())


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def web(echo: Echo) -> Iterator[PoliteServer]:
    with PoliteServer(2, echo) as server:
        echo.elsewhere = server.url("/there", 1)
        yield server


def rows(tmp_path: Path, *rows: dict[str, Any]) -> Path:
    path = tmp_path / "urls.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_each_row_is_asked_for_as_it_says(capfd: pytest.CaptureFixture[str], web: PoliteServer, tmp_path: Path) -> None:
    """Rows of one host, each with its own method, fields and body; the run's hold where a row says nothing."""
    url = web.url("/x")
    path = rows(
        tmp_path,
        {"url": url},
        {"url": url, "request": {"data": {"q": 1}, "headers": {"x-a": "row"}}},
        {"url": url, "request": {"method": "PUT", "data": "é"}},
        {"url": url, "request": {"method": "HEAD"}},
    )
    ran = here(capfd, "fetch", path, "--no-robots", "--body", "-q", "-H", "X-A: run")
    by_line = {record["line"]: (record.get("method"), record["body"]) for record in ran.records}
    assert ran.code == 0
    assert {line: (method, json.loads(body) if body else None) for line, (method, body) in by_line.items()} == {
        1: (None, ["GET", "", {"x-a": "run", "cookie": None, "content-type": None}]),
        2: ("POST", ["POST", '{"q":1}', {"x-a": "row", "cookie": None, "content-type": "application/json"}]),
        3: ("PUT", ["PUT", "é", {"x-a": "run", "cookie": None, "content-type": None}]),
        4: ("HEAD", None),
    }


def test_records_are_a_list_of_urls(capfd: pytest.CaptureFixture[str], web: PoliteServer, tmp_path: Path) -> None:
    """What a run took out of pages is not sent to them, nor are their header fields; all of it comes back as input."""
    first, out = rows(tmp_path, {"url": web.url("/1")}, {"url": web.url("/2")}), tmp_path / "out.jsonl"
    common = ("--no-robots", "-q", "--select", "x=re:(GET)", "--headers", "--body")
    assert here(capfd, "fetch", first, "-o", out, *common).code == 0
    ran = here(capfd, "fetch", out, "-o", "-", *common)
    assert ran.code == 0
    before = [json.loads(line) for line in out.read_bytes().splitlines()]
    for record in ran.records:
        assert json.loads(record["body"])[:2] == ["GET", ""]
        (old,) = (old for old in before if old["url"] == record["url"])
        assert record["input"] == {name: value for name, value in old.items() if name != "url"}
        assert old["data"] == {"x": "GET"}


def test_redirects(capfd: pytest.CaptureFixture[str], web: PoliteServer, tmp_path: Path) -> None:
    """A row's body goes along where the method does, its secrets stay with the origin."""
    own = {"request": {"data": {"q": 1}, "headers": {"X-A": "1", "Cookie": "s=1"}}}
    path = rows(tmp_path, {"url": web.url("/elsewhere"), **own}, {"url": web.url("/see"), **own})
    ran = here(capfd, "fetch", path, "--no-robots", "--body", "-q")
    assert {record["line"]: json.loads(record["body"]) for record in ran.records} == {
        1: ["POST", '{"q":1}', {"x-a": None, "cookie": None, "content-type": "application/json"}],
        2: ["GET", "", {"x-a": "1", "cookie": "s=1", "content-type": None}],
    }


def test_the_runs_body_is_not_for_a_row_that_only_asks(
    capfd: pytest.CaptureFixture[str], web: PoliteServer, tmp_path: Path
) -> None:
    """A row's GET has no body, though the run has one."""
    path = rows(tmp_path, {"url": web.url("/x"), "request": {"method": "GET"}}, {"url": web.url("/x")})
    ran = here(capfd, "fetch", path, "--no-robots", "--body", "-q", "--data", "run")
    assert {record["line"]: json.loads(record["body"])[:2] for record in ran.records} == {
        1: ["GET", ""],
        2: ["POST", "run"],
    }


def test_a_rows_own_timeout(capfd: pytest.CaptureFixture[str], web: PoliteServer, tmp_path: Path) -> None:
    """It holds for its row alone."""
    path = rows(tmp_path, {"url": web.url("/x"), "request": {"timeout": 1e-9}}, {"url": web.url("/x?")})
    ran = here(capfd, "fetch", path, "--no-robots", "-q", "--retries", "0")
    assert {record["line"]: record["error"] for record in ran.records} == {1: "deadline", 2: None}


@pytest.mark.parametrize("output", ["out.jsonl", "out.csv", "out.db"])
def test_resume_knows_rows_by_method_and_body(
    capfd: pytest.CaptureFixture[str], web: PoliteServer, tmp_path: Path, output: str
) -> None:
    """Rows of one URL are each fetched once over two runs; one that failed is fetched again."""
    url = web.url("/x")
    path = rows(
        tmp_path,
        {"url": url},
        {"url": url, "request": {"data": "1"}},
        {"url": url, "request": {"data": "2"}},
        {"url": url, "request": {"method": "PUT"}},
        {"url": web.url("/bad"), "request": {"data": "3"}},
    )
    to = ["--sqlite" if output == "out.db" else "-o", tmp_path / output]
    common = ["fetch", path, "--no-robots", "--progress", "none", *to]
    assert here(capfd, *common, "--limit", "3", "-w", "1", "--per-host", "1").code == 0
    before = web.sites[0].requests
    assert here(capfd, *common, "--resume").code == 1
    assert (before, web.sites[0].requests) == (3, 5)
    assert here(capfd, *common, "--resume").code == 1
    assert web.sites[0].requests == 6
    assert len(records(tmp_path / output)) == 5


def records(path: Path) -> list[object]:
    if path.suffix == ".db":
        with closing(sqlite3.connect(path)) as db:
            return db.execute("SELECT url, method, request FROM records").fetchall()
    return list(path.read_text().splitlines()[path.suffix == ".csv" :])
