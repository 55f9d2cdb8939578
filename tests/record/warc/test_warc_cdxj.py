"""The index beside each file of an archive: what it says, and that it is right whenever a run ends."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from scrapepool.errors import OutputError, UsageError
from scrapepool.model import Transcript
from scrapepool.record.warc import WarcArchive, cdxj
from scrapepool.record.warc.cdxj import Capture, line_of
from scrapepool.settings import WarcSettings
from tests.record.warc.warc_cases import spooled, transcript
from tests.torture.warc import index_by_warcio, index_of

SUFFIXES = pytest.mark.parametrize("suffix", [".warc", ".warc.gz"])


def opened(path: Path, *, size: int = 10**9, overwrite: bool = False, cdx: bool = True, **options: Any) -> WarcArchive:
    settings = WarcSettings(path=str(path), size=size, overwrite=overwrite, cdx=cdx)
    return WarcArchive(settings, {"software": "scrapepool/0"}, **options)


def write(path: Path, *batches: Sequence[Transcript], **options: Any) -> None:
    made = opened(path, **options)
    for batch in batches:
        made.keep(batch)
    made.close()


def check_indexes(folder: Path, archives: int) -> None:
    """See that each file has the index that warcio would make of it, and that nothing else is there."""
    files = sorted(folder.glob("*.warc*"))
    assert len(files) == archives
    for file in files:
        assert sorted(map(repr, index_of(file))) == sorted(map(repr, index_by_warcio(file)))
    assert len(list(folder.iterdir())) == 2 * archives


HEAD = b"HTTP/1.1 200 OK\r\n%b\r\n"


@pytest.mark.parametrize(
    ("head", "revisit", "said"),
    [
        # Each value as pywb's cdx-indexer has it, whose output these are.
        (b"Content-Type: text/html; charset=utf-8\r\n", False, '"mime": "text/html", "status": "200", '),
        (b"content-type:text/html;x\r\nContent-Type: text/plain\r\n", False, '"mime": "text/html", "status": "200", '),
        (b"", False, '"mime": "unk", "status": "200", '),
        (b"Content-Type:\r\n", False, '"mime": "unk", "status": "200", '),
        (b"Content-Type: ; x\r\n", False, '"status": "200", '),
        ("Content-Type: b\u00fc\r\n".encode(), False, '"mime": "b\\u00fc", "status": "200", '),
        (b"Content-Type: text/html\r\n", True, '"mime": "warc/revisit", '),
    ],
)
def test_a_line_is_that_of_pywb(head: bytes, revisit: bool, said: str) -> None:
    """Byte for byte."""
    one = Capture("http://www.example.org/A", "2023-11-14T22:13:20.123Z", "sha1:ABC", HEAD % head, revisit)
    assert line_of(one, 7, 99, "a.warc.gz").decode() == (
        'org,example)/a 20231114221320 {"url": "http://www.example.org/A", '
        f'{said}"digest": "ABC", "length": "99", "offset": "7", "filename": "a.warc.gz"}}\n'
    )


@SUFFIXES
def test_every_file_has_an_index(tmp_path: Path, suffix: str) -> None:
    """Of responses and revisits, long ones in files among them, each file begun when one is full."""
    bodies = [os.urandom(500), b"same", b"same", b"", os.urandom(3000), b"same"]
    batches = [[transcript(f"{n}", body), spooled(transcript(f"s{n}", body + b"x"))] for n, body in enumerate(bodies)]
    write(tmp_path / f"a{suffix}", *batches, size=4000)
    check_indexes(tmp_path, len(list(tmp_path.glob("a*.warc*"))))
    assert len(list(tmp_path.iterdir())) > 8
    assert (tmp_path / "a.cdxj").stat().st_mode & 0o777 == 0o600


def test_no_index_where_none_is_wanted(tmp_path: Path) -> None:
    """wget writes one on request as well."""
    write(tmp_path / "a.warc.gz", [transcript()], cdx=False)
    assert [file.name for file in tmp_path.iterdir()] == ["a.warc.gz"]


@SUFFIXES
@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_run_that_goes_on_indexes_what_a_killed_one_left(tmp_path: Path, suffix: str, kept: int) -> None:
    """Whichever indexes were there when it was killed, and wherever its last record was torn."""
    path = tmp_path / f"a{suffix}"
    write(path, *([transcript(f"{n}", os.urandom(500))] for n in range(5)), size=3000)
    archives = sorted(tmp_path.glob("a*.warc*"), key=lambda file: file.stat().st_mtime_ns)
    assert len(archives) > 2
    for index in sorted(tmp_path.glob("*.cdxj"), key=lambda file: file.stat().st_mtime_ns)[kept:]:
        index.unlink()
    os.truncate(archives[-1], archives[-1].stat().st_size - 20)
    write(path, [transcript("new")], resume=True)
    check_indexes(tmp_path, len(archives))


def test_an_archive_that_has_an_index_keeps_one(tmp_path: Path) -> None:
    """A run that goes on without the option, or begins anew, would leave a wrong one."""
    path = tmp_path / "a.warc.gz"
    write(path, *([transcript(f"{n}")] for n in range(3)), size=1)
    check_indexes(tmp_path, 3)
    write(path, [transcript("more")], resume=True, cdx=False)
    check_indexes(tmp_path, 3)
    write(path, overwrite=True, cdx=False)  # nothing came that could replace it
    check_indexes(tmp_path, 3)
    write(path, [transcript("new")], overwrite=True, cdx=False)
    check_indexes(tmp_path, 1)
    assert len(index_of(path)) == 1


def test_an_index_that_is_there_is_not_replaced_unasked(tmp_path: Path) -> None:
    """That of the first file ends the run; a later one's number is passed over."""
    path, index = tmp_path / "a.warc.gz", tmp_path / "a.cdxj"
    index.write_text("mine\n")
    with pytest.raises(UsageError, match=r"a.cdxj: there is an index already"):
        opened(path)
    assert [file.name for file in tmp_path.iterdir()] == ["a.cdxj"]
    other = index.rename(tmp_path / "a-00001.cdxj")
    write(path, [transcript("a")], [transcript("b")], size=1)
    assert other.read_text() == "mine\n"
    assert sorted(file.name for file in tmp_path.glob("*.warc.gz")) == ["a-00002.warc.gz", "a.warc.gz"]


def test_an_index_is_never_written_through_a_link(tmp_path: Path) -> None:
    """No user named it; the link goes, and what it leads to stays."""
    path, elsewhere = tmp_path / "a.warc.gz", tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    made = opened(path)
    made.keep([transcript()])
    (tmp_path / "a.cdxj").symlink_to(elsewhere)
    made.close()
    assert elsewhere.read_text() == "mine"
    assert len(index_of(path)) == 1


def test_an_index_has_no_record_that_could_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk was full."""
    path = tmp_path / "a.warc"
    made = opened(path)
    made.keep([transcript("a")])

    def full(_: object) -> None:
        raise OutputError(str(path), "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(made._output, "write", full)
        with pytest.raises(OutputError, match="No space"):
            made.keep([transcript("b")])
    made.close()
    check_indexes(tmp_path, 1)
    assert len(index_of(path)) == 1


def test_an_index_is_sorted_however_many_lines_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are inserted some at a time."""
    monkeypatch.setattr(cdxj, "LINES_AT_ONCE", 3)
    write(tmp_path / "a.warc.gz", [transcript(f"{n}") for n in (5, 3, 9, 1, 7, 2, 8)])
    check_indexes(tmp_path, 1)
    assert len(index_of(tmp_path / "a.warc.gz")) == 7
