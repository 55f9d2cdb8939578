"""``fetch --save-dir``: bodies as files, whole or not at all, gone on with where they broke off."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running import Ran, here

from tests.servers.polite import PoliteServer, Request, Response
from tests.servers.ranges import RangeServer, body_of
from tests.torture import files as torture

SIZE = 300_000


@pytest.fixture
def ranges() -> Iterator[RangeServer]:
    with RangeServer() as server:
        yield server


def fetch(capfd: pytest.CaptureFixture[str], tmp_path: Path, urls: list[str], *options: object) -> Ran:
    """Fetch URLs into a folder, quietly."""
    (tmp_path / "urls.txt").write_text("\n".join(urls))
    common = ("--save-dir", tmp_path / "pages", "--no-robots", "-q", "--backoff", 0)
    return here(capfd, "fetch", tmp_path / "urls.txt", *common, *options)


def files(tmp_path: Path) -> dict[str, bytes]:
    """What is in the folder, by name."""
    root = tmp_path / "pages"
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def in_order(files: dict[str, bytes]) -> list[bytes]:
    return [files[name] for name in sorted(files)]


def sizes(server: RangeServer) -> list[tuple[str | None, int]]:
    """Range and status of each request."""
    return [(asked, status) for _, asked, status in server.requests]


def test_every_body_is_a_file_and_the_record_names_it(capfd, tmp_path):
    """Short and long ones; errors and redirects' own bodies are none; nothing else is left in the folder."""

    def answer(request: Request) -> Response | None:
        if request.target == "/long":
            return Response(200, body=b"x" * SIZE)
        if request.target == "/empty":
            return Response(200, body=b"")
        return Response(404, body=b"not here") if request.target == "/gone" else None

    with PoliteServer(1, answer) as server:
        ran = fetch(capfd, tmp_path, [server.url(path) for path in ("/a", "/long", "/empty", "/gone")])
    saved = files(tmp_path)
    assert len(saved) == 3
    for record in ran.records:
        if record["outcome"] == "ok":
            data = Path(record["path"]).read_bytes()
            assert hashlib.sha256(data).hexdigest() == record["sha256"]
        else:
            assert record["path"] is None
    assert not (tmp_path / "pages/.scrapepool").exists()


def test_names_go_by_the_template_and_are_never_given_twice(capfd, tmp_path):
    """A template that names two bodies alike gives the second a number."""
    with PoliteServer(1) as server:
        fetch(capfd, tmp_path, [server.url(f"/{number}") for number in range(3)], "--name-template", "all/{status}.txt")
    assert sorted(files(tmp_path)) == ["all/200-2.txt", "all/200-3.txt", "all/200.txt"]


def test_rows_name_their_own_files(capfd, tmp_path):
    """save_as, made safe; two rows that ask for one name get two, and two requests of one URL have two hashes."""
    with PoliteServer(1) as server:
        rows: list[dict[str, Any]] = [
            {"url": server.url("/1"), "save_as": "../a/b.html"},
            {"url": server.url("/2"), "save_as": "a/b.html"},
            {"url": server.url("/3"), "method": "POST", "data": "x"},
            {"url": server.url("/3"), "method": "POST", "data": "y"},
        ]
        (tmp_path / "list.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        options = ("--row-requests", "--save-dir", tmp_path / "pages", "--no-robots", "-q")
        ran = here(capfd, "fetch", tmp_path / "list.jsonl", *options)
    assert [record["outcome"] for record in ran.records] == ["ok"] * 4
    found = sorted(files(tmp_path))
    assert len(found) == 4
    assert "_/a/b.html" in found
    assert "a/b.html" in found


def test_a_second_run_writes_the_same_files(capfd, tmp_path):
    """A URL's file takes the place of the one before."""
    with PoliteServer(1) as server:
        urls = [server.url("/a"), server.url("/b")]
        fetch(capfd, tmp_path, urls)
        before = files(tmp_path)
        fetch(capfd, tmp_path, urls)
    assert files(tmp_path).keys() == before.keys()


def test_repeats_of_a_url_keep_each_body(capfd, tmp_path):
    """With --no-dedupe a repeat writes over no other one's file, and equal bodies share one."""
    bodies = iter([b"one", b"two", b"two", b"two"])

    def answer(request: Request) -> Response:
        return Response(200, body=next(bodies))

    with PoliteServer(1, answer) as server:
        for urls in ([server.url("/a")] * 3, [server.url("/a")]):
            for record in fetch(capfd, tmp_path, urls, "--no-dedupe", "--workers", 1).records:
                assert hashlib.sha256(Path(record["path"]).read_bytes()).hexdigest() == record["sha256"]
    assert sorted(files(tmp_path).values()) == [b"one", b"two"]


@pytest.mark.parametrize("packing", [(), ("--compress", "gz")])
def test_long_bodies_of_like_requests_at_once_are_kept_apart(capfd, tmp_path, packing):
    """Rows that post different data to one URL have a file each, also while an earlier body waits for its name."""

    def answer(request: Request) -> Response:
        return Response(200, body=request.body * SIZE)

    with PoliteServer(1, answer) as server:
        rows = [json.dumps({"url": server.url("/a"), "request": {"data": chr(97 + number)}}) for number in range(16)]
        (tmp_path / "urls.jsonl").write_text("\n".join(rows))
        common = ("--save-dir", tmp_path / "pages", "--no-robots", "-q", "--per-host", 8)
        ran = here(capfd, "fetch", tmp_path / "urls.jsonl", *common, *packing)
    assert (ran.code, ran.err, len(ran.records)) == (0, "", len(rows))
    for record in ran.records:
        data = Path(record["path"]).read_bytes()
        assert hashlib.sha256(gzip.decompress(data) if packing else data).hexdigest() == record["sha256"]


def test_a_page_that_is_a_folder_too(capfd, tmp_path):
    """/a and /a/b cannot both have their path's name: both are saved all the same."""
    with PoliteServer(1) as server:
        ran = fetch(
            capfd,
            tmp_path,
            [server.url("/a"), server.url("/a/b"), server.url("/a/b/c")],
            "--name-template",
            "{path}",
            "-w",
            1,
        )
    assert [record["outcome"] for record in ran.records] == ["ok"] * 3
    assert len(files(tmp_path)) == 3


def test_a_link_that_leads_out_of_the_folder_is_not_followed(capfd, tmp_path):
    """Whoever made the folder may have put one there."""
    (tmp_path / "pages").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "pages/out").symlink_to(tmp_path / "elsewhere")
    with PoliteServer(1) as server:
        ran = fetch(capfd, tmp_path, [server.url("/a")], "--name-template", "out/{hash}")
    assert ran.code == 3
    assert "it is a link to" in ran.err
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("size", [10, SIZE])
def test_files_are_packed_each_on_its_own(capfd, tmp_path, ranges, size):
    """--compress gz: the names say so, and what comes out is what came in."""
    fetch(capfd, tmp_path, [ranges.url("a", size)], "--compress", "gz")
    ((name, data),) = files(tmp_path).items()
    assert name.endswith(".gz")
    assert gzip.decompress(data) == body_of("/a", 1, size)


@pytest.mark.parametrize("size", [10, SIZE])
def test_equal_bodies_are_one_file_with_two_names(capfd, tmp_path, size):
    """--dedupe-bodies: linked, and each name is there."""
    with PoliteServer(1, lambda _: Response(200, body=b"x" * size)) as server:
        ran = fetch(capfd, tmp_path, [server.url(f"/{number}") for number in range(3)], "--dedupe-bodies")
    paths = [record["path"] for record in ran.records]
    assert len(set(paths)) == 3
    assert len({Path(path).stat().st_ino for path in paths}) == 1


def test_a_name_by_the_body_alone_is_one_file_for_all_its_urls(capfd, tmp_path):
    """It is so in a second run, too. Without --dedupe-bodies the second file gets a number."""
    template = ("--name-template", "{sha256}.txt")
    with PoliteServer(1, lambda _: Response(200, body=b"x" * 10)) as server:
        urls = [server.url(f"/{number}") for number in range(3)]
        for _ in range(2):
            ran = fetch(capfd, tmp_path, urls, *template, "--dedupe-bodies")
            assert len({record["path"] for record in ran.records}) == 1
        fetch(capfd, tmp_path, urls[:1], *template)
    assert len(files(tmp_path)) == 2


def test_a_name_that_is_taken_by_something_else_is_passed_over(capfd, tmp_path):
    """--dedupe-bodies: other bytes, a folder, a link to equal bytes outside: none of them is the body's file."""
    (tmp_path / "outside").write_bytes(b"x" * 10)
    pages = tmp_path / "pages"
    (pages / "200-2").mkdir(parents=True)
    (pages / "200").write_bytes(b"y" * 10)
    (pages / "200-3").symlink_to(tmp_path / "outside")
    with PoliteServer(1, lambda _: Response(200, body=b"x" * 10)) as server:
        ran = fetch(capfd, tmp_path, [server.url("/")], "--name-template", "{status}", "--dedupe-bodies")
    assert ran.records[0]["path"] == str(pages / "200-4")
    assert (pages / "200").read_bytes() == b"y" * 10


def test_a_retry_goes_on_where_the_body_broke_off(capfd, tmp_path, ranges):
    """Range with If-Range; the file is whole, and the record says so."""
    ranges.breaks["/a"] = 200_000
    ran = fetch(capfd, tmp_path, [ranges.url("a", SIZE)])
    (record,) = ran.records
    assert (record["outcome"], record["attempts"], record["bytes"]) == ("ok", 2, SIZE)
    assert record["sha256"] == hashlib.sha256(body_of("/a", 1, SIZE)).hexdigest()
    assert "went on at byte 2" in record["detail"]
    assert in_order(files(tmp_path)) == [body_of("/a", 1, SIZE)]
    assert [status for _, status in sizes(ranges)] == [200, 206]


def test_another_run_goes_on_too(capfd, tmp_path, ranges):
    """What an earlier run left is kept with the validator that it came with."""
    ranges.breaks["/a"] = 200_000
    first = fetch(capfd, tmp_path, [ranges.url("a", SIZE)], "--retries", 0)
    assert [record["error"] for record in first.records] == ["truncated"]
    second = fetch(capfd, tmp_path, [ranges.url("a", SIZE)])
    assert second.records[0]["outcome"] == "ok"
    assert in_order(files(tmp_path)) == [body_of("/a", 1, SIZE)]
    assert [status for _, status in sizes(ranges)] == [200, 206]


def test_a_body_that_changed_begins_again(capfd, tmp_path, ranges):
    """If-Range: the server sends the new version whole, and nothing of the old one is left in it."""
    ranges.breaks["/a"] = 200_000
    fetch(capfd, tmp_path, [ranges.url("a", SIZE)], "--retries", 0)
    ranges.versions["/a"] = 2
    fetch(capfd, tmp_path, [ranges.url("a", SIZE)])
    assert in_order(files(tmp_path)) == [body_of("/a", 2, SIZE)]


@pytest.mark.parametrize(
    "lie", ["bytes 0-9/300000", "bytes 200000-299999/400000", "words 1-2/3", "bytes 199999-299999/300000"]
)
def test_a_range_that_does_not_fit_begins_again(capfd, tmp_path, ranges, lie):
    """A 206 of other bytes than were asked for is thrown away, and all is asked for at once."""
    ranges.breaks["/a"] = 200_000
    fetch(capfd, tmp_path, [ranges.url("a", SIZE)], "--retries", 0)
    ranges.lie = lie
    ran = fetch(capfd, tmp_path, [ranges.url("a", SIZE)])
    assert ran.records[0]["outcome"] == "ok"
    assert in_order(files(tmp_path)) == [body_of("/a", 1, SIZE)]
    assert sizes(ranges)[-1] == (None, 200)


def test_a_body_that_shrank_begins_again(capfd, tmp_path, ranges):
    """416 for a range beyond the end, although the validator is the same."""
    ranges.breaks["/a"] = 200_000
    fetch(capfd, tmp_path, [ranges.url("a", SIZE)], "--retries", 0)
    (note,) = (tmp_path / "pages/.scrapepool").glob("*.json")
    note.write_text(json.dumps(json.loads(note.read_text()) | {"length": None}))
    part = note.with_suffix(".part")
    part.write_bytes(part.read_bytes() + bytes(SIZE))
    fetch(capfd, tmp_path, [ranges.url("a", SIZE)])
    assert in_order(files(tmp_path)) == [body_of("/a", 1, SIZE)]
    assert [status for _, status in sizes(ranges)] == [200, 416, 200]


@pytest.mark.parametrize("etags", ["weak", "none"])
def test_without_a_strong_validator_a_body_begins_again(capfd, tmp_path, etags):
    """Two versions could not be distinguished (RFC 9110 section 13.1.5)."""
    with RangeServer(etags=etags) as server:
        server.breaks["/a"] = 200_000
        fetch(capfd, tmp_path, [server.url("a", SIZE)])
        assert [asked for asked, _ in sizes(server)] == [None, None]
    assert in_order(files(tmp_path)) == [body_of("/a", 1, SIZE)]


def test_notes_that_were_spoilt_are_no_use(capfd, tmp_path, ranges):
    """A note that cannot be read and a part without one begin again."""
    work = tmp_path / "pages/.scrapepool"
    work.mkdir(parents=True)
    ranges.breaks["/a"] = 200_000
    fetch(capfd, tmp_path, [ranges.url("a", SIZE)], "--retries", 0)
    (note,) = work.glob("*.json")
    note.write_text("{")
    (work / f"{'ab' * 16}.part").write_bytes(b"x")
    fetch(capfd, tmp_path, [ranges.url("a", SIZE)])
    assert in_order(files(tmp_path)) == [body_of("/a", 1, SIZE)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--compress", "gz"], "need --save-dir"),
        (["--save-dir", "pages", "--name-template", "{"], "--name-template"),
        (["--save-dir", "pages", "--name-template", "x"], "no field"),
    ],
)
def test_options_that_cannot_be_meant(capfd, tmp_path, monkeypatch, options: list[Any], said: str):
    """A usage error, before anything is fetched."""
    monkeypatch.chdir(tmp_path)
    ran = here(capfd, "fetch", "http://127.0.0.1:9/", *options)
    assert ran.code == 2
    assert said in ran.err
    assert not list(tmp_path.rglob(".scrapepool"))


def test_a_folder_that_cannot_be_made(capfd, tmp_path):
    """Exit code 3, and the name of it."""
    (tmp_path / "pages").write_text("a file")
    with PoliteServer(1) as server:
        ran = fetch(capfd, tmp_path, [server.url("/a")])
    assert ran.code == 3
    assert "pages" in ran.err


def test_one_run_a_folder(capfd, tmp_path):
    """A second run that would write to it ends with exit code 75."""
    from scrapepool.run.save_dir import parts_in
    from scrapepool.settings import FileSettings

    with parts_in(FileSettings(save_dir=str(tmp_path / "pages"))), PoliteServer(1) as server:
        ran = fetch(capfd, tmp_path, [server.url("/a")])
    assert ran.code == 75


def test_names_that_were_chosen_to_hurt(tmp_path):
    """Dots, slashes, NUL, control characters, names too long and names that collide: every body is there, inside."""
    count, wrong = torture.names(tmp_path, list(torture.OWN_NAMES))
    assert not wrong
    assert count == len(torture.OWN_NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_run_killed_in_the_middle_of_bodies_that_change(tmp_path, seed):
    """Resumed, every file is whole and of one version. The long form is a script."""
    _, wrong = torture.killed(tmp_path, random.Random(seed), size=4_000_000, bodies=4)
    assert not wrong


@pytest.mark.slow
def test_a_folder_or_archive_that_joins_a_run_later_is_said_to_lack_what_was_there(capfd, tmp_path):
    """It gets what is fetched from then on; where it was there from the beginning, nothing is said."""
    warc, out = ["--warc", tmp_path / "out.warc"], ["-o", tmp_path / "out.jsonl", "--no-robots", "--progress", "none"]
    with PoliteServer(1) as server:
        here(capfd, "fetch", server.url("/1"), *out)
        ran = fetch(capfd, tmp_path, [server.url("/1"), server.url("/2")], *out[:2], "--resume", *warc)
        assert ran.err == ""
        (tmp_path / "pages").rename(tmp_path / "away")
        (tmp_path / "out.warc").unlink()
        both = ["--save-dir", tmp_path / "pages", *warc, "--resume"]
        ran = here(capfd, "fetch", *(server.url(f"/{number}") for number in (1, 2, 3)), *out, *both)
        for path in ("pages", "out.warc"):
            said = f"{tmp_path / path}: holds none of the 2 records kept in {tmp_path / 'out.jsonl'}; they are"
            assert said in ran.err
        assert "holds nothing" not in here(capfd, "fetch", server.url("/4"), *out, *both).err


def test_records_and_a_database_beside_the_bodies(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Records that are written only as the database ends reach the store of the bodies before it ends."""
    with PoliteServer(1) as server:
        options = ("--save-dir", tmp_path / "pages", "--sqlite", tmp_path / "out.db", "-o", tmp_path / "out.jsonl")
        ran = here(capfd, "fetch", server.url("/a"), *options, "--no-robots", "-q")
    assert (ran.code, ran.err) == (0, "")
    assert len((tmp_path / "out.jsonl").read_bytes().splitlines()) == 1


TAR = bytes(range(256)) * 1000


@pytest.mark.parametrize(
    ("body", "name", "saved", "kept"),
    [
        (gzip.compress(TAR, mtime=0), "pages.tar.gz", gzip.compress(TAR, mtime=0), True),
        (gzip.compress(TAR, mtime=0), "pages.tgz", gzip.compress(TAR, mtime=0), True),
        (gzip.compress(b"", mtime=0), "none.gz", gzip.compress(b"", mtime=0), True),
        (gzip.compress(gzip.compress(TAR, mtime=0)), "pages.tar.gz", gzip.compress(TAR, mtime=0), False),
        (gzip.compress(TAR, mtime=0), "pages.tar", TAR, False),
    ],
)
def test_a_compressed_file_is_saved_as_its_name_says(capfd, tmp_path, body, name, saved, kept):
    """A server that calls the file's own compression one for transfer changes nothing of it."""

    def packed(request: Request) -> Response:
        return Response(200, [("Content-Encoding", "gzip"), ("Content-Type", "application/x-tar")], body)

    with PoliteServer(handler=packed) as web:
        ran = fetch(capfd, tmp_path, [web.url(f"/{name}")], "--name-template", "{path}")
    assert ran.code == 0
    (record,) = ran.records
    assert files(tmp_path)[name] == saved
    assert (record["sha256"], record["bytes"]) == (hashlib.sha256(saved).hexdigest(), len(saved))
    assert ("suffix" in (record["detail"] or "")) is kept


def test_with_body_a_compressed_file_is_told_decoded(capfd, tmp_path):
    """The text of a page is what is asked for then; the record notes that the file's name does not fit."""

    def packed(request: Request) -> Response:
        return Response(200, [("Content-Encoding", "gzip"), ("Content-Type", "text/xml")], gzip.compress(b"<a/>"))

    with PoliteServer(handler=packed) as web:
        (record,) = fetch(capfd, tmp_path, [web.url("/sitemap.xml.gz")], "--body").records
    assert record["body"] == "<a/>"
    assert "not compressed" in record["detail"]


def test_a_body_that_is_not_compressed_as_declared_is_no_success(capfd, tmp_path):
    """That holds for every file name."""
    with PoliteServer(handler=lambda _: Response(200, [("Content-Encoding", "gzip")], TAR)) as web:
        ran = fetch(capfd, tmp_path, [web.url("/pages.tar.gz")])
    assert [record["error"] for record in ran.records] == ["decode"]
    assert files(tmp_path) == {}


@pytest.mark.parametrize("option", [(), ("--ordered",)])
def test_repeats_name_the_file_of_what_they_repeat(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, option: tuple[str, ...]
) -> None:
    """Those that are recorded again, as a run goes on, too; what has no file has repeats without one."""
    with PoliteServer(1, lambda request: Response(404) if request.target == "/no" else None) as server:
        a, b, no = server.url("/a"), server.url("/b"), server.url("/no")
        urls = [a, a, b, no, a, no, b]
        options = ("-o", tmp_path / "out.jsonl", *option)
        for resume in ((), ("--resume",), ("--resume=all",)):
            fetch(capfd, tmp_path, urls, *options, *resume)
            written = [json.loads(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
            paths = {record["line"]: record["path"] for record in written}
            assert sorted(paths) == list(range(1, 8))
            assert paths[1] == paths[2] == paths[5] is not None
            assert paths[3] == paths[7] is not None
            assert paths[4] is paths[6] is None
            assert Path(paths[2]).read_bytes() == b"This is /a\n"
        if option:
            fetch(capfd, tmp_path, urls, *options)
            written = [json.loads(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
            assert [record["line"] for record in written] == list(range(1, 8))
