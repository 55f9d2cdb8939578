"""Earlier archives: which of their bodies a new one points to, and what is said of files that are none."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from scrapepool.errors import UsageError
from scrapepool.record.warc import WarcArchive
from scrapepool.record.warc.earlier import earlier_files
from scrapepool.record.warc.reader import sha1_digest
from scrapepool.settings import WarcSettings
from tests.record.warc.warc_cases import of_kind, records, transcript

BODY = b"a body of the first night"
URL, DATE = "http://example.org/first", "2023-11-14T22:13:20.123Z"


def written(path: Path, *ones: tuple[str, bytes], notes: list[str] | None = None, **options: object) -> Path:
    """An archive of exchanges, by the names of their URLs and their bodies."""
    resume = bool(options.pop("resume", False))
    made = WarcArchive(
        WarcSettings(path=str(path), **options),  # type: ignore[arg-type]
        {"software": "scrapepool/0"},
        resume=resume,
        on_note=(notes if notes is not None else []).append,
    )
    for name, body in ones:
        made.keep([transcript(name, body)])
    made.close()
    return path


def second_night(folder: Path, *old: object, notes: list[str] | None = None) -> list[tuple[str, str | None]]:
    """Archive the body of the first night at another URL; URL and date that the new record points to."""
    path = folder / "second.warc.gz"
    path.unlink(missing_ok=True)
    written(path, ("second", BODY), notes=notes, dedup=tuple(map(str, old)))
    return [
        (one.fields["WARC-Refers-To-Target-URI"], one.fields["WARC-Refers-To-Date"])
        for one in of_kind("revisit", records(path))
    ]


@pytest.fixture
def first(tmp_path: Path) -> Path:
    folder = tmp_path / "old"
    folder.mkdir()
    return written(folder / "first.warc.gz", ("first", BODY), ("other", b"something else"), cdx=True)


def plain(first: Path) -> bytes:
    return gzip.decompress(first.read_bytes())


SPELLINGS: dict[str, Callable[[Path], bytes]] = {
    "members": Path.read_bytes,
    "plain": plain,
    "one member": lambda first: gzip.compress(plain(first)),
    "members as blocks": lambda first: b"".join(
        gzip.compress(plain(first)[at : at + 100]) for at in range(0, len(plain(first)), 100)
    ),
    "no payload digests": lambda first: re.sub(rb"WARC-Payload-Digest: .*\r\n", b"", plain(first)),
    "other digests": lambda first: re.sub(
        rb"WARC-Payload-Digest: .*\r\n", b"WARC-Payload-Digest: sha256:00\r\n", plain(first)
    ),
    "angle brackets": lambda first: re.sub(rb"(Target-URI: )(.*)\r", rb"\1<\2>\r", plain(first)),
    "WARC/1.0": lambda first: plain(first).replace(b"WARC/1.1\r\n", b"WARC/1.0\r\n"),
    "line ends": lambda first: plain(first).replace(b"\r\n\r\nWARC/", b"\r\n\r\n\r\n\r\nWARC/"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_body_of_an_earlier_archive_is_pointed_to(first: Path, tmp_path: Path, spelling: str) -> None:
    """However the archive was written; what is pointed to is the record, with its id."""
    [original] = [one for one in of_kind("response", records(first)) if one.url == URL]
    first.write_bytes(SPELLINGS[spelling](first))
    assert second_night(tmp_path, first) == [(URL, DATE)]
    [revisit] = of_kind("revisit", records(tmp_path / "second.warc.gz"))
    assert revisit.fields["WARC-Refers-To"] == original.fields["WARC-Record-ID"]
    assert revisit.fields["WARC-Profile"] == "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
    assert revisit.block.endswith(b"\r\n\r\n")


DIGEST = "DUY4WMQQH2IR33QDQMAODWKOACBE5O5B"
CAPTURE = f"org,example)/first 20231114221320 {URL} text/html 200 {DIGEST}"
INDEXES = {
    "9 columns": f" CDX N b a m s k r V g\n{CAPTURE} - 7 first.warc.gz\n",
    "10 columns": f" CDX N b a m s k r M V g\n{CAPTURE} - - 7 first.warc.gz\n",
    "11 columns": f" CDX N b a m s k r M S V g\n{CAPTURE} - - 99 7 first.warc.gz\n",
    "wget": f" CDX a b a m s k r M V g u\n{URL} 20231114221320 {URL} text/html 200 {DIGEST} - - 7 first.warc.gz "
    "<urn:uuid:9d8ed666-4003-47c8-bf46-6f0411ef81a3>\n",
    "CDXJ of pywb": f'x 20231114221320 {{"url": "{URL}", "mime": "text/html", "digest": "{DIGEST}"}}\n',
    "CDXJ of cdxj-indexer": f'x 20231114221320 {{"url": "{URL}", "digest": "sha1:{DIGEST}"}}',
    "CDXJ of OpenWayback": "!OpenWayback-CDXJ 1.0\n(org,example,)/first 2023-11-14T22:13:20Z response "
    f'{{"uri": "{URL}", "sha": "{DIGEST}"}}\n',
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", INDEXES)
def test_an_index_will_do(tmp_path: Path, kind: str, packed: bool) -> None:
    """It says what is needed; the record's id only where wget wrote it."""
    assert (
        sha1_digest(DIGEST)
        == of_kind("response", records(written(tmp_path / "a.warc", ("a", BODY))))[0].fields["WARC-Payload-Digest"]
    )
    index = tmp_path / "index"
    index.write_bytes(gzip.compress(INDEXES[kind].encode()) if packed else INDEXES[kind].encode())
    assert second_night(tmp_path, index) == [(URL, "2023-11-14T22:13:20Z")]
    [revisit] = of_kind("revisit", records(tmp_path / "second.warc.gz"))
    expected = "<urn:uuid:9d8ed666-4003-47c8-bf46-6f0411ef81a3>" if kind == "wget" else None
    assert revisit.fields.get("WARC-Refers-To") == expected


def test_our_own_index_will_do(first: Path, tmp_path: Path) -> None:
    """Its dates have no fractions of a second, which lookups have not either."""
    assert second_night(tmp_path, first.with_name("first.cdxj")) == [(URL, "2023-11-14T22:13:20Z")]


@pytest.mark.parametrize(
    "line",
    [
        f'x 20231114221320 {{"url": "{URL}", "mime": "warc/revisit", "digest": "{DIGEST}"}}',
        f'x 20231114221320 {{"url": "{URL}"}}',
        f'x 20231114221320 {{"url": "{URL}", "digest": "sha256:{DIGEST}"}}',
        f'x 2023 {{"url": "{URL}", "digest": "{DIGEST}"}}',
        f'x 20231114221320 {{"url": "http://example.org/\\r\\nWARC-Type: x", "digest": "{DIGEST}"}}',
        f'x 2023-11-14T22:13:20Z request {{"uri": "{URL}", "sha": "{DIGEST}"}}',
    ],
)
def test_what_cannot_be_pointed_to_is_skipped(tmp_path: Path, line: str) -> None:
    """A revisit has no body, another digest cannot be compared, and a record's header must stay whole."""
    index = tmp_path / "old.cdxj"
    index.write_text(f"{line}\n")
    assert second_night(tmp_path, index) == []


def test_skipped_responses_are_reported(tmp_path: Path) -> None:
    """Otherwise nobody would know why nothing is saved."""
    index, notes = tmp_path / "old.cdxj", []
    index.write_text(f'x 20231114221320 {{"url": "{URL}", "digest": "sha256:00"}}\n' * 3)
    second_night(tmp_path, index, notes=notes)
    assert notes == [
        f"--warc-dedup {index}: 3 responses without SHA-1 digest, URL or date are skipped",
        "--warc-dedup: 0 bodies are known from 1 file",
    ]


@pytest.mark.parametrize("old", ["old.warc.gz", "old.cdxj"])
def test_empty_bodies_are_not_counted(tmp_path: Path, old: str) -> None:
    """Nothing is saved by pointing to them."""
    notes: list[str] = []
    written(tmp_path / "old.warc.gz", ("first", BODY), ("none", b""), cdx=True)
    second_night(tmp_path, tmp_path / old, notes=notes)
    assert notes == ["--warc-dedup: 1 body is known from 1 file"]


def test_one_body_is_counted_as_one(tmp_path: Path) -> None:
    """In its own words."""
    notes: list[str] = []
    old = written(tmp_path / "old.warc.gz", ("first", BODY))
    assert len(second_night(tmp_path, old, notes=notes)) == 1
    assert notes == ["--warc-dedup: 1 body is known from 1 file"]


def test_revisits_and_cut_responses_hold_no_body(tmp_path: Path) -> None:
    """An archive that only points to a body does not have it."""
    old = tmp_path / "old.warc"
    made = WarcArchive(WarcSettings(path=str(old)), {})
    made.keep([transcript("cut", BODY, cut="time")])
    made.close()
    assert second_night(tmp_path, old) == []
    first = written(tmp_path / "first.warc", ("first", BODY))
    assert second_night(tmp_path, first) == [(URL, DATE)]
    second = (tmp_path / "second.warc.gz").rename(tmp_path / "kept.warc.gz")
    assert second_night(tmp_path, second) == []


def test_a_digest_is_compared_as_a_whole(tmp_path: Path) -> None:
    """It is looked up by a part of it, which another body's may share."""
    index = tmp_path / "old.cdxj"
    index.write_text(f'x 20231114221320 {{"url": "{URL}", "digest": "{DIGEST[:-1]}A"}}\n')
    assert second_night(tmp_path, index) == []


def test_the_first_archive_named_counts(first: Path, tmp_path: Path) -> None:
    """Among several that have the body."""
    other = written(tmp_path / "other.warc", ("elsewhere", BODY))
    assert second_night(tmp_path, other, first) == [("http://example.org/elsewhere", DATE)]
    assert second_night(tmp_path, first, other) == [(URL, DATE)]


def test_folders_and_patterns_name_archives_and_indexes(tmp_path: Path) -> None:
    """Other files may lie there; of a file and its index, the index is read, but where it is older."""
    folder = tmp_path / "old"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.warc.gz", "a.cdxj", "b.warc", "b.cdx.gz", "deep/c.warc.gz", "notes.txt", "d.cdxj"):
        (folder / name).touch()
    os.utime(folder / "b.cdx.gz", (1, 1))
    found = ["a.cdxj", "b.cdx.gz", "b.warc", "d.cdxj", "deep/c.warc.gz"]
    assert earlier_files([str(folder)], []) == [f"{folder}/{name}" for name in found]
    assert earlier_files([f"{folder}/*.warc*"], []) == [f"{folder}/a.warc.gz", f"{folder}/b.warc"]
    assert earlier_files([f"{folder}/**/*.warc.gz"], []) == [f"{folder}/a.warc.gz", f"{folder}/deep/c.warc.gz"]
    assert earlier_files([f"{folder}/a.*"] * 2, [f"{folder}/a.cdxj"]) == []
    with pytest.raises(UsageError, match=r"--warc-dedup .*\*\.cdxx: no archive or index is there"):
        earlier_files([f"{folder}/*.cdxx"], [])


def test_a_run_that_goes_on_may_read_its_own_archive(tmp_path: Path) -> None:
    """So that a pattern may mean all archives of a folder; one that is replaced is no earlier one."""
    path = written(tmp_path / "a.warc.gz", ("a", BODY))
    written(path, ("b", BODY), resume=True, dedup=(f"{tmp_path}/*.warc.gz",))
    assert [one.url[-1] for one in of_kind("revisit", records(path))] == ["b"]
    written(path, ("c", BODY), overwrite=True, dedup=(f"{tmp_path}/*.warc.gz",))
    assert [one.kind for one in records(path)] == ["warcinfo", "response", "request", "metadata"]


NOT_READ: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "text": (lambda _: b"some text\n", "it is no WARC, CDX or CDXJ file"),
    "packed text": (lambda _: gzip.compress(b"some text\n"), "it is no WARC, CDX or CDXJ file"),
    "zeros": (lambda _: b"\0" * 3_000_000, "it is no WARC, CDX or CDXJ file"),
    "gzip and no more": (lambda _: b"\x1f\x8b" + b"\xff" * 100, "it is no WARC, CDX or CDXJ file"),
    "torn at once": (lambda first: first.read_bytes()[:150], "its first record is torn"),
    "torn": (lambda first: first.read_bytes()[:-30], r"the record at byte \d+ is torn; truncate -s \d+ cuts it off"),
    "torn and plain": (lambda first: plain(first)[:-30], "is torn; truncate -s"),
    "damaged": (lambda first: first.read_bytes() + b"\0" * 50, r"it is damaged behind byte \d+"),
    "torn index": (
        lambda _: gzip.compress(os.urandom(3000).hex().encode())[:-50],
        "its compressed data ends too early",
    ),
    "no columns": (lambda _: b" CDX N b g\n", r"names no column for URL \(a\), date \(b\) or digest \(k\)"),
    "few columns": (lambda _: b" CDX N b a k\nx y\n", "line 2: 2 columns, not 4"),
    "torn line": (lambda _: b'x 20231114221320 {}\nx 20231114221320 {"ur', "line 2: no CDXJ"),
}


@pytest.mark.parametrize("case", NOT_READ)
def test_what_cannot_be_read_is_said(first: Path, tmp_path: Path, case: str) -> None:
    """With the file and the reason; nothing is left of an archive that was not begun."""
    content, reason = NOT_READ[case]
    data = content(first)
    old = tmp_path / "it"
    old.write_bytes(data)
    with pytest.raises(UsageError, match=f"^--warc-dedup {re.escape(str(old))}: .*{reason}"):
        second_night(tmp_path, old)
    assert not (tmp_path / "second.warc.gz").exists()


def test_reading_can_be_given_up(first: Path, tmp_path: Path) -> None:
    """A person who stops the run need not wait for it."""
    settings = WarcSettings(path=str(tmp_path / "a.warc"), dedup=(str(first),))
    with pytest.raises(KeyboardInterrupt):
        WarcArchive(settings, {}, should_stop=lambda: True)


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (DIGEST, f"sha1:{DIGEST}"),
        (f"SHA-1:{DIGEST.lower()}", f"sha1:{DIGEST}"),
        ("sha1:" + "00" * 20, "sha1:" + "A" * 32),
        ("sha1:" + "x" * 40, None),
        ("sha256:" + DIGEST, None),
        (DIGEST[1:], None),
        ("1" * 32, None),
        ("-", None),
        ("", None),
    ],
)
def test_digests_are_spelled_in_several_ways(text: str, digest: str | None) -> None:
    """In base 32 or hexadecimal, with a label or without."""
    assert sha1_digest(text) == digest
