"""``-o out/``: a folder of parts, how it is resumed, and which folders are refused."""

from __future__ import annotations

import json
import os
from collections import Counter

import pytest
from place import Place

from scrapepool.record.safe_io.lock import open_locked
from scrapepool.record.stores.parquet import lines_of
from tests.servers.polite import PoliteServer

SUFFIXES = ("jsonl", "csv", "parquet")


@pytest.fixture
def urls(place: Place, web: PoliteServer) -> list[str]:
    """A list of 10 URLs, of which one fails."""
    urls = [*(web.url(f"/ok?{number}") for number in range(9)), web.url("/status/404")]
    place.write("urls.txt", "\n".join(urls))
    return urls


def parts(place: Place, folder: str = "out") -> list[str]:
    return sorted(path.name for path in (place.folder / folder).iterdir() if path.name.startswith("part-"))


def recorded(place: Place, folder: str = "out") -> Counter[str]:
    """How often each URL has a record."""
    found: Counter[str] = Counter()
    for name in parts(place, folder):
        path = place.folder / folder / name
        if path.suffix == ".csv":
            found.update(line.partition(",")[0] for line in path.read_text().splitlines()[1:])
        else:
            lines = lines_of(str(path)) if path.suffix == ".parquet" else path.read_bytes().splitlines()
            found.update(json.loads(line)["url"] for line in lines)
    return found


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_parts_and_their_resumption(place: Place, urls: list[str], suffix: str) -> None:
    """Each URL has one record over all parts, also when a failure was fetched again; the marker says it is complete."""
    options = ("--part-size", "1kB", "--format", suffix)
    ran = place.run("fetch", "urls.txt", "-o", "out/", *options)
    assert ran.code == 1
    first = parts(place)
    assert len(first) > 1
    assert first[0] == f"part-00000.{suffix}"
    assert recorded(place) == Counter(urls)
    assert {path.name for path in (place.folder / "out").iterdir()} - {*first} == {"_SUCCESS", "_run.json"}

    again = place.run("fetch", "urls.txt", "-o", "out/", *options, "--resume")
    assert "out/: records kept: 9; to be fetched again: 1\n" in again.err
    assert recorded(place) == Counter(urls)
    assert parts(place)[-1] == f"part-{len(first):05}.{suffix}"
    assert (place.folder / "out" / "_SUCCESS").exists()


def test_a_folder_of_another_run_is_refused(place: Place, urls: list[str]) -> None:
    """Its records would be mixed up with others; nothing in it is changed."""
    place.run("fetch", "urls.txt", "-o", "out/")
    before = recorded(place)
    message = place.complaint("fetch", "urls.txt", "-o", "out/")
    assert message == "out/ holds the parts of another run: another folder is needed, or --resume to continue that run"
    message = place.complaint("fetch", "urls.txt", "-o", "out/", "--resume", "--format", "csv")
    assert message == (
        "out/ holds the parts of a run with format jsonl, which this run with format csv cannot continue"
    )
    message = place.complaint("fetch", "urls.txt", "-o", "out/", "--resume", "--fields", "status")
    assert "--fields" in message
    assert recorded(place) == before


def test_what_a_kill_leaves_is_taken_up(place: Place, urls: list[str]) -> None:
    """An unfinished part loses its torn record; what only helped to make a part is removed."""
    place.run("fetch", "urls.txt", "-o", "out/", "--part-size", "1kB")
    out = place.folder / "out"
    last = parts(place)[-1]
    (out / last).rename(out / f".{last}")
    with (out / f".{last}").open("a") as file:
        file.write('{"url":"http')
    (out / ".part-00000.jsonl").write_bytes(b"")
    (out / ".part-00099.jsonl").write_bytes(b'{"url":')
    (out / ".part-00098.parquet").write_bytes(b"PAR1")
    (out / "_run.json").write_text("[")
    ran = place.run("fetch", "urls.txt", "-o", "out/", "--resume=all")
    assert "the last record is incomplete; its 19 bytes are removed" in ran.err
    assert recorded(place) == Counter(urls)
    assert not [path.name for path in out.iterdir() if path.name.startswith(".")]


def test_a_run_without_records_makes_no_part(place: Place, web: PoliteServer) -> None:
    """The folder may be used by another run."""
    place.write("urls.txt", "")
    assert place.run("fetch", "urls.txt", "-o", "out/").code == 2
    assert parts(place) == []
    assert place.run("fetch", web.url("/ok"), "-o", "out/").code == 0
    assert parts(place) == ["part-00000.jsonl"]


def test_file_urls_are_files(place: Place, web: PoliteServer) -> None:
    """They can be lists and outputs."""
    listed = place.write("urls.txt", web.url("/ok"))
    assert place.run("fetch", f"file://{listed}", "-o", f"file://{place.folder}/out/").code == 0
    assert recorded(place) == Counter([web.url("/ok")])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-o", "out.jsonl", "--part-size", "1MB"), "--part-size needs an --output that ends with /"),
        (
            ("-o", "out.jsonl", "--format", "parquet"),
            "--format parquet needs a folder of parts, which is an --output that ends with a slash; --parquet is for "
            "one file",
        ),
        (("-o", "out/", "--format", "parquet", "--fields", "url"), "--fields cannot choose the columns of Parquet"),
        (
            ("-o", "out/", "--parquet", "x.parquet"),
            "--output out/ is a folder of parts, which --parquet cannot be made of; with --format parquet, each part "
            "is a Parquet file",
        ),
    ],
)
def test_options_that_contradict_parts(place: Place, options: tuple[str, ...], message: str) -> None:
    """Each says what to use instead."""
    assert place.complaint("fetch", "https://example.org/", *options) == message


def test_parquet_needs_its_extra(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is missed before anything is fetched."""
    monkeypatch.setattr("scrapepool.record.stores.parquet.has_pyarrow", lambda: False)
    message = place.complaint("fetch", "https://example.org/", "-o", "out/", "--format", "parquet")
    assert message.startswith("--format parquet needs pyarrow: ")


def test_a_damaged_part_is_named(place: Place, urls: list[str]) -> None:
    """It is neither lost nor passed over."""
    place.run("fetch", "urls.txt", "-o", "out/", "--format", "parquet")
    (place.folder / "out" / "part-00000.parquet").write_bytes(b"PAR1")
    ran = place.run("fetch", "urls.txt", "-o", "out/", "--format", "parquet", "--resume")
    assert ran.code == 3
    assert "part-00000.parquet: cannot read it: " in ran.err
    place.run("fetch", "urls.txt", "-o", "lines/")
    (place.folder / "lines" / "part-00000.jsonl").write_text("no record\n")
    assert "part-00000.jsonl:1: not a record" in place.complaint("fetch", "urls.txt", "-o", "lines/", "--resume")


def test_two_runs_do_not_write_one_folder(place: Place, urls: list[str]) -> None:
    """The second one ends with exit code 75."""
    (place.folder / "out").mkdir()
    fd = open_locked(str(place.folder / "out" / ".lock"))
    try:
        ran = place.run("fetch", "urls.txt", "-o", "out/")
    finally:
        os.close(fd)
    assert (ran.code, ran.err) == (75, "scrapepool: another run is writing out/: --wait-lock waits for its end\n")


def test_shards_share_a_folder(place: Place) -> None:
    """Each writes and marks its own parts; a run with another number of shards is refused."""
    urls = [f"http://{host}.invalid/" for host in "abcdef"]
    place.write("urls.txt", "\n".join(urls))
    for shard in ("1/2", "2/2"):
        assert place.run("fetch", "urls.txt", "-o", "out/", "--shard", shard, "--retries", "0", "--no-robots").code == 1
    assert recorded(place) == Counter(urls)
    assert [name[:11] for name in parts(place)] == ["part-00000-", "part-00001-"]
    assert {"_SUCCESS-00000", "_SUCCESS-00001"} <= {path.name for path in (place.folder / "out").iterdir()}
    assert "holds the parts of another run" in place.complaint("fetch", "urls.txt", "-o", "out/", "--shard", "3/3")
    message = place.complaint("fetch", "urls.txt", "-o", "out/", "--resume")
    assert message == "out/ holds the parts of a run with shards 2, which this run with no shards cannot continue"
