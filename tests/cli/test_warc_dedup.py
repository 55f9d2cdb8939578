"""``fetch --warc-dedup`` and ``--warc-cdx``: archives over time, and the index by which a page is found in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from running import here
from warcio.archiveiterator import ArchiveIterator

from tests.servers.polite import PoliteServer, Request, Response
from tests.torture.warc import index_by_warcio, index_of

PATHS = ("/page", "/chunked", "/news", "/long")


class Web:
    """The same pages on each host. night: what /news depends on."""

    night = 1

    def body(self, target: str) -> bytes:
        if target == "/long":
            return b"0123456789abcdef" * 100_000
        return f"{target} {self.night if target == '/news' else ''}".encode()

    def __call__(self, request: Request) -> Response | None:
        if request.target not in PATHS:
            return None
        return Response(200, body=self.body(request.target), chunked=request.target == "/chunked")


@pytest.fixture
def web() -> Iterator[tuple[PoliteServer, Web]]:
    made = Web()
    with PoliteServer(2, made) as server:
        yield server, made


def fetched(capfd: pytest.CaptureFixture[str], server: PoliteServer, host: int, *options: object) -> str:
    """Fetch all pages from a host; standard error."""
    urls = [server.url(path, host) for path in PATHS]
    ran = here(capfd, "fetch", *urls, "--no-robots", "--progress", "none", *options)
    assert ran.code == 0, ran.err
    return ran.err


def at(archive: Path, said: dict[str, str]) -> tuple[str, dict[str, str], bytes]:
    """Type, header fields and payload, with its codings taken off, of the record that an index names."""
    with (archive.parent / said["filename"]).open("rb") as stream:
        stream.seek(int(said["offset"]))
        record = next(iter(ArchiveIterator(stream)))
        return record.rec_type, dict(record.rec_headers.headers), record.content_stream().read()


def replayed(archive: Path, url: str, *earlier: Path) -> tuple[str, bytes]:
    """Type of the record of a URL, and its body, found as pywb finds it: in indexes, by URL, second and digest."""
    [said] = [said for _, said in index_of(archive) if said["url"] == url]
    kind, fields, body = at(archive, said)
    if kind == "response":
        return kind, body
    date = "".join(filter(str.isdigit, fields["WARC-Refers-To-Date"]))[:14]
    wanted = (fields["WARC-Refers-To-Target-URI"], date, said["digest"])
    for other in earlier:
        for timestamp, original in index_of(other):
            if (original["url"], timestamp, original["digest"]) == wanted and original["mime"] != "warc/revisit":
                return kind, at(other, original)[2]
    raise AssertionError(f"{url} is in no archive")


@pytest.mark.slow
@pytest.mark.parametrize("old", ["first.warc.gz", "first.cdxj", ".", "*.warc.gz"])
def test_a_page_is_replayed_out_of_the_archive_that_has_its_body(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, web: tuple[PoliteServer, Web], old: str
) -> None:
    """A second night at a mirror: what is the same is a revisit, what is new is there, and every body is found."""
    server, site = web
    folder = tmp_path / "old"
    folder.mkdir()
    first, second = folder / "first.warc.gz", tmp_path / "second.warc.gz"
    fetched(capfd, server, 0, "--warc", first, "--warc-cdx")
    site.night = 2
    err = fetched(capfd, server, 1, "--warc", second, "--warc-cdx", "--warc-dedup", folder / old)
    assert "--warc-dedup: 4 bodies are known from 1 file\n" in err
    for path in PATHS:
        kind, body = replayed(second, server.url(path, 1), first)
        assert (kind, body) == ("response" if path == "/news" else "revisit", site.body(path))
    for archive in (first, second):
        assert sorted(map(repr, index_of(archive))) == sorted(map(repr, index_by_warcio(archive)))


def test_three_nights_need_all_earlier_archives(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, web: tuple[PoliteServer, Web]
) -> None:
    """The option may be repeated; a pattern may mean the archive that a run goes on with."""
    server, site = web
    nights = [tmp_path / f"{night}.warc.gz" for night in (1, 2, 3)]
    fetched(capfd, server, 0, "--warc", nights[0], "--warc-cdx")
    site.night = 2
    fetched(capfd, server, 0, "--warc", nights[1], "--warc-cdx", "--warc-dedup", nights[0])
    options = ("--warc", nights[2], "--warc-cdx", "-o", tmp_path / "out.jsonl")
    fetched(capfd, server, 0, *options, "--warc-dedup", nights[0], "--warc-dedup", nights[1])
    again = ("--resume", "--warc-dedup", tmp_path / "*.warc.gz")
    urls = [server.url(path, 1) for path in PATHS]
    assert here(capfd, "fetch", *urls, "--no-robots", "--progress", "none", *options, *again).code == 0
    for host in (0, 1):
        for path in PATHS:
            assert replayed(nights[2], server.url(path, host), *nights) == ("revisit", site.body(path))
    assert sorted(map(repr, index_of(nights[2]))) == sorted(map(repr, index_by_warcio(nights[2])))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--warc-dedup", "old.warc"], "--warc-dedup needs --warc"),
        (["--warc-cdx"], "--warc-cdx needs --warc"),
        (["--warc", "a.warc", "--warc-dedup", "nope.warc"], "--warc-dedup nope.warc: no archive or index is there"),
        (["--warc", "a.warc", "--warc-dedup", "nope*"], "--warc-dedup nope*: no archive or index is there"),
        (["--warc", "a.warc", "--warc-dedup", "text"], "--warc-dedup text: it is no WARC, CDX or CDXJ file"),
        (["--warc", "a.warc", "--warc-dedup", "torn.warc"], "--warc-dedup torn.warc: its first record is torn"),
        (
            ["--warc", "a.warc", "--warc-dedup", "text", "-o", "text"],
            "text is read by --warc-dedup and would be overwritten by",
        ),
        (
            ["--warc", "a.warc", "--warc-dedup", "a.warc"],
            "a.warc is read by --warc-dedup and would be overwritten by --warc",
        ),
        (["--warc", "text.warc", "--warc-cdx", "-o", "text.cdxj"], "--output and --warc-cdx name the same file"),
    ],
)
def test_wrong_usage_is_reported_before_anything_is_fetched(
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    web: tuple[PoliteServer, Web],
    options: list[str],
    said: str,
) -> None:
    """The exit code is 2, with one sentence; no file is created or changed."""
    monkeypatch.chdir(tmp_path)
    there = {"text": b"some text\n", "torn.warc": b"WARC/1.1\r\nWARC-Type: response\r\n"}
    for name, content in there.items():
        (tmp_path / name).write_bytes(content)
    ran = here(capfd, "fetch", web[0].url("/page"), *options)
    assert (ran.code, said in ran.err) == (2, True), ran.err
    assert web[0].sites[0].asked == {}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == there
