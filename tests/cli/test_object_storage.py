"""Lists, parts and records in object storage: S3's stand-in on loopback, and memory."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator

import fsspec
import pytest
from place import Place
from running import here

from scrapepool.record.parts.part_folder import part_folder
from tests.servers.polite import PoliteServer


@pytest.fixture(scope="session")
def s3() -> Iterator[None]:
    """The environment in which ``s3://bucket`` is a server of this process; the bucket ``denied`` is not there."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        fsspec.filesystem("s3", use_listings_cache=False).mkdir("bucket")
        yield
    server.stop()


def records(folder: str) -> list[dict[str, object]]:
    files = fsspec.core.url_to_fs(folder, use_listings_cache=False)[0]
    paths = [path for path in files.ls(folder, detail=False) if "/part-" in path]
    return [json.loads(line) for path in paths for line in files.cat_file(path).splitlines()]


def test_a_run_from_s3_to_s3(place: Place, web: PoliteServer, s3: None, capfd: pytest.CaptureFixture[str]) -> None:
    """A list, parts, a resumption, and readers of the parts, with credentials from the environment."""
    urls = [*(web.url(f"/ok?{number}") for number in range(30)), web.url("/status/404")]
    files = fsspec.filesystem("s3", use_listings_cache=False)
    files.pipe_file("bucket/urls.txt", "\n".join(urls).encode())
    ran = place.run("fetch", "s3://bucket/urls.txt", "-o", "s3://bucket/out/", "--part-size", "5kB")
    assert ran.code == 1
    found = records("s3://bucket/out/")
    assert Counter(record["url"] for record in found) == Counter(urls)
    assert files.exists("bucket/out/_SUCCESS")
    again = place.run("fetch", "s3://bucket/urls.txt", "-o", "s3://bucket/out/", "--resume")
    assert "s3://bucket/out/: records kept: 30; to be fetched again: 1\n" in again.err
    assert Counter(record["url"] for record in records("s3://bucket/out/")) == Counter(urls)
    (last,) = [path for path in files.ls("bucket/out", detail=False) if files.cat_file(path).count(b"/status/404")]
    assert here(capfd, "failed", f"s3://{last}").out == f"{web.url('/status/404')}\n"


def test_s3_refuses(place: Place, s3: None) -> None:
    """A bucket that there is not, before anything is fetched."""
    ran = place.run("fetch", "http://127.0.0.1:9/", "-o", "s3://denied/out/")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err == "scrapepool: cannot write s3://denied/out/.lock: there is no such object or bucket\n"
    assert place.complaint("fetch", "s3://bucket/none.txt") == "s3://bucket/none.txt: there is no such object"


def test_two_runs_into_one_folder(place: Place, web: PoliteServer, s3: None) -> None:
    """The message names the run that is writing there, also with storage that knows conditional writes."""
    folder = part_folder("s3://bucket/two/", ".lock")
    ran = place.run("fetch", web.url("/ok"), "-o", "s3://bucket/two/")
    assert ran.code == 75
    assert ran.err.startswith("scrapepool: another run is writing s3://bucket/two/: .lock is of host ")
    folder.close()
    assert place.run("fetch", web.url("/ok"), "-o", "s3://bucket/two/").code == 0
    names = [path.rpartition("/")[2] for path in fsspec.filesystem("s3").ls("bucket/two", detail=False, refresh=True)]
    assert sorted(names) == ["_SUCCESS", "_run.json", "part-00000.jsonl"]


def test_one_object(place: Place, web: PoliteServer) -> None:
    """It appears at the end, replaces what was there, and cannot be resumed."""
    for _ in range(2):
        assert place.run("fetch", web.url("/ok"), "-o", "memory://one/out.csv").code == 0
    (names, row) = fsspec.filesystem("memory").cat_file("/one/out.csv").splitlines()
    assert names.startswith(b"url,")
    assert web.url("/ok").encode() in row
    assert fsspec.filesystem("memory").ls("/one", detail=False) == ["/one/out.csv"]
    message = place.complaint("fetch", web.url("/ok"), "-o", "memory://one/out.csv", "--resume")
    assert message == (
        "--resume cannot continue memory://one/out.csv, because an object is written at the end of a run; write a "
        "folder of parts, as in -o memory://one/out/"
    )


def test_formats_of_lists_in_storage(place: Place, web: PoliteServer, capfd: pytest.CaptureFixture[str]) -> None:
    """They are found by name and by content. A folder is refused, with a hint."""
    files = fsspec.filesystem("memory")
    files.pipe_file("/lists/a.csv", f"id,url\n7,{web.url('/ok')}\n".encode())
    ran = here(capfd, "fetch", "memory://lists/a.csv", "--fields", "line,input")
    assert ran.records == [{"line": 2, "input": {"id": "7"}}]
    assert place.complaint("fetch", "memory://lists") == "memory://lists: is a folder; name the objects in it"


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_parts_in_memory_are_resumed(place: Place, web: PoliteServer, suffix: str) -> None:
    """A part of which a record does not stay is uploaded again."""
    place.write("urls.txt", "\n".join([web.url("/ok"), web.url("/status/500")]))
    url = f"memory://resumed-{suffix}/"
    for options in ((), ("--resume",)):
        place.run("fetch", "urls.txt", "-o", url, "--format", suffix, "--retries", "0", *options)
    assert len([name for name in fsspec.filesystem("memory").ls(url, detail=False) if "/part-" in name]) == 2
    assert place.run("changes", url, url).code == 0


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (("--sqlite", "s3://b/x.db"), "a database cannot be in object storage; write a folder of parts"),
        (("--parquet", "s3://b/x.parquet"), "-o s3://bucket/out/ --format parquet"),
        (("--warc", "s3://b/x.warc"), "write it to a file and copy it"),
        (("--save-dir", "s3://b/x"), "use a folder, or --body"),
        (("--log-file", "s3://b/x"), "it has to be a file of this machine"),
    ],
)
def test_what_cannot_be_in_storage(place: Place, options: tuple[str, str], hint: str) -> None:
    """Each is refused with what to use instead."""
    message = place.complaint("fetch", "https://example.org/", *options)
    assert message.startswith(f"{options[0]} {options[1]}: ")
    assert hint in message
