"""What is said of an extra that is missing: something that can be typed where one is."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path

import pytest

from scrapepool.extras import how_to_install

PIP = f"{sys.executable} -m pip install"
"""Of the interpreter that lacks it, which may be a virtual environment's: the system's would refuse (PEP 668)."""


class Installed:
    """A distribution as pip left it. origin: what it wrote down."""

    def __init__(self, origin: object) -> None:
        self._origin = origin

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return None if self._origin is None else json.dumps(self._origin)


def installed(monkeypatch: pytest.MonkeyPatch, origin: object) -> None:
    monkeypatch.setattr(metadata, "distribution", lambda _: Installed(origin))


def test_from_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its path is named."""
    folder = tmp_path / "a b"
    folder.mkdir()
    installed(monkeypatch, {"url": folder.as_uri(), "dir_info": {"editable": True}})
    assert how_to_install("text") == f"in the folder {folder}, {PIP} '.[text]'"


def test_from_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file itself can be given to pip."""
    wheel = tmp_path / "scrapepool-1-py3-none-any.whl"
    wheel.touch()
    installed(monkeypatch, {"url": wheel.as_uri(), "archive_info": {}})
    assert how_to_install("zstd") == f"{PIP} '{wheel}[zstd]'"


def test_from_a_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    """So can its URL."""
    installed(monkeypatch, {"url": "https://example.org/x.git", "vcs_info": {"vcs": "git", "commit_id": "1"}})
    assert how_to_install("socks") == f"{PIP} 'scrapepool[socks] @ git+https://example.org/x.git'"


@pytest.mark.parametrize("origin", [None, [], {"url": "file:///nowhere/at/all"}, {"url": "https://example.org/x.whl"}])
def test_from_nowhere_that_is_known(origin: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """No name of a distribution that there is not."""
    installed(monkeypatch, origin)
    assert how_to_install("socks") == f"in the folder of scrapepool's source, {PIP} '.[socks]'"


def test_not_installed_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with PYTHONPATH."""

    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    assert "pip install '.[select]'" in how_to_install("select")
