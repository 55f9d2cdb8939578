"""Lists of every format through the whole program."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from place import Place
from running import ended, here, program

from scrapepool.record.stores.parquet import lines_of
from scrapepool.results.record_database import RecordDatabase
from tests.lists import lists_of
from tests.servers.polite import PoliteServer

URLS = 500


@pytest.fixture
def web() -> Iterator[PoliteServer]:
    with PoliteServer(5) as server:
        yield server


@pytest.mark.slow
def test_a_list_of_each_format_gives_the_same_records(
    capfd: pytest.CaptureFixture[str], web: PoliteServer, tmp_path: Path
) -> None:
    """The same 500 URLs, each with one record that is a success."""
    urls = [web.url(f"/page/{n}?a=1&copy={n}", n % 5) for n in range(URLS)]
    for path in lists_of(urls, tmp_path):
        if path.suffix == ".gz":  # that these are the same lists is tested where lists are read
            continue
        ran = here(capfd, "fetch", path, "--no-robots", "-q")
        assert ran.code == 0, path
        assert sorted(record["url"] for record in ran.records) == sorted(urls), path
        assert {record["outcome"] for record in ran.records} == {"ok"}


@pytest.mark.parametrize("output", ["out.jsonl", "out.csv", "out.db", "out.parquet"])
def test_records_say_which_list_they_are_from(
    capfd: pytest.CaptureFixture[str], web: PoliteServer, tmp_path: Path, output: str
) -> None:
    """Where there are several: targets, repeats and rejected lines; null for a URL that was an argument."""
    one, two, path = tmp_path / "one.txt", tmp_path / "two.csv", tmp_path / output
    one.write_text(f"{web.url('/1')}\n{web.url('/2')}\nmailto:x\n")
    two.write_text(f"url,n\n{web.url('/3')},1\n{web.url('/1')},2\n")
    if output == "out.parquet":
        pytest.importorskip("pyarrow")
    to = {"out.db": "--sqlite", "out.parquet": "--parquet"}.get(output, "-o")
    ran = here(capfd, "fetch", one, two, web.url("/4"), to, path, "--no-robots", "-q")
    assert ran.code == 1
    lists = {(str(one), 1), (str(one), 2), (str(one), 3), (str(two), 2), (str(two), 3), (None, None)}
    if output == "out.db":
        lists.remove((str(two), 3))  # a database has no row for a repeat
    assert {(record.get("list") or None, _number(record["line"])) for record in _records(path)} == lists
    ran = here(capfd, "fetch", one, two, web.url("/4"), to, path, "--no-robots", "-q", "--resume=all")
    assert {(record.get("list") or None, _number(record["line"])) for record in _records(path)} == lists


def test_one_list_needs_no_name(capfd: pytest.CaptureFixture[str], web: PoliteServer, tmp_path: Path) -> None:
    """Records do not name a single list, unless --fields does."""
    one = tmp_path / "one.txt"
    one.write_text(web.url("/1"))
    (record,) = here(capfd, "fetch", one, "--no-robots", "-q").records
    assert "list" not in record
    (record,) = here(capfd, "fetch", one, "--no-robots", "-q", "--fields", "list,line").records
    assert record == {"list": str(one), "line": 1}
    for record in here(capfd, "fetch", web.url("/1"), web.url("/2"), "--no-robots", "-q").records:
        assert "list" not in record


def _number(cell: object) -> int | None:
    return int(str(cell)) if cell not in (None, "") else None


def _records(path: Path) -> list[dict[str, object]]:
    match path.suffix:
        case ".jsonl":
            return [json.loads(line) for line in path.read_bytes().splitlines()]
        case ".csv":
            with path.open(newline="") as stream:
                return list(csv.DictReader(stream))
        case ".db":
            return list(RecordDatabase(str(path)).records())
        case _:
            return [json.loads(line) for line in lines_of(str(path))]


NOTE = "--url-field names a column, but {} (read as {}) has none\n"


@pytest.mark.parametrize(
    ("command", "name", "content", "form"),
    [
        ("fetch", "a.txt", "{url}\n", "text"),
        ("fetch", "a.html", "<html><a href='{url}'>x</a></html>", "html"),
        ("fetch", "a.csv", "page\n{url}\n", None),
        ("plan", "a.txt", "{url}\n", "text"),
        ("split", "a.txt", "{url}\n", "text"),
    ],
)
def test_a_column_is_named_for_a_list_without_columns(
    place: Place, web: PoliteServer, command: str, name: str, content: str, form: str | None
) -> None:
    """The format is known when the list is read. The run goes on, and reports that the option has no effect."""
    place.write(name, content.format(url=web.url("/page")))
    rest = {"fetch": ["-o", "out.jsonl"], "plan": ["--offline"], "split": ["-n", "1", "-o", "shards"]}[command]
    ran = place.run(command, name, "--url-field", "page", *rest)
    assert ran.code == 0
    if form is None:
        assert "--url-field" not in ran.err
    else:
        assert NOTE.format(name, form) in ran.err


def test_a_column_that_is_named_in_a_file_is_for_other_lists(place: Place, web: PoliteServer) -> None:
    """Neither a configuration file nor the environment says anything about this run, also if only URLs are given."""
    place.write("scrapepool.toml", 'url-field = "page"\ninput-format = "csv"\n')
    place.write("a.txt", f"{web.url('/page')}\n")
    args = ("-o", "out.jsonl", "--progress", "none")
    assert "--" not in place.run("fetch", "a.txt", "--input-format", "auto", *args).err
    assert place.run("fetch", web.url("/page"), *args).code == 0
    place.environment["SCRAPEPOOL_FETCH_URL_FIELD"] = "page"
    assert "--" not in place.run("plan", "--offline", "a.txt", "--input-format", "auto").err


@pytest.mark.parametrize("command", ["fetch", "plan"])
@pytest.mark.parametrize("option", ["--url-field", "--input-format", "--url-template"])
def test_options_about_lists_are_refused_if_only_urls_are_given(place: Place, command: str, option: str) -> None:
    """They have no effect on a URL that is fetched itself."""
    said = place.complaint(command, "http://127.0.0.1:1/", option, "csv")
    assert said.startswith(f"{option} is about lists, but http://127.0.0.1:1/ is fetched itself")


@pytest.mark.parametrize("command", [("fetch", "--no-robots", "-o", os.devnull), ("plan", "--offline")], ids=" ".join)
@pytest.mark.parametrize(
    ("options", "rows"),
    [
        (("--url-field", "link"), '{{"link": "{url}"}}\n'),
        (("--input-format", "csv", "--url-field", "link"), "link\n{url}\n"),
        (("--input-format", "jsonl", "--url-template", "{url}?{{id}}"), '{{"id": "1"}}\n'),
    ],
    ids=lambda value: value[-2] if isinstance(value, tuple) else "",
)
def test_options_about_lists_hold_for_standard_input(
    tmp_path: Path, web: PoliteServer, command: Sequence[str], options: Sequence[str], rows: str
) -> None:
    """No list is named then, and so no URL either."""
    url = web.url("/page")
    (tmp_path / "rows").write_text(rows.format(url=url))
    with (tmp_path / "rows").open("rb") as stream:
        ran = ended(program(*command, *(option.format(url=url) for option in options), stdin=stream))
    assert ran.code == 0, ran.err
