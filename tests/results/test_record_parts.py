"""Records of several files, read as if they were in one."""

from __future__ import annotations

import gzip
import json
from io import BytesIO
from pathlib import Path

import pytest

from scrapepool.errors import ListError, UsageError
from scrapepool.results.record_parts import RecordParts, record_files


def _line(number: int) -> str:
    return json.dumps({"url": f"http://h/{number}", "outcome": "ok", "error": None}) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three parts of different formats, and what may lie beside parts."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out/part-2.csv").write_text("url,outcome\nhttp://h/2,ok\n")
    (tmp_path / "out/part-1.jsonl").write_text(_line(1) + '{"url":"http://h')
    (tmp_path / "out/part-3.jsonl.gz").write_bytes(gzip.compress((_line(3) + _line(1)).encode()))
    for name in ("_SUCCESS", ".part-4.jsonl", "part-1.warc.gz", "part-1.db-wal", "run.log", "report.json"):
        (tmp_path / "out" / name).write_text("no record")
    (tmp_path / "out/pages.jsonl").mkdir()
    return tmp_path / "out"


def test_names_stand_for_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder and a glob for what may hold records, in the order of names; a file for itself."""
    parts = [str(folder / name) for name in ("part-1.jsonl", "part-2.csv", "part-3.jsonl.gz")]
    assert record_files(str(folder)) == parts
    assert record_files(str(folder), {(folder / "part-2.csv").resolve()}) == [parts[0], parts[2]]
    assert record_files(f"{folder.parent}/**/part-*.jsonl*") == [parts[0], parts[2]]
    assert record_files(str(folder / "run.log")) == [str(folder / "run.log")]
    assert record_files("-") == ["-"]
    assert record_files(f"{folder}/*.db") == record_files(f"{folder}/r*") == []
    assert record_files(f"{folder}/*.json") == [str(folder / "report.json")]
    monkeypatch.chdir(folder)
    Path("[1].jsonl").write_text(_line(1))
    assert record_files("[1].jsonl") == ["[1].jsonl"]


def test_parts_are_read_as_one(folder: Path) -> None:
    """With standard input among them; an incomplete record is reported, and the next file goes on."""
    notes: list[str] = []
    parts = RecordParts([str(folder), "-"], BytesIO(_line(4).encode()), notes.append)
    found = [(summary.url, Path(parts.current_file).name, parts.current()["outcome"]) for summary in parts]
    assert [(url[-1], name) for url, name, _ in found] == [
        ("1", "part-1.jsonl"),
        ("2", "part-2.csv"),
        ("3", "part-3.jsonl.gz"),
        ("1", "part-3.jsonl.gz"),
        ("4", "-"),
    ]
    assert {outcome for _, _, outcome in found} == {"ok"}
    assert notes == [f"{folder}/part-1.jsonl: the last record is incomplete and was skipped"]
    pairs = list(RecordParts([str(folder)], None, notes.append).with_records())
    assert [record["url"] for _, record in pairs] == [summary.url for summary, _ in pairs]
    assert repr(parts) == "<RecordParts of 4 files>"


@pytest.mark.parametrize(
    ("names", "error", "reason"),
    [
        (["-", "-"], UsageError, "standard input can be read only once: - is given twice"),
        (["{}/inner"], ListError, "{}/inner: the folder holds no record file"),
        (["{}/*.db"], ListError, "{}/*.db: no record file matches"),
        (["{}/none.jsonl"], ListError, "{}/none.jsonl: No such file or directory"),
        (["-"], ListError, "standard input: is not open"),
        (["{}/part-2.csv", "{}/run.log"], UsageError, "{}/run.log:1: not a record of scrapepool (no column url)"),
        (["\0"], ListError, "embedded null byte"),
    ],
)
def test_what_cannot_be_read(folder: Path, names: list[str], error: type[Exception], reason: str) -> None:
    """The error names the file."""
    (folder / "inner").mkdir()
    with pytest.raises(error) as caught:
        list(RecordParts([name.format(folder) for name in names], None, print))
    assert reason.format(folder) in str(caught.value)
