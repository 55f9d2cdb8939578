"""Which files earlier records name, and which of them are as recorded."""

from __future__ import annotations

import gzip
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from scrapepool.record.body_files.known_files import KnownFiles
from scrapepool.settings import FileSettings
from scrapepool.validators import Known

BODY = b"page"


def known(path: object, **fields: Any) -> Known:
    usual = {"outcome": "ok", "path": path, "sha256": sha256(BODY).hexdigest(), "bytes": len(BODY)}
    return Known.of({**usual, **fields})


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("pages/a", "a"),
        ("./pages/b/../a/c", "a/c"),
        ("pages", None),
        ("pages/../a", None),
        ("pages2/a", None),
        ("/etc/passwd", None),
        ("pages/.scrapepool/lock", None),
        ("pages/a\0", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_names_are_below_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: object, name: str | None
) -> None:
    """Whatever somebody wrote into a record."""
    monkeypatch.chdir(tmp_path)
    assert KnownFiles(FileSettings(save_dir="pages")).name_of({"path": path}) == name


@pytest.mark.parametrize(
    ("content", "packing", "fields", "there"),
    [
        (BODY, None, {}, True),
        (BODY, None, {"sha256": None}, False),
        (BODY, None, {"bytes": None}, False),
        (BODY, None, {"bytes": 5}, False),
        (b"PAGE", None, {}, False),
        (gzip.compress(BODY), "gz", {}, True),
        (gzip.compress(BODY)[:-9], "gz", {}, False),
        (gzip.compress(bytes(10_000_000)), "gz", {}, False),
        (BODY, "gz", {}, False),
        (BODY, "zst", {}, False),
    ],
)
def test_a_file_is_there_where_it_holds_what_was_recorded(
    tmp_path: Path, content: bytes, packing: Any, fields: dict[str, Any], there: bool
) -> None:
    """Byte for byte, packed as this run packs."""
    (tmp_path / "a").write_bytes(content)
    files = KnownFiles(FileSettings(save_dir=str(tmp_path), compress=packing))
    assert files.has(known(str(tmp_path / "a"), **fields)) == there
    assert not files.has(known(str(tmp_path / "b"), **fields))
