"""Earlier versions of a page, as files beside it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scrapepool.folder import Folder
from scrapepool.record.body_files import file_versions
from scrapepool.record.body_files.file_versions import set_aside

TIME = 1_700_000_000_123_000_000  # nanoseconds
VERSIONS = "a.html.~versions~"
FIRST = "2023-11-14T22-13-20.123Z.html"
SECOND = "2023-11-14T22-13-20.124Z.html"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    """A folder with pages."""
    with Folder(str(tmp_path)) as opened:
        yield opened


def write(path: Path, text: str) -> None:
    """Give a file a new content, and the time of all of them."""
    path.unlink(missing_ok=True)
    path.write_text(text)
    os.utime(path, ns=(TIME, TIME))


def versions(path: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in (path / VERSIONS).iterdir()}


def test_versions_of_one_time_have_names_of_their_own_and_the_oldest_go(tmp_path: Path, folder: Folder) -> None:
    """A version that a killed run has set aside already is not set aside again."""
    write(tmp_path / "a.html", "one")
    set_aside(folder, "a.html", keep=2)
    set_aside(folder, "a.html", keep=2)
    assert versions(tmp_path) == {FIRST: "one"}
    write(tmp_path / "a.html", "two")
    set_aside(folder, "a.html", keep=2)
    assert versions(tmp_path) == {FIRST: "one", SECOND: "two"}
    write(tmp_path / "a.html", "three")
    set_aside(folder, "a.html", keep=2)
    assert list(versions(tmp_path).values()) in (["two", "three"], ["three", "two"])


def test_the_suffixes_of_a_compressed_page_stay(tmp_path: Path, folder: Folder) -> None:
    """So that it is read as what it is."""
    write(tmp_path / "b.html.gz", "packed")
    set_aside(folder, "b.html.gz", keep=1)
    assert [file.suffixes[-2:] for file in (tmp_path / "b.html.gz.~versions~").iterdir()] == [[".html", ".gz"]]


def test_only_files_have_versions(tmp_path: Path, folder: Folder) -> None:
    """Nothing is made for a name that is free, or a folder's."""
    (tmp_path / "a.html").mkdir()
    set_aside(folder, "a.html", keep=1)
    set_aside(folder, "none.html", keep=1)
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]


def test_a_file_system_without_hard_links(tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is moved, and so has no name until the new one is there."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Folder, "link", refuse)
    monkeypatch.setattr(Folder, "move", lambda self, name, to, new: self.replace(name, to, new))
    write(tmp_path / "a.html", "one")
    set_aside(folder, "a.html", keep=1)
    assert versions(tmp_path) == {FIRST: "one"}
    assert not (tmp_path / "a.html").exists()


def test_names_that_are_all_taken_are_an_error(tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are not searched for ever."""
    monkeypatch.setattr(file_versions, "MAX_VERSION_TRIES", 1)
    write(tmp_path / "a.html", "one")
    set_aside(folder, "a.html", keep=1)
    write(tmp_path / "a.html", "two")
    with pytest.raises(FileExistsError):
        set_aside(folder, "a.html", keep=1)
