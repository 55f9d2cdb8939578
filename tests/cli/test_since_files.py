"""``--since`` with ``--save-dir``: only what has changed is written, and earlier versions stay where that is wanted."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import signal
import sqlite3
import time
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from running import Ran, ended, here, program

from tests.servers.polite import PoliteServer, Request, Response

OLD = 1_700_000_000
"""The time that files get after each night, so that a file which is written anew differs from them."""


class Site:
    """Pages by target; with an ETag where ``tags`` says so. asked: the target and If-None-Match of each request."""

    def __init__(self, *, tags: bool = True) -> None:
        self.pages: dict[str, bytes | int] = {}
        self.tags = tags
        self.asked: list[tuple[str, str | None]] = []

    def __call__(self, request: Request) -> Response:
        condition = dict(request.headers).get("If-None-Match")
        self.asked.append((request.target, condition))
        page = self.pages.get(request.target, 404)
        if isinstance(page, int):
            return Response(page, body=b"no page")
        tag = f'"{hashlib.md5(page).hexdigest()}"'
        if self.tags and condition == tag:
            return Response(304, [("ETag", tag)])
        return Response(200, [("ETag", tag), ("Content-Type", "text/html")] if self.tags else [], page)


class Nights:
    """Runs night after night, each with ``--since`` the last one."""

    def __init__(self, capfd: pytest.CaptureFixture[str], folder: Path, server: PoliteServer, site: Site) -> None:
        self.number = 0
        self._capfd, self._folder, self._server, self._site = capfd, folder, server, site

    def run(self, *options: object, save: str | None = "pages", targets: tuple[str, ...] = ()) -> dict[str, Any]:
        """One night; the records by target."""
        ran = here(self._capfd, *self.args(*options, save=save, targets=targets))
        assert ran.err == ""
        return self.done()

    def args(self, *options: object, save: str | None = "pages", targets: tuple[str, ...] = ()) -> list[object]:
        self._site.asked.clear()
        since = ("--since", self.out(self.number - 1)) if self.number else ()
        urls = [self._server.url(target) for target in targets or self._site.pages]
        (self._folder / "urls.txt").write_text("".join(f"{url}\n" for url in urls))
        common = ("-q", "--no-robots", "--retries", 0, "--fail-if", "ok<0")
        saving = () if save is None else ("--save-dir", self._folder / save)
        return ["fetch", self._folder / "urls.txt", *common, *saving, *since, "-o", self.out(self.number), *options]

    def done(self) -> dict[str, Any]:
        """The records of the night, by target; all files get an old time."""
        written = [json.loads(line) for line in self.out(self.number).read_text().splitlines()]
        self.number += 1
        for record in written:
            if record["path"]:
                os.utime(record["path"], (OLD, OLD))
        return {record["url"].removeprefix(self._server.url("")): record for record in written}

    def out(self, number: int) -> Path:
        return self._folder / f"{number}.jsonl"


@pytest.fixture
def site() -> Site:
    made = Site()
    made.pages = {"/a": b"a", "/b": b"b", "/long": b"x" * 300_000}
    return made


@pytest.fixture
def nights(capfd: pytest.CaptureFixture[str], tmp_path: Path, site: Site) -> Any:
    with PoliteServer(1, site) as server:
        yield Nights(capfd, tmp_path, server, site)


def mark(record: dict[str, Any]) -> tuple[int, int]:
    found = Path(record["path"]).stat()
    return found.st_ino, found.st_mtime_ns


def content(record: dict[str, Any]) -> bytes:
    return Path(record["path"]).read_bytes()


def holds(record: dict[str, Any]) -> bool:
    """Whether the file of a record is what the record says."""
    return hashlib.sha256(content(record)).hexdigest() == record["sha256"]


@pytest.mark.parametrize("tags", [True, False])
@pytest.mark.parametrize("options", [(), ("--compress", "gz"), ("--compress", "zst"), ("--dedupe-bodies",)])
@pytest.mark.parametrize("template", [None, "{host}/{path}", "{line}.html", "{sha256}"])
def test_a_page_that_is_the_same_keeps_its_file(
    nights: Nights, site: Site, tags: bool, options: tuple[str, ...], template: str | None
) -> None:
    """That holds for a 304 and a 200, compressed or not, with any names. A page that changed is replaced."""
    site.tags = tags
    options = (*options, *(() if template is None else ("--name-template", template)))
    first = nights.run(*options)
    before = {target: mark(record) for target, record in first.items()}
    site.pages["/b"] = b"other"
    second = nights.run(*options)
    assert [second[target]["outcome"] for target in ("/a", "/long")] == ["unchanged" if tags else "ok"] * 2
    for target in ("/a", "/long"):
        assert second[target]["path"] == first[target]["path"]
        assert mark(second[target]) == before[target]
    assert (second["/b"]["change"], second["/b"]["path"] == first["/b"]["path"]) == ("changed", template != "{sha256}")
    assert mark(second["/b"])[0] != before["/b"][0]
    if "--compress" not in options:
        assert all(map(holds, second.values()))


@pytest.mark.parametrize("tags", [True, False])
@pytest.mark.parametrize("damage", ["missing", "other", "longer", "link"])
@pytest.mark.parametrize("template", ["{host}/{hash}", "{host}/{path}"])
def test_a_file_that_is_not_as_recorded_is_written_anew(
    nights: Nights, site: Site, tmp_path: Path, tags: bool, damage: str, template: str
) -> None:
    """No validator is sent for its page: a 304 would leave nothing. The others are asked with theirs."""
    site.tags = tags
    first = nights.run("--name-template", template)
    path = Path(first["/a"]["path"])
    if damage == "missing":
        path.unlink()
    elif damage == "link":
        path.unlink()
        path.symlink_to(tmp_path / "elsewhere")
        (tmp_path / "elsewhere").write_bytes(b"a")
    else:
        path.write_bytes(b"A" if damage == "other" else b"a...")
    second = nights.run("--name-template", template)
    assert holds(second["/a"])
    assert not Path(second["/a"]["path"]).is_symlink()
    assert dict(site.asked)["/a"] is None
    assert (dict(site.asked)["/b"] is not None) == tags
    assert second["/a"]["change"] == "same"
    renamed = template == "{host}/{path}" and damage != "missing"  # it may be another page's by now
    assert (second["/a"]["path"] != first["/a"]["path"]) == renamed


@pytest.mark.parametrize(("option", "name"), [("--sqlite", "a.db"), ("-o", "a.csv"), ("--parquet", "a.parquet")])
def test_records_of_every_form_tell_of_files(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, site: Site, option: str, name: str
) -> None:
    """A database, and what has no types of its own."""
    with PoliteServer(1, site) as server:
        args = ("fetch", server.url("/a"), "-q", "--no-robots", "--save-dir", tmp_path / "pages")
        assert here(capfd, *args, option, tmp_path / name) == (0, "", "")
        (path,) = [path for path in (tmp_path / "pages").rglob("*") if path.is_file()]
        before = path.stat()
        since = ("--since", tmp_path / name, "-o", tmp_path / "b.jsonl")
        assert here(capfd, *args, *since) == (0, "", "")
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert site.asked[1][1] is not None


def test_rows_that_name_their_files_keep_the_names(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, site: Site
) -> None:
    """A changed page replaces the file that its row names, and the other one is left alone."""
    rows = tmp_path / "rows.jsonl"
    out = [tmp_path / "0.jsonl", tmp_path / "1.jsonl"]
    with PoliteServer(1, site) as server:
        names = {"/a": "one.html", "/b": "two.html"}
        listed = [{"url": server.url(target), "save_as": name} for target, name in names.items()]
        rows.write_text("".join(json.dumps(row) + "\n" for row in listed))
        args = ("fetch", rows, "-q", "--no-robots", "--row-requests", "--save-dir", tmp_path / "pages")
        assert here(capfd, *args, "-o", out[0]) == (0, "", "")
        before = (tmp_path / "pages/two.html").stat()
        site.pages["/a"] = b"A"
        assert here(capfd, *args, "-o", out[1], "--since", out[0]) == (0, "", "")
    assert (tmp_path / "pages/one.html").read_bytes() == b"A"
    after = (tmp_path / "pages/two.html").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert sorted(path.name for path in (tmp_path / "pages").iterdir()) == ["one.html", "two.html"]


def test_a_page_without_a_body_needs_no_file(nights: Nights, site: Site) -> None:
    """HEAD requests are conditional without one."""
    nights.run("-X", "HEAD")
    second = nights.run("-X", "HEAD")
    assert None not in [tag for _, tag in site.asked]
    assert {record["change"] for record in second.values()} == {"same"}


def test_another_folder_gets_all_pages(nights: Nights, site: Site, tmp_path: Path) -> None:
    """So does a folder after a run without one. The same folder under another name is the same."""
    first = nights.run(save=None)
    assert {record["path"] for record in first.values()} == {None}
    second = nights.run(save="pages")
    third = nights.run(save="others")
    assert [tag for _, tag in site.asked] == [None] * 3
    assert all(map(holds, (*second.values(), *third.values())))
    fourth = nights.run(save="pages/../others/")
    assert None not in [tag for _, tag in site.asked]
    assert {record["change"] for record in (*third.values(), *fourth.values())} == {"same"}
    assert all(str(record["path"]).startswith(f"{tmp_path}/pages/../others/") for record in fourth.values())
    assert {mark(record) for record in third.values()} == {mark(record) for record in fourth.values()}


def test_another_form_of_files_is_written(nights: Nights, site: Site) -> None:
    """What was packed is not what a run without --compress leaves, and the other way round."""
    site.pages = {"/a": b"a"}
    packed = nights.run("--compress", "gz")["/a"]
    plain = nights.run()["/a"]
    again = nights.run("--compress", "zst")["/a"]
    assert gzip.decompress(content(packed)) == content(plain) == b"a"
    assert len({record["path"] for record in (packed, plain, again)}) == 3


def test_a_folder_a_day_has_what_changed_on_that_day(nights: Nights, site: Site) -> None:
    """Another name than before, by the template, is for new content only; what is there stays."""
    first = nights.run("--name-template", "1/{stem}-{hash}")
    site.pages["/a"] = b"A"
    second = nights.run("--name-template", "2/{stem}-{hash}")
    assert {Path(record["path"]).parent.name for record in first.values()} == {"1"}
    assert {target: Path(record["path"]).parent.name for target, record in second.items()} == {
        "/a": "2",
        "/b": "1",
        "/long": "1",
    }
    assert content(first["/a"]) == b"a"


def test_files_of_pages_that_are_gone_stay(nights: Nights, site: Site) -> None:
    """Files of pages that left the list or fail stay, too: nothing is deleted without a request."""
    first = nights.run()
    files = {record["path"]: mark(record) for record in first.values()}
    site.pages |= {"/a": 404, "/b": 500}
    second = nights.run(targets=("/a", "/b"))
    assert [(second[target]["change"], second[target]["path"]) for target in ("/a", "/b")] == [
        ("gone", None),
        ("unknown", None),
    ]
    assert {path: mark({"path": path}) for path in files} == files
    site.pages |= {"/a": b"a", "/b": b"b"}
    third = nights.run()
    assert [third[target]["change"] for target in ("/a", "/b", "/long")] == ["back", "same", "new"]
    assert {record["path"]: mark(record) for record in third.values()} == files


def test_a_file_that_two_records_name_is_not_replaced(nights: Nights, site: Site) -> None:
    """Equal bodies shared it; once one of the pages changes, the other keeps what its record says."""
    site.pages = {"/a?1": b"same", "/a?2": b"same", "/a?3": b"same"}
    options = ("--name-template", "{host}/{path}")
    first = nights.run(*options, "--dedupe-bodies", "--workers", 1)
    assert len({record["path"] for record in first.values()}) == 1
    site.pages["/a?2"] = b"other"
    second = nights.run(*options)
    assert all(map(holds, second.values()))
    assert second["/a?2"]["path"] != second["/a?1"]["path"]
    site.pages["/a?2"] = b"another"
    third = nights.run(*options)
    assert all(map(holds, third.values()))
    assert third["/a?2"]["path"] == second["/a?2"]["path"]


def test_pages_that_are_not_requested_have_their_files(nights: Nights, site: Site) -> None:
    """--min-age asks for those whose files are gone."""
    first = nights.run()
    Path(first["/a"]["path"]).unlink()
    second = nights.run("--min-age", "1h")
    assert site.asked == [("/a", None)]
    assert all(map(holds, second.values()))
    assert second["/b"]["path"] == first["/b"]["path"]


@pytest.mark.slow
def test_a_run_that_was_killed_and_goes_on_loses_no_file(nights: Nights, site: Site) -> None:
    """What it replaced has a record or is fetched again, and what it left alone is not deleted."""
    site.pages = {f"/{number}": b"page %d" % number for number in range(200)}
    nights.run("--name-template", "{host}/{path}")
    site.pages |= {f"/{number}": b"new %d" % number for number in range(0, 200, 2)}
    args = nights.args("--name-template", "{host}/{path}", "--keep-versions", 1)
    process = program(*args, "--rate", 200)
    out = nights.out(1)
    while not out.exists() or out.read_bytes().count(b"\n") < 50:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    ran = ended(program(*args, "--resume"))
    assert (ran.code, ran.err) == (0, "")
    records = nights.done()
    assert len(records) == 200
    assert all(map(holds, records.values()))
    assert not [record["path"] for record in records.values() if "-2" in Path(record["path"]).name]


# -- versions --------------------------------------------------------------------------------------


def versions_of(record: dict[str, Any]) -> list[bytes]:
    """The earlier versions of a page, by the rule of the documentation, the oldest first."""
    folder = Path(f"{record['path']}.~versions~")
    return [path.read_bytes() for path in sorted(folder.iterdir())] if folder.exists() else []


@pytest.mark.parametrize("template", ["{host}/{stem}-{hash}{ext}", "{host}/{path}.html"])
def test_the_last_versions_stay(nights: Nights, site: Site, template: str) -> None:
    """There are as many as requested, and the oldest are deleted. An unchanged page adds none."""
    found = []
    for body in (b"1", b"2", b"2", b"3", b"4"):
        site.pages = {"/a": body}
        record = nights.run("--name-template", template, *(("--keep-versions", 2) if nights.number else ()))["/a"]
        os.utime(record["path"], (OLD + nights.number, OLD + nights.number))
        found.append(versions_of(record))
    assert found == [[], [b"1"], [b"1"], [b"1", b"2"], [b"2", b"3"]]
    names = sorted(path.name for path in Path(f"{record['path']}.~versions~").iterdir())
    assert names == ["2023-11-14T22-13-23.000Z.html", "2023-11-14T22-13-24.000Z.html"]


def test_versions_of_one_moment_are_two(nights: Nights, site: Site) -> None:
    """Files that were written in the same millisecond."""
    for body in (b"1", b"2", b"3"):
        site.pages = {"/a": body}
        record = nights.run(*(("--keep-versions", 5) if nights.number else ()))["/a"]
    assert versions_of(record) == [b"1", b"2"]


def test_versions_are_packed_as_their_page(nights: Nights, site: Site) -> None:
    """They have the suffix of the page."""
    for body in (b"1", b"2"):
        site.pages = {"/a": body}
        record = nights.run("--compress", "gz", *(("--keep-versions", 1) if nights.number else ()))["/a"]
    (path,) = Path(f"{record['path']}.~versions~").iterdir()
    assert gzip.decompress(path.read_bytes()) == b"1"
    assert re.fullmatch(r"[0-9-]{10}T[0-9-]{8}\.[0-9]{3}Z\.html\.gz", path.name)


def test_no_page_is_taken_for_a_version(nights: Nights, site: Site) -> None:
    """A server may call its pages what it likes."""
    site.pages = {
        "/a": b"1",
        "/a.~versions~/2020-01-01T00-00-00.000Z": b"page",
        "/a.~VERSIONS~/x": b"page",
    }
    options = ("--name-template", "{path}")
    nights.run(*options)
    site.pages["/a"] = b"2"
    records = nights.run(*options, "--keep-versions", 1)
    assert versions_of(records["/a"]) == [b"1"]
    assert all(map(holds, records.values()))
    assert len({record["path"] for record in records.values()}) == 3


def test_without_the_option_no_version_stays(nights: Nights, site: Site, tmp_path: Path) -> None:
    """Each page has one file."""
    nights.run()
    site.pages["/a"] = b"A"
    nights.run()
    assert len([path for path in (tmp_path / "pages").rglob("*") if path.is_file()]) == 3


def test_a_database_keeps_as_many(nights: Nights, site: Site, tmp_path: Path) -> None:
    """The rows of older ones go, and their bodies, unless another row names them."""
    database = tmp_path / "site.db"
    found = []
    for body in (b"1", b"2", b"3", b"4"):
        site.pages = {"/a": body, "/b": b"1"}
        since = ("--keep-versions", 1) if nights.number else ("--since", database, "--since-if-there")
        nights.run("--sqlite", database, "--body", *since, save=None)
        with closing(sqlite3.connect(database)) as db:
            rows = db.execute("SELECT sha256 FROM versions WHERE url LIKE '%/a' ORDER BY id").fetchall()
            bodies = {digest: zlib_or_plain(size, data) for digest, size, data in db.execute("SELECT * FROM bodies")}
        found.append(([bodies[digest] for (digest,) in rows], sorted(bodies.values())))
    assert found == [
        ([b"1"], [b"1"]),
        ([b"1", b"2"], [b"1", b"2"]),
        ([b"2", b"3"], [b"1", b"2", b"3"]),
        ([b"3", b"4"], [b"1", b"3", b"4"]),
    ]


def zlib_or_plain(size: int, content: bytes) -> bytes:
    """A body as the table has it: packed unless that is no shorter."""
    return content if len(content) == size else zlib.decompress(content)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--keep-versions", 1), "--keep-versions needs --since"),
        (("--keep-versions", 1, "--since", os.devnull), "--keep-versions needs --save-dir or --sqlite"),
        (("--keep-versions", -1, "--since", os.devnull), "--keep-versions: -1 is too small; the minimum is 0"),
    ],
)
def test_versions_of_nothing_are_refused(
    capfd: pytest.CaptureFixture[str], options: tuple[object, ...], message: str
) -> None:
    """They are refused on the command line."""
    ran: Ran = here(capfd, "fetch", "http://127.0.0.1:1/", *options)
    assert (ran.code, message in ran.err) == (2, True)
