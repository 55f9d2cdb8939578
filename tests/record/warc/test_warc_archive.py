"""An archive's files: what is in them, when another one is begun, and how a run goes on with them."""

from __future__ import annotations

import gzip
import os
import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from scrapepool.errors import LockedError, OutputError, UsageError
from scrapepool.model import Transcript
from scrapepool.record.warc import WarcArchive, bodies
from scrapepool.settings import WarcSettings
from tests.record.warc.warc_cases import of_kind, records, spooled, transcript

SAID = {"software": "scrapepool/0"}
SUFFIXES = pytest.mark.parametrize("suffix", [".warc", ".warc.gz"])


def opened(path: Path, *, size: int = 10**9, overwrite: bool = True, **options: Any) -> WarcArchive:
    return WarcArchive(WarcSettings(path=str(path), size=size, overwrite=overwrite), SAID, **options)


def write(path: Path, *batches: Sequence[Transcript], size: int = 10**9, **options: Any) -> None:
    made = opened(path, size=size, **options)
    for batch in batches:
        made.keep(batch)
    made.close()


@SUFFIXES
def test_an_exchange_is_a_response_a_request_and_metadata(tmp_path: Path, suffix: str) -> None:
    """Behind the file's warcinfo; the other two point to the response, and every digest is right."""
    path = tmp_path / f"a{suffix}"
    one = transcript()
    write(path, [one])
    info, response, request, metadata = records(path)
    assert [info.kind, response.kind, request.kind, metadata.kind] == ["warcinfo", "response", "request", "metadata"]
    assert info.block == b"software: scrapepool/0\r\n"
    assert info.fields["WARC-Filename"] == path.name
    assert (response.block, request.block) == (one.response, one.request)
    assert metadata.block == b"fetchTimeMs: 26\r\nseed: http://example.org/a\r\n"
    assert request.fields["WARC-Concurrent-To"] == metadata.fields["WARC-Concurrent-To"]
    assert request.fields["WARC-Concurrent-To"] == response.fields["WARC-Record-ID"]
    for record in (response, request, metadata):
        assert record.url == one.url
        assert record.fields["WARC-IP-Address"] == "192.0.2.1"
        assert record.fields["WARC-Date"] == "2023-11-14T22:13:20.123Z"
    assert len({record.fields["WARC-Record-ID"] for record in (info, response, request, metadata)}) == 4
    assert all(record.verified for record in (info, response, request, metadata))


def test_every_record_is_a_gzip_member(tmp_path: Path) -> None:
    """So that a reader can begin at any of them; together they are the uncompressed file."""
    path = tmp_path / "a.warc.gz"
    write(path, [transcript("a"), transcript("b", b"x" * 100_000)])
    data = path.read_bytes()
    begins = [at for at in range(len(data)) if data[at:].startswith(b"\x1f\x8b\x08") and _is_record(data[at:])]
    assert len(begins) == 7
    assert gzip.decompress(data).count(b"WARC/1.1\r\n") == 7


def _is_record(data: bytes) -> bool:
    try:
        return gzip.decompress(data).startswith(b"WARC/1.1\r\n")
    except (OSError, EOFError):
        return False


@SUFFIXES
@pytest.mark.parametrize("size", [0, 1, 3_000_000])
def test_a_response_in_a_file_comes_out_as_one_in_memory(tmp_path: Path, suffix: str, size: int) -> None:
    """Its bytes, its digests and what lies around it."""
    body = os.urandom(size)
    write(tmp_path / f"m{suffix}", [transcript("a"), transcript("b", body), transcript("c")])
    write(tmp_path / f"f{suffix}", [transcript("a"), spooled(transcript("b", body)), transcript("c")])
    ours = [(record.kind, record.block, record.verified) for record in records(tmp_path / f"f{suffix}")]
    assert ours == [(record.kind, record.block, record.verified) for record in records(tmp_path / f"m{suffix}")]
    assert all(verified for _, _, verified in ours)
    assert len(ours) == 10


def test_a_body_that_was_seen_before_is_pointed_to(tmp_path: Path) -> None:
    """In another batch and at another URL too; the header block stays, the body does not come again."""
    path = tmp_path / "a.warc.gz"
    write(path, [transcript("a", b"same"), transcript("b", b"same")], [spooled(transcript("c", b"same"))])
    found = records(path)
    [response] = of_kind("response", found)
    revisits = of_kind("revisit", found)
    assert [record.url for record in revisits] == ["http://example.org/b", "http://example.org/c"]
    for record in revisits:
        assert record.block == b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
        assert record.fields["WARC-Profile"].endswith("/warc/1.1/revisit/identical-payload-digest")
        assert record.fields["WARC-Payload-Digest"] == response.fields["WARC-Payload-Digest"]
        assert record.fields["WARC-Refers-To"] == response.fields["WARC-Record-ID"]
        assert record.fields["WARC-Refers-To-Target-URI"] == response.url
        assert record.fields["WARC-Refers-To-Date"] == response.fields["WARC-Date"]
        assert record.fields["WARC-Truncated"] == "length"


def test_what_has_no_whole_body_is_never_pointed_to(tmp_path: Path) -> None:
    """An empty body has nothing to spare, a cut one is not known to be the same."""
    path = tmp_path / "a.warc.gz"
    write(path, [transcript(name, b"") for name in "ab"], [transcript(name, b"x", cut="time") for name in "cd"])
    found = records(path)
    assert len(of_kind("response", found)) == 4
    assert [record.fields.get("WARC-Truncated") for record in of_kind("response", found)] == [
        None,
        None,
        "time",
        "time",
    ]
    write(path, [transcript("a", b"x", cut="time"), transcript("b", b"x"), transcript("c", b"x", cut="time")])
    assert of_kind("revisit", records(path)) == []


def test_the_oldest_bodies_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that memory has a bound; what is forgotten is written again."""
    monkeypatch.setattr(bodies, "REMEMBERED", 2)
    path = tmp_path / "a.warc.gz"
    write(path, [transcript(f"{n}", body) for n, body in enumerate([b"1", b"2", b"3", b"3", b"1"])])
    assert [record.url[-1] for record in of_kind("revisit", records(path))] == ["3"]


def test_a_full_file_is_followed_by_another(tmp_path: Path) -> None:
    """No file is larger than asked, each begins with a warcinfo of its own, and no exchange is torn apart."""
    path = tmp_path / "a.warc.gz"
    write(path, *([transcript(f"{n}", os.urandom(500))] for n in range(20)), size=4000)
    files = sorted(tmp_path.iterdir())
    assert len(files) > 4
    assert [file.name for file in files[:2]] == ["a-00001.warc.gz", "a-00002.warc.gz"]
    assert files[-1] == path
    assert all(file.stat().st_size <= 4000 for file in files)
    for file in files:
        found = records(file)
        assert found[0].kind == "warcinfo"
        assert found[0].fields["WARC-Filename"] == file.name
        assert [record.kind for record in found[1:]] == ["response", "request", "metadata"] * (len(found) // 3)
    assert {record.url for record in of_kind("response", records(*files))} == {
        f"http://example.org/{n}" for n in range(20)
    }


def test_an_exchange_that_is_larger_than_a_file_has_one_to_itself(tmp_path: Path) -> None:
    """There is no size that nothing fits into."""
    path = tmp_path / "a.warc"
    write(path, [transcript("a"), transcript("b", b"x" * 5000), transcript("c")], size=100)
    files = [path, tmp_path / "a-00001.warc", tmp_path / "a-00002.warc"]
    assert sorted(files) == sorted(tmp_path.iterdir())
    assert all(len(records(file)) == 4 for file in files)


def test_an_archive_is_overwritten_whole(tmp_path: Path) -> None:
    """What follows the first file is of the same archive, and goes; a file behind a gap is somebody else's."""
    path = tmp_path / "a.warc.gz"
    write(path, *([transcript(f"{n}", os.urandom(500))] for n in range(9)), size=3000)
    other = tmp_path / "a-00077.warc.gz"
    other.write_bytes(b"mine")
    before = [path.read_bytes() for path in sorted(tmp_path.iterdir())]
    write(path)
    assert [path.read_bytes() for path in sorted(tmp_path.iterdir())] == before  # nothing came that could replace it
    write(path, [transcript()])
    assert sorted(tmp_path.iterdir()) == [other, path]
    assert len(records(path)) == 4


@pytest.mark.parametrize("left", [["a.warc.gz"], ["a-00001.warc.gz"], ["a.warc.gz", "a-00001.warc.gz"]])
def test_an_archive_that_is_there_is_not_replaced_unasked(tmp_path: Path, left: list[str]) -> None:
    """Nor one whose first file is missing; an empty file is no archive."""
    path = tmp_path / "a.warc.gz"
    path.touch()
    write(path, [transcript("a")], [transcript("b")], size=1, overwrite=False)
    for file in tmp_path.iterdir():
        if file.name not in left:
            file.unlink()
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(UsageError, match="--resume appends to it, --overwrite replaces it, and another name"):
        opened(path, overwrite=False)
    assert {file: file.read_bytes() for file in before} == before


def test_a_file_of_the_next_number_is_passed_over(tmp_path: Path) -> None:
    """It may be of an archive whose other files were moved, or a link."""
    path = tmp_path / "a.warc.gz"
    made = opened(path, size=1, overwrite=False)
    (tmp_path / "a-00001.warc.gz").symlink_to(tmp_path / "elsewhere")
    for name in "ab":
        made.keep([transcript(name)])
    made.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a-00001.warc.gz", "a-00002.warc.gz", path.name]


@pytest.mark.slow
@SUFFIXES
def test_a_run_goes_on_behind_the_last_whole_record(tmp_path: Path, suffix: str) -> None:
    """Wherever the last file was torn: what is whole stays, the rest is cut, and what comes now is appended."""
    path = tmp_path / f"a{suffix}"
    write(path, [transcript("a"), transcript("b")])
    data = path.read_bytes()
    whole = len(records(path))
    notes: list[str] = []
    for size in range(0, len(data) + 1, 13):
        path.write_bytes(data[:size])
        before = len(records_of_prefix(path))
        write(path, [transcript("c")], resume=True, on_note=notes.append)
        found = records(path)
        assert len(found) == before + 4
        assert [record.kind for record in found[before:]] == ["warcinfo", "response", "request", "metadata"]
        assert before <= whole
    assert notes
    assert all(f"{path}: the last record was not whole" in note for note in notes)


def records_of_prefix(path: Path) -> list[object]:
    """The records that lie in a file whole, by another way than the archive's: growing it byte by byte."""
    data = path.read_bytes()
    plain = data if path.suffix == ".warc" else _decompressed(data)
    found, at = [], 0
    while True:
        end = plain.find(b"\r\n\r\n", at)
        if end < 0:
            return found
        length = int(plain[at:end].rpartition(b"Content-Length: ")[2])
        at = end + 4 + length + 4
        if at > len(plain):
            return found
        found.append(at)


def _decompressed(data: bytes) -> bytes:
    """The members that are whole."""
    import zlib

    plain = b""
    while data:
        member = zlib.decompressobj(31)
        piece = member.decompress(data)
        if not member.eof:
            break
        plain, data = plain + piece, member.unused_data
    return plain


def test_a_run_goes_on_with_the_last_file(tmp_path: Path) -> None:
    """The full ones before it are left alone; where there is none yet, it is begun."""
    path = tmp_path / "a.warc.gz"
    write(path, [transcript("0")], resume=True)
    write(path, *([transcript(f"{n}", os.urandom(500))] for n in range(1, 9)), size=3000, resume=True)
    files = sorted(tmp_path.iterdir())
    before = {file: file.read_bytes() for file in files}
    write(path, [transcript("new")], resume=True)
    after = {file: file.read_bytes() for file in sorted(tmp_path.iterdir())}
    changed = [file for file in after if after[file] != before[file]]
    assert changed == [tmp_path / f"a-{len(files) - 1:05}.warc.gz"]
    assert after[changed[0]].startswith(before[changed[0]])


@SUFFIXES
@pytest.mark.parametrize("content", [b"not an archive", gzip.compress(b"not an archive"), b"\0" * 100])
def test_what_is_no_archive_is_left_alone(tmp_path: Path, suffix: str, content: bytes) -> None:
    """A run that would go on with it says so, and no byte of it is touched."""
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(OutputError, match=r"it is not a WARC file$"):
        opened(path, resume=True)
    assert path.read_bytes() == content


@SUFFIXES
def test_what_is_damaged_in_the_middle_is_left_alone(tmp_path: Path, suffix: str) -> None:
    """No killed run leaves that behind, so that nothing says how much of the rest is worth keeping."""
    path = tmp_path / f"a{suffix}"
    write(path, [transcript("a")])
    whole = path.stat().st_size
    damaged = path.read_bytes() + b"\0" * 3000
    path.write_bytes(damaged)
    with pytest.raises(OutputError, match=rf"from byte {whole} on; cut it there \(truncate -s {whole}\)"):
        opened(path, resume=True)
    assert path.read_bytes() == damaged


RECORD = b"WARC/1.1\r\nWARC-Type: resource\r\nContent-Length: %b\r\n\r\nblock\r\n\r\n"


@pytest.mark.parametrize(
    "damaged",
    [
        b"WARC/1.1\r\nWARC-Type: resource\r\n\r\n",
        RECORD % b"five",
        RECORD % (b"9" * 5000),
        RECORD % b"3",
        b"WARC/1.1\r\nWARC-Type: " + b"x" * 300_000,
        RECORD % b"5" + b"more",
        RECORD % b"50",
    ],
    ids=[
        "no length",
        "no number",
        "many digits",
        "too short",
        "endless header",
        "more in its member",
        "less in its member",
    ],
)
def test_a_damaged_record_is_never_cut_off(tmp_path: Path, damaged: bytes) -> None:
    """Whole ones follow it, which nobody gave up."""
    path = tmp_path / "a.warc.gz"
    write(path, [transcript("a")])
    whole = path.stat().st_size
    content = path.read_bytes() + gzip.compress(damaged) + path.read_bytes()
    path.write_bytes(content)
    with pytest.raises(OutputError, match=rf"it is not a WARC file from byte {whole} on"):
        opened(path, resume=True)
    assert path.read_bytes() == content


def test_reading_a_long_archive_can_be_given_up(tmp_path: Path) -> None:
    """A person who stops the run need not wait for it."""
    path = tmp_path / "a.warc.gz"
    write(path, [transcript()])
    with pytest.raises(KeyboardInterrupt):
        opened(path, resume=True, should_stop=lambda: True)


def test_two_runs_cannot_write_one_archive(tmp_path: Path) -> None:
    """Whichever of its files the first one is writing by then."""
    path = tmp_path / "a.warc.gz"
    made = opened(path, size=1)
    made.keep([transcript("a")])
    made.keep([transcript("b")])
    for resume in (False, True):
        with pytest.raises(LockedError, match="another run is writing"):
            opened(path, resume=resume)
    made.close()
    assert len(records(path, tmp_path / "a-00001.warc.gz")) == 8


@pytest.mark.parametrize(
    ("name", "reason"), [("missing/a.warc", "its folder does not exist"), ("a\0.warc", "null"), ("d.warc", "is a")]
)
def test_what_cannot_be_opened_is_said_at_once(tmp_path: Path, name: str, reason: str) -> None:
    """With its path, before anything is fetched."""
    (tmp_path / "d.warc").mkdir()
    with pytest.raises(OutputError, match=reason):
        WarcArchive(WarcSettings(path=f"{tmp_path}/{name}"), SAID)


@SUFFIXES
@pytest.mark.parametrize("long", [False, True])
def test_a_full_disk_leaves_whole_records(tmp_path: Path, suffix: str, long: bool) -> None:
    """The error names the file, and all that is in it can be read."""
    path = tmp_path / f"a{suffix}"
    made = opened(path)
    made.keep([transcript("a")])
    body = os.urandom(3_000_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The temporary files of a long record lie beside the archive, under the same limit.
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_002_000, hard))
    try:
        with pytest.raises(OutputError, match="File too large"):
            made.keep([spooled(transcript("b", body)) if long else transcript("b", body)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    made.close()
    assert [record.kind for record in records(path)][:4] == ["warcinfo", "response", "request", "metadata"]
    assert path.stat().st_size < 3_000_000
    write(path, [transcript("c")], resume=True)


def test_small_records_are_stored_in_a_hurry(tmp_path: Path) -> None:
    """They take more room, and every reader finds them as they are."""
    calm, hurried = tmp_path / "calm.warc.gz", tmp_path / "hurried.warc.gz"
    batch = [transcript(f"{n}", f"{n} is the number ".encode() * 50) for n in range(9)]
    for path, hurry in ((calm, False), (hurried, True)):
        made = opened(path)
        made.keep(batch, hurry=hurry)
        made.close()
    assert [record.block for record in records(hurried)] == [record.block for record in records(calm)]
    assert all(record.verified for record in records(hurried))
    assert hurried.stat().st_size > calm.stat().st_size
