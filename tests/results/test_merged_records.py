"""Which records count, next to the definition; the files come from ``line_cases``."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings

from scrapepool.errors import UsageError
from scrapepool.record.formats.jsonl import json_text
from scrapepool.results.journal import is_regenerated, request_id
from scrapepool.results.merged_records import MergedRecords
from scrapepool.results.record_file import BOM, RecordFile
from scrapepool.results.record_parts import RecordParts
from tests.results.line_cases import FILES


def _merged(files: list[Path]) -> object:
    with (
        mock.patch("scrapepool.results.line_shapes.LEARN_AFTER", 1),
        mock.patch("scrapepool.results.merged_records.MAX_HELD", 4),
        MergedRecords(RecordParts([str(path) for path in files], None, lambda _: None)) as merged,
    ):
        merged.read()
        return b"".join(merged.lines()), set(merged.fields), merged.data, merged.total, merged.names_lists


def _expected(files: list[Path]) -> object:
    """The same by the definition, with everything in memory."""
    records = []
    for file in files:
        lines = [line for line in file.read_bytes().split(b"\n")[:-1] if line.strip()]
        found = RecordFile(str(file), [file.read_bytes()]).with_records()
        records += [(file, *pair, line.removeprefix(BOM)) for pair, line in zip(found, lines, strict=True)]
    of_line: dict[int, tuple[set[object], set[Path]]] = {}
    for file, summary, record, _ in records:
        row = hash((summary.url, repr(record.get("line")), repr(record.get("list"))))
        if isinstance(record.get("line"), int) and record.get("list") is None:
            targets, places = of_line.setdefault(record["line"], (set(), set()))
            targets.add(row if is_regenerated(summary) else request_id(summary))
            places.add(file)
    names_lists = any(len(targets) > 1 < len(places) for targets, places in of_line.values())
    last = {}
    for file, summary, record, line in records:
        row = (summary.url, repr(record.get("line")), repr(record.get("list")), file if names_lists else None)
        key = row if is_regenerated(summary) else request_id(summary)
        last.pop(key, None)
        last[key] = file, record, line
    written = []
    for file, record, line in last.values():
        if names_lists:
            if record.get("list") is None and record.get("line") is not None:
                names = [name for name in record if name != "list"]
                names.insert(names.index("line") + 1, "list")
                values = {**record, "list": file.name}
                record = {name: values[name] for name in names}  # noqa: PLW2901 - named as it would be otherwise
            written.append(json_text(record).encode() + b"\n")
        else:
            written.append(line + b"\n")
    names = {name for _, _, record, _ in records for name in record} | ({"list"} if names_lists else set())
    objects = [record["data"] for _, _, record, _ in records if isinstance(record.get("data"), dict)]
    data = tuple(dict.fromkeys(name for one in objects for name in one))
    return b"".join(written), names, data, len(records), names_lists


@given(first=FILES, second=FILES)
@settings(max_examples=60)
def test_merged_records_are_those_that_count(
    first: bytes, second: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Byte for byte, whether the lines were parsed or not, and whether the temporary file was needed or not."""
    folder = tmp_path_factory.getbasetemp()
    files = [folder / "a.jsonl", folder / "b.jsonl"]
    for path, content in zip(files, (first, second), strict=True):
        path.write_bytes(content)
    try:
        expected = _expected(files)
    except UsageError as error:
        with pytest.raises(UsageError) as caught:
            _merged(files)
        assert str(caught.value) == str(error)
    else:
        assert _merged(files) == expected
