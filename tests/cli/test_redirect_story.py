"""A redirect that leads to a host in trouble keeps its story in every record, and old records are read without it."""

from __future__ import annotations

import csv
import json
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from running import closed_port, here

from scrapepool.record_fields import LATER
from scrapepool.sqlite_schema import LATER_COLUMNS
from scrapepool.transport.net.connection import Connection
from scrapepool.transport.net.resolver import Resolver
from tests.servers.polite import PoliteServer, Request, Response

FETCH = ("fetch", "--progress", "none", "-q", "--retries", "0")


def answer(request: Request) -> Response | None:
    """``/to/STATUS/URL`` and ``/loop`` redirect; other paths are up to the requested host."""
    if request.target == "/loop":
        return Response(302, [("Location", "/loop")])
    if request.target.startswith("/to/"):
        _, _, status, url = request.target.split("/", 3)
        return Response(int(status), [("Location", url)])
    return None


@pytest.fixture
def web() -> Iterator[PoliteServer]:
    with PoliteServer(2, answer) as server:
        yield server


def to(server: PoliteServer, url: str, status: int = 301) -> str:
    return server.url(f"/to/{status}/{quote(url, safe=':/')}")


def redirect_fields(record: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(record[name] for name in ("outcome", "error", "final_url", "redirects", "hops", "attempts"))


def story(server: PoliteServer, dead: str) -> tuple[Any, ...]:
    """What each record tells of the way to ``dead``."""
    start = to(server, dead)
    return dead, [start], [{"url": start, "status": 301}], 1


@pytest.mark.parametrize("robots", ["--robots", "--no-robots"])
def test_a_dead_host(capfd: pytest.CaptureFixture[str], web: PoliteServer, robots: str) -> None:
    """A refused port: with its robots.txt asked for first, or without."""
    place = f"127.0.0.1:{closed_port()}"
    dead = f"http://{place}/x"
    (record,) = here(capfd, *FETCH, robots, to(web, dead)).records
    assert redirect_fields(record) == ("failed", "connect_refused", *story(web, dead))
    assert place in record["detail"]


@pytest.mark.parametrize(
    ("rules", "error"),
    [(Response(503), "robots_unreachable"), (Response(200, [], b"User-agent: *\nDisallow: /x"), "robots")],
)
def test_a_host_that_robots_txt_closes(capfd: pytest.CaptureFixture[str], rules: Response, error: str) -> None:
    """``robots_unreachable`` after a hop, and ``robots`` where its rules forbid what the redirect leads to."""

    def robots(request: Request) -> Response | None:
        if request.target == "/robots.txt" and request.site is server.sites[1]:
            return rules
        return answer(request)

    with PoliteServer(2, robots) as server:
        there = server.url("/x", 1)
        (record,) = here(capfd, *FETCH, to(server, there)).records
    assert redirect_fields(record) == ("skipped", error, *story(server, there))
    assert there.split("/")[2] in record["detail"]


def test_a_name_that_is_not_found(
    capfd: pytest.CaptureFixture[str], web: PoliteServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is ``dns``, after one hop."""

    def unknown(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(Connection, "resolver", Resolver(unknown))
    gone = "http://no-such-host.invalid/x"
    (record,) = here(capfd, *FETCH, "--no-robots", to(web, gone)).records
    assert redirect_fields(record) == ("failed", "dns", *story(web, gone))
    assert "no-such-host.invalid" in record["detail"]


def test_a_host_that_fails_many(capfd: pytest.CaptureFixture[str], web: PoliteServer, tmp_path: Path) -> None:
    """However each of them ends there, its record tells of its own way."""
    place = f"127.0.0.1:{closed_port()}"
    lists = tmp_path / "urls"
    lists.write_text("".join(f"{to(web, f'http://{place}/{n}')}\n" for n in range(12)))
    ran = here(capfd, *FETCH, "--no-robots", "--break-after", "2", "--max-park", "0s", lists)
    assert len(ran.records) == 12
    for record in ran.records:
        n = record["line"] - 1
        assert redirect_fields(record)[2:] == story(web, f"http://{place}/{n}"), record
        assert place in record["detail"]


def test_a_host_that_asks_to_wait(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """``deferred`` after a hop, also for those that were not requested there any more."""

    def busy(request: Request) -> Response | None:
        return answer(request) or Response(429, [("Retry-After", "7200")])

    with PoliteServer(2, busy) as server:
        away = [server.url(f"/{n}", 1) for n in range(6)]
        lists = tmp_path / "urls"
        lists.write_text("".join(f"{to(server, url)}\n" for url in away))
        ran = here(capfd, *FETCH, "--no-robots", "--per-host", "1", lists)
        assert [record["outcome"] for record in ran.records] == ["deferred"] * 6
        for record in ran.records:
            assert redirect_fields(record)[2:] == story(server, away[record["line"] - 1]), record


@pytest.mark.slow
def test_hops_in_every_output(capfd: pytest.CaptureFixture[str], web: PoliteServer, tmp_path: Path) -> None:
    """JSON Lines, CSV, a database, Parquet, a template and ``explain`` tell of the same hops."""
    pytest.importorskip("pyarrow")
    from pyarrow.parquet import read_table

    middle = to(web, web.url("/there", 1), 307)
    start = to(web, middle, 302)
    hops = [{"url": start, "status": 302}, {"url": middle, "status": 307}]
    common = (*FETCH, "--no-robots", start)
    here(capfd, *common, "-o", tmp_path / "a.jsonl", "--sqlite", tmp_path / "a.db", "--parquet", tmp_path / "a.parquet")
    here(capfd, *common, "-o", tmp_path / "a.csv")
    assert json.loads((tmp_path / "a.jsonl").read_bytes())["hops"] == hops
    with (tmp_path / "a.csv").open(newline="") as stream:
        assert [json.loads(row["hops"]) for row in csv.DictReader(stream)] == [hops]
    with closing(sqlite3.connect(tmp_path / "a.db")) as db:
        assert json.loads(db.execute("SELECT hops FROM records").fetchone()[0]) == hops
    assert read_table(tmp_path / "a.parquet").to_pylist()[0]["hops"] == hops
    assert json.loads(here(capfd, *common, "--template", "{hops}").out) == hops
    for name in ("a.jsonl", "a.csv", "a.db", "a.parquet"):
        explained = here(capfd, "explain", tmp_path / name, start).out
        assert (
            f"redirected with status 302 to {middle}\nthen redirected with status 307 to {web.url('/there', 1)}"
            in explained
        )


def test_explain_shows_a_loop_once(capfd: pytest.CaptureFixture[str], web: PoliteServer, tmp_path: Path) -> None:
    """It shows the number of redirects. The detail says how many are followed at most, without an option's name."""
    url = web.url("/loop")
    here(capfd, *FETCH, "--no-robots", "--max-redirects", "5", url, "-o", tmp_path / "a.jsonl")
    assert json.loads((tmp_path / "a.jsonl").read_bytes())["detail"] == "6 redirects; at most 5 are followed"
    explained = here(capfd, "explain", tmp_path / "a.jsonl", url).out
    assert f"redirected with status 302 to {url}\nand so on in a loop: 5 redirects\n" in explained


def _as_earlier_versions_wrote(path: Path) -> None:
    """Take from a record file what earlier versions did not write."""
    if path.suffix == ".jsonl":
        old = [{k: v for k, v in json.loads(line).items() if k not in LATER} for line in path.read_bytes().splitlines()]
        path.write_text("".join(f"{json.dumps(record)}\n" for record in old))
    elif path.suffix == ".csv":
        with path.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        with path.open("w", newline="") as stream:
            names = [name for name in rows[0] if name not in LATER]
            writer = csv.DictWriter(stream, names, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix == ".db":
        with closing(sqlite3.connect(path)) as db:
            for name in LATER_COLUMNS:
                db.execute(f"ALTER TABLE records DROP COLUMN {name}")
            db.commit()
    else:
        from pyarrow.parquet import read_table, write_table

        write_table(read_table(path).drop_columns([*LATER]), path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.db", "a.parquet"])
def test_records_of_earlier_versions(
    capfd: pytest.CaptureFixture[str], web: PoliteServer, tmp_path: Path, name: str
) -> None:
    """``failed``, ``explain`` and ``--resume`` do with a record file that has no hops what they always did."""
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    path, good = tmp_path / name, to(web, web.url("/there", 1))
    option = {".db": "--sqlite", ".parquet": "--parquet"}.get(path.suffix, "-o")
    dead = f"http://127.0.0.1:{closed_port()}/x"
    lists = tmp_path / "urls"
    lists.write_text(f"{good}\n{dead}\n")
    here(capfd, *FETCH, "--no-robots", lists, option, path)
    _as_earlier_versions_wrote(path)
    assert here(capfd, "failed", path).out == f"{dead}\n"
    assert web.url("/there", 1) in here(capfd, "explain", path, good).out
    before = web.asked("/there")
    lists.write_text(f"{good}\n{dead}\n{to(web, web.url('/new'))}\n")
    ran = here(capfd, *FETCH, "--no-robots", lists, option, path, "--resume")
    assert ran.code == 1, ran.err
    assert (web.asked("/there"), web.asked("/new")) == (before, 1)
    assert here(capfd, "failed", path).out == f"{dead}\n"
    assert web.url("/new") in here(capfd, "explain", path, to(web, web.url("/new"))).out
