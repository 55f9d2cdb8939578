import json
import os
import sys
from datetime import UTC, datetime

import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrapepool.errors import LockedError, OutputError, UsageError
from scrapepool.record.formats.fields import record
from scrapepool.record.formats.jsonl import encoder
from scrapepool.record.open_output import sink_for
from scrapepool.record.stores import parquet
from scrapepool.record.stores.parquet import ParquetSink, check_parquet, unpack, write_parquet
from scrapepool.record_fields import FIELDS
from scrapepool.settings import OutputSettings
from scrapepool.text import printable
from tests.record.record_cases import OUTCOMES, fetched

PLAIN = OutputSettings()


def opened(folder, *, passing=True, **parameters):
    """A sink for out.parquet over records beside it."""
    source = str(folder / "out.jsonl")
    return ParquetSink(
        lambda: sink_for(OutputSettings(path=source)),
        source,
        str(folder / "out.parquet"),
        passing=passing,
        **parameters,
    )


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_file_is_made_at_the_end_and_its_records_go(tmp_path):
    """Until then they are what there is, one line each."""
    sink = opened(tmp_path)
    sink.write([fetched(), fetched("https://example.org/b")])
    assert (tmp_path / "out.jsonl").read_bytes().count(b"\n") == 2
    sink.close()
    sink.close()
    assert names(tmp_path) == ["out.parquet"]
    rows = pyarrow.parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["url"] for row in rows] == ["https://example.org/a", "https://example.org/b"]
    assert rows[0]["started"] == datetime(2023, 11, 14, 22, 13, 20, 123_000, UTC)
    assert (rows[0]["status"], rows[0]["timings"]["ttfb"], rows[0]["method"]) == (200, 0.01, "GET")


def test_records_that_are_an_output_of_their_own_stay(tmp_path):
    """The Parquet file is made of them and next to them."""
    sink = opened(tmp_path, passing=False)
    sink.write([fetched()])
    sink.close()
    assert names(tmp_path) == ["out.jsonl", "out.parquet"]


def test_every_field_has_its_column():
    """In the order of a record."""
    assert tuple(parquet._schema().names) == FIELDS


@pytest.mark.slow
@given(outcomes=st.lists(OUTCOMES, max_size=4))
@settings(max_examples=60, deadline=None)
def test_what_is_read_back_is_what_json_lines_would_say(outcomes, tmp_path_factory):
    """Whatever servers sent: NUL, lone surrogates, control characters; objects with any keys."""
    folder = tmp_path_factory.mktemp("parquet")
    output = OutputSettings(headers=True, body=True)
    lines = list(map(encoder(output), outcomes))
    write_parquet(map(json.loads, lines), str(folder / "a.parquet"))
    unpack(str(folder / "a.parquet"), str(folder / "a.jsonl"))
    assert names(folder) == ["a.jsonl", "a.parquet"]
    expected = []
    for row in map(json.loads, lines):
        for name in set(row) - {"body", "input", "headers"}:
            if isinstance(row[name], str):
                row[name] = printable(row[name])
        row["redirects"] = list(map(printable, row["redirects"]))
        row["hops"] = [{**hop, "url": printable(hop["url"])} for hop in row["hops"]]
        expected.append({name: value for name, value in row.items() if value is not None or name not in output_only})
    assert list(map(json.loads, (folder / "a.jsonl").read_bytes().splitlines())) == expected


output_only = {"headers", "body"}


def test_row_groups_are_bounded_by_rows_and_by_bytes(tmp_path, monkeypatch):
    """So is the memory that making them takes."""
    row = record(fetched(body=b"x" * 1000), OutputSettings(body=True))
    path = str(tmp_path / "a.parquet")
    for limit, value, groups in (("GROUP_ROWS", 4, 3), ("GROUP_BYTES", 5000, 3)):
        with monkeypatch.context() as patch:
            patch.setattr(parquet, "ROWS_AT_ONCE", 2)
            patch.setattr(parquet, limit, value)
            write_parquet((dict(row) for _ in range(10)), path)
        assert pyarrow.parquet.ParquetFile(path).metadata.num_row_groups == groups


def test_a_file_that_is_not_made_leaves_its_records(tmp_path):
    """Where a person wants to wait no longer, and says so; the file of an earlier run is as it was."""
    (tmp_path / "out.parquet").write_text("earlier")
    notes = []
    sink = opened(tmp_path, should_stop=lambda: True, on_note=notes.append)
    sink.write([fetched()])
    sink.close()
    assert names(tmp_path) == ["out.jsonl", "out.parquet"]
    assert (tmp_path / "out.parquet").read_text() == "earlier"
    assert notes == [
        f"{tmp_path}/out.parquet is not made; its records are in {tmp_path}/out.jsonl, and --resume goes on there"
    ]


def test_records_that_do_not_fit_are_said_and_stay(tmp_path):
    """A file that somebody else wrote to."""
    sink = opened(tmp_path)
    (tmp_path / "out.jsonl").write_text('{"url": "http://a/", "status": "sunny"}\n')
    with pytest.raises(OutputError, match=rf"cannot write {tmp_path}/out.parquet: .*; its records are in"):
        sink.close()
    assert names(tmp_path) == ["out.jsonl"]


def test_one_run_a_file(tmp_path):
    """A second one is refused before it fetches, with all that was opened let go."""
    sink = opened(tmp_path)
    with pytest.raises(LockedError):
        opened(tmp_path)
    sink.close()
    opened(tmp_path).close()


def test_a_folder_that_is_not_there_is_said_at_once(tmp_path):
    """Before the records' file is emptied."""
    (tmp_path / "out.jsonl").write_text("precious")
    with pytest.raises(OutputError, match="its folder does not exist"):
        ParquetSink(
            lambda: sink_for(OutputSettings(path=str(tmp_path / "out.jsonl"))),
            "",
            "/nonexistent/a.parquet",
            passing=True,
        )
    assert (tmp_path / "out.jsonl").read_text() == "precious"


def test_what_cannot_be_made_is_a_usage_error(tmp_path, monkeypatch):
    """A device, and any file without pyarrow; the extra is named."""
    check_parquet(str(tmp_path / "a.parquet"))
    with pytest.raises(UsageError, match="needs a regular file"):
        check_parquet(os.devnull)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"pip install '\.\[parquet\]'"):
        check_parquet(str(tmp_path / "a.parquet"))


def test_a_table_of_something_else_is_not_gone_on_with(tmp_path):
    """It is no file of records."""
    pyarrow.parquet.write_table(pyarrow.table({"x": [1]}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="its columns are not those of records"):
        unpack(str(tmp_path / "a.parquet"), str(tmp_path / "a.jsonl"))


def test_a_file_of_an_earlier_version_is_gone_on_with(tmp_path):
    """It lacks a column that was added since."""
    path, lines = str(tmp_path / "a.parquet"), tmp_path / "a.jsonl"
    write_parquet([record(fetched(), PLAIN)], path)
    pyarrow.parquet.write_table(pyarrow.parquet.read_table(path).drop_columns(["list"]), path)
    unpack(path, str(lines))
    assert [json.loads(line) for line in lines.read_bytes().splitlines()] == [
        json.loads(json.dumps(record(fetched(), PLAIN)))
    ]
