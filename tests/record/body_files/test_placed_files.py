"""Bodies whose records were not written before a run was killed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scrapepool.errors import OutputError
from scrapepool.model import Fetched, HostKey, Saved, Target
from scrapepool.record.body_files.body_store import Files
from scrapepool.settings import FileSettings

HOST = HostKey("http", "a.test", 80)


def outcome(number: int, data: bytes) -> Fetched:
    return Fetched(target=Target(f"http://a.test/{number}", HOST, f"/{number}", number), saved=Saved(data=data))


def files_in(folder: Path, records: str, *, goes_on: bool = True) -> Files:
    settings = FileSettings(save_dir=str(folder), name_template="{line:03}.html")
    return Files(settings, records=records, goes_on=goes_on)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def killed(folder: Path, records: str = "out.jsonl") -> None:
    """Leave three bodies, of which the first has its record."""
    files = files_in(folder, records, goes_on=False)
    for number in (1, 2, 3):
        files.write([outcome(number, b"old")])
        files.recorded(min(number, 1))


def test_bodies_without_a_record_are_deleted_and_get_their_names_again(tmp_path):
    """The one that has its record stays, and so does a file that has its name from somebody else."""
    killed(tmp_path)
    (tmp_path / "003.html").unlink()
    (tmp_path / "003.html").write_bytes(b"mine")
    files = files_in(tmp_path, "out.jsonl")
    files.settle(lambda url, _: url.endswith("/1"))
    assert names(tmp_path) == ["001.html", "003.html"]
    files.write([outcome(2, b"new"), outcome(3, b"new")])
    files.recorded(2)
    files.end()
    assert names(tmp_path) == ["001.html", "002.html", "003-2.html", "003.html"]
    assert not list((tmp_path / ".scrapepool").iterdir())


def test_a_record_that_was_written_keeps_its_body(tmp_path):
    """The list may be longer than what has no record: the run was killed between the record and the list."""
    killed(tmp_path)
    files = files_in(tmp_path, "out.jsonl")
    files.settle(lambda *_: True)
    assert names(tmp_path) == ["001.html", "002.html", "003.html"]


def test_only_the_run_that_goes_on_with_the_same_records_deletes(tmp_path):
    """Another run does not know which bodies have a record; the next run over the same records may not either."""
    killed(tmp_path, "other.jsonl")
    files = files_in(tmp_path, "out.jsonl")
    files.settle(lambda *_: False)
    assert names(tmp_path) == ["001.html", "002.html", "003.html"]
    killed(tmp_path / "b")
    files = files_in(tmp_path / "b", "out.jsonl", goes_on=False)
    files.settle(lambda *_: False)
    assert names(tmp_path / "b") == ["001.html", "002.html", "003.html"]


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "{",
        "[]\n",
        '{"records": 1}\n',
        '{"records": "%s"}\n[1]\n',
        '{"records": "%s"}\n["http://a.test/", null, [0, 0, 0, 0], "../x"]\n',
    ],
)
def test_a_list_that_this_program_does_not_write_deletes_nothing(tmp_path, lines: str):
    """Nor does it end the run."""
    (tmp_path / "pages/.scrapepool").mkdir(parents=True)
    (tmp_path / "x").touch()
    here = os.path.realpath("out.jsonl")
    (tmp_path / "pages/.scrapepool/placed").write_text(lines.replace("%s", here))
    files = files_in(tmp_path / "pages", "out.jsonl")
    files.settle(lambda *_: False)
    assert (tmp_path / "x").exists()


def test_a_long_list_keeps_what_has_no_record(tmp_path, monkeypatch):
    """It is written again where most of it is done with."""
    monkeypatch.setattr("scrapepool.record.body_files.placed_files.REWRITTEN", 1)
    files = files_in(tmp_path, "out.jsonl", goes_on=False)
    files.write([outcome(number, b"x") for number in range(1, 11)])
    files.recorded(8)
    files = files_in(tmp_path, "out.jsonl")
    files.settle(lambda *_: False)
    assert len(names(tmp_path)) == 8


def test_a_list_that_is_a_link_ends_the_run(tmp_path):
    """It is not followed."""
    (tmp_path / "pages/.scrapepool").mkdir(parents=True)
    (tmp_path / "pages/.scrapepool/placed").symlink_to(tmp_path / "victim")
    with pytest.raises(OutputError, match="it is a link"):
        files_in(tmp_path / "pages", "out.jsonl")
