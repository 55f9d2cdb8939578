"""``fetch --warc``: what a run leaves in its archive."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import here
from warcio.archiveiterator import ArchiveIterator

from tests.servers.polite import PoliteServer, Request, Response
from tests.torture import warc

PAGE = b"a page"


class Web:
    """A small web. broken: times that /flaky says 503."""

    def __init__(self) -> None:
        self.broken = 1

    def __call__(self, request: Request) -> Response | None:
        match request.target:
            case "/robots.txt":
                return Response(200, body=b"User-agent: *\nDisallow: /private\n")
            case "/gone":
                return Response(404, body=b"gone")
            case "/empty":
                return Response(200)
            case "/packed":
                return Response(200, [("Content-Encoding", "gzip")], gzip.compress(PAGE))
            case "/moved":
                return Response(302, [("Location", "/page")], b"over there")
            case "/flaky" if self.broken:
                self.broken -= 1
                return Response(503, body=b"not now")
            case "/page" | "/flaky" | "/again":
                return Response(200, body=PAGE)
        return None


@pytest.fixture
def web() -> Iterator[PoliteServer]:
    with PoliteServer(2, Web()) as server:
        yield server


def exchanges(*paths: Path) -> list[tuple[str, str, str, bytes]]:
    """Of each response: its record's type, its path, its status, its body with all codings taken off."""
    found = []
    for path in paths:
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, check_digests="raise"):
                body = record.content_stream().read()
                if record.http_headers is not None and record.rec_type != "request":
                    url = record.rec_headers.get_header("WARC-Target-URI")
                    found.append(
                        (record.rec_type, "/" + url.split("/", 3)[3], record.http_headers.get_statuscode(), body)
                    )
    return found


def test_every_exchange_of_a_run_is_archived(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, web: PoliteServer
) -> None:
    """These are redirects, failures, retries and robots.txt, and nothing that was not requested."""
    names = ["page", "gone", "empty", "packed", "moved", "flaky", "private"]
    archive = tmp_path / "a.warc.gz"
    urls = [web.url(f"/{name}") for name in names]
    ran = here(capfd, "fetch", *urls, "--warc", archive, "--backoff", "10ms", "--workers", 1, "--progress", "none")
    assert ran.code == 1
    assert len(ran.records) == len(names)
    found = exchanges(archive)
    assert Counter((path, status) for _, path, status, _ in found) == Counter(
        [
            ("/robots.txt", "200"),
            ("/page", "200"),
            ("/gone", "404"),
            ("/empty", "200"),
            ("/packed", "200"),
            ("/moved", "302"),
            ("/page", "200"),  # where the redirect led
            ("/flaky", "503"),
            ("/flaky", "200"),
        ]
    )
    whole = {(path, status): body for kind, path, status, body in found if kind == "response"}
    assert whole["/packed", "200"] == PAGE
    assert whole["/gone", "404"] == b"gone"
    assert whole["/empty", "200"] == b""
    assert whole["/moved", "302"] == b"over there"
    assert whole["/flaky", "503"] == b"not now"
    # The page came three times, and was written once.
    assert Counter(kind for kind, path, status, _ in found if path in ("/page", "/flaky") and status == "200") == {
        "response": 1,
        "revisit": 2,
    }


def test_a_run_with_overwrite_begins_anew_and_one_with_resume_goes_on(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, web: PoliteServer
) -> None:
    """Records do the same. A torn end is cut off, and standard error says so."""
    archive, records = tmp_path / "a.warc", tmp_path / "out.jsonl"
    options = ["-o", records, "--warc", archive, "--no-robots", "--progress", "none"]
    assert here(capfd, "fetch", web.url("/page"), *options).code == 0
    ran = here(capfd, "fetch", web.url("/packed"), *options)
    assert (ran.code, "--resume appends to it, --overwrite replaces it" in ran.err) == (2, True)
    assert "/page" in records.read_text()
    assert here(capfd, "fetch", web.url("/packed"), *options, "--overwrite").code == 0
    assert [path for _, path, _, _ in exchanges(archive)] == ["/packed"]
    with archive.open("ab") as stream:
        stream.write(b"WARC/1.1\r\nWARC-Ty")
    ran = here(capfd, "fetch", web.url("/packed"), web.url("/again", 1), *options, "--resume")
    assert ran.code == 0
    assert f"{archive}: the last record was not whole, its 17 bytes were cut off" in ran.err
    assert [path for _, path, _, _ in exchanges(archive)] == ["/packed", "/again"]


def test_a_long_archive_is_in_several_files(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, web: PoliteServer
) -> None:
    """Each can be read by itself."""
    archive = tmp_path / "a.warc.gz"
    urls = [web.url(f"/some/{n}") for n in range(9)]
    assert here(capfd, "fetch", *urls, "--warc", archive, "--warc-size", "4kB", "--progress", "none").code == 0
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files[:2]] == ["a-00001.warc.gz", "a-00002.warc.gz"]
    assert len([path for _, path, _, _ in exchanges(*files) if path != "/robots.txt"]) == 9


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--warc", "a.zip"], 2, "--warc a.zip: the name must end in .warc.gz or .warc"),
        (["--warc", "missing/a.warc"], 3, "cannot write missing/a.warc: its folder does not exist"),
        (["--warc", "same.warc", "-o", "same.warc"], 2, "--output and --warc name the same file"),
        (["--warc", "a.warc", "--warc-size", "0"], 2, "--warc-size: must be at least 1 byte"),
    ],
)
def test_what_cannot_be_archived_is_reported_before_anything_is_fetched(
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    web: PoliteServer,
    options: list[str],
    code: int,
    said: str,
) -> None:
    """It is a usage error, or an output that cannot be written."""
    monkeypatch.chdir(tmp_path)
    ran = here(capfd, "fetch", web.url("/page"), *options)
    assert ran.code == code
    assert said in ran.err
    assert web.sites[0].asked == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_each_byte_is_what_the_server_sent_whenever_a_run_was_killed() -> None:
    """The short form of ``python -m tests.torture.warc``: every kind of answer, in one go and with kills between."""
    report = warc.tortured(2, 1, urls=60)
    assert report.wrong == []
    assert report.kills == 2
    assert report.files > report.lists
    assert report.kinds["response"] == report.bodies > 0
    assert report.kinds["revisit"] > 0


class Versioned:
    """A page with an ETag, and one whose 304 nobody asks for."""

    def __call__(self, request: Request) -> Response | None:
        if request.target == "/unasked":
            return Response(304)
        if request.header("if-none-match") == '"1"':
            return Response(304, [("ETag", '"1"')])
        return Response(200, [("ETag", '"1"')], body=PAGE)


def test_a_page_that_has_not_changed_is_archived_as_a_revisit(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """It refers to the earlier responses to its URL; a 304 that nobody asked for is a response."""
    with PoliteServer(1, Versioned()) as server:
        urls = [server.url("/page"), server.url("/unasked")]
        options = ["--no-robots", "--progress", "none"]
        nights = [tmp_path / f"{night}.jsonl" for night in range(3)]
        for night, records in enumerate(nights):
            since = ["--since", nights[night - 1]] if night else []
            archive = tmp_path / f"{night}.warc.gz"
            here(capfd, "fetch", *urls, "-o", records, "--warc", archive, "--warc-cdx", *since, *options)
    fields = []
    for night in range(3):
        with (tmp_path / f"{night}.warc.gz").open("rb") as stream:
            found = {
                record.rec_headers.get_header("WARC-Target-URI"): dict(record.rec_headers.headers)
                for record in ArchiveIterator(stream, check_digests="raise")
                if record.rec_type in ("response", "revisit") and record.content_stream().read() is not None
            }
        assert found[urls[1]]["WARC-Type"] == "response"
        fields.append(found[urls[0]])
    assert [one["WARC-Type"] for one in fields] == ["response", "revisit", "revisit"]
    for revisit in fields[1:]:
        assert revisit["WARC-Profile"].endswith("/revisit/server-not-modified")
        assert revisit["WARC-Refers-To-Target-URI"] == urls[0]
        assert not {"WARC-Payload-Digest", "WARC-Refers-To-Date"} & set(revisit)  # a 304 tells neither
    [line] = [said for _, said in warc.index_of(tmp_path / "1.warc.gz") if said["url"] == urls[0]]
    assert (line["mime"], "digest" in line) == ("warc/revisit", False)
