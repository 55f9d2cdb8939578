"""The cookies of a run: from a file, and back to one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scrapepool.errors import OutputError, UsageError
from scrapepool.run.cookie_jar import cookies_for, saved_cookies
from scrapepool.settings import RequestSettings

LINE = "a.test\tFALSE\t/\tFALSE\t4102444800\tname\tvalue\n"


def test_cookies_are_saved_after_an_error_too(tmp_path: Path) -> None:
    """What the server set is not lost; a file that cannot be written does not hide the error."""
    (tmp_path / "in").write_text(LINE)
    settings = RequestSettings(cookies=str(tmp_path / "in"), save_cookies=str(tmp_path / "out"))
    store = cookies_for(settings)
    with pytest.raises(ZeroDivisionError), saved_cookies(store, settings):
        raise ZeroDivisionError
    assert "name\tvalue" in (tmp_path / "out").read_text()
    gone = tmp_path / "gone"
    gone.mkdir()
    with pytest.raises(ZeroDivisionError), saved_cookies(store, RequestSettings(save_cookies=str(gone / "out"))):
        gone.rmdir()
        raise ZeroDivisionError


def test_many_bad_lines_are_counted(tmp_path: Path) -> None:
    """A few are named, and none is repeated: it may hold a secret."""
    notes: list[str] = []
    (tmp_path / "in").write_text(LINE + "secret\n" * 7)
    settings = RequestSettings(cookies=str(tmp_path / "in"))
    assert cookies_for(settings, notes.append) is not None
    assert notes == [f"{tmp_path}/in: lines 2, 3, 4, 5, 6 and 2 more cannot be read as a cookie, and is left out"]
    (tmp_path / "in").write_text("secret\n")
    with pytest.raises(UsageError, match="it has no cookie, and line 1 cannot be read"):
        cookies_for(settings)


def test_a_file_that_cannot_be_written_is_known_at_the_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is fetched for it."""
    store = cookies_for(RequestSettings(save_cookies="x"))
    for path, reason in ((tmp_path, "no regular file"), (tmp_path / "no" / "x", "does not exist")):
        with pytest.raises(OutputError, match=reason), saved_cookies(store, RequestSettings(save_cookies=str(path))):
            pytest.fail("it began")
    monkeypatch.setattr(os, "access", lambda *_: False)
    settings = RequestSettings(save_cookies=str(tmp_path / "x"))
    with pytest.raises(OutputError, match="cannot be written to"), saved_cookies(store, settings):
        pytest.fail("it began")
