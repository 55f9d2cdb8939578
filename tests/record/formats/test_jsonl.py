import json
import math
import os
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrapepool.errors import UsageError
from scrapepool.record.formats.fields import record, selection
from scrapepool.record.formats.jsonl import encode, encoder
from scrapepool.record.open_output import sink_for
from scrapepool.settings import OutputSettings
from tests.record.record_cases import OUTCOMES, TEXT, fetched, maybe, target

PLAIN = OutputSettings()


def reading(line):
    """One line back as the record it spells, having looked at the bytes."""
    assert line.isascii()
    assert line.endswith(b"\n")
    assert not any(byte < 0x20 or byte == 0x7F for byte in line[:-1])
    return json.loads(line, parse_constant=pytest.fail)


WITH_LISTS = OutputSettings(lists=True)


def written(value):
    """A value as it is written: there are readers that take no lone surrogate, so U+FFFD stands for each."""
    match value:
        case str():
            return re.sub("[\ud800-\udfff]", "\ufffd", value)
        case dict():
            return {written(key): written(item) for key, item in value.items()}
        case list() | tuple():
            return [written(item) for item in value]
        case _:
            return value


@pytest.mark.slow
@given(OUTCOMES)
@settings(max_examples=100)
def test_the_hand_written_encoder_spells_what_json_would(outcome):
    """encode() and json.dumps of the record read back as the same record, keys in the same order."""
    for encoded, output in ((encode(outcome), PLAIN), (encode(outcome, lists=True), WITH_LISTS)):
        row = reading(encoded)
        assert row == written(record(outcome, output))
        assert list(row) == list(record(outcome, output))


@given(st.builds(fetched, url=TEXT, content_type=maybe(TEXT), charset=maybe(TEXT), remote=maybe(TEXT)), maybe(TEXT))
def test_a_usual_success_is_spelled_as_any_other(outcome, source):
    """What the prepared line of a usual success says is the record, whatever text stands in it."""
    assert reading(encode(outcome)) == written(record(outcome, PLAIN))
    outcome.target.source = source
    assert encoder(WITH_LISTS)(outcome) == encode(outcome, lists=True)
    assert reading(encode(outcome, lists=True)) == written(record(outcome, WITH_LISTS))


@given(OUTCOMES)
def test_options_go_through_the_same_record(outcome):
    """With headers, body or chosen fields a line reads back as that record."""
    for chosen in (OutputSettings(headers=True, body=True), OutputSettings(fields=("sha256", "url", "input"))):
        assert reading(encoder(chosen)(outcome)) == written(selection(chosen)(outcome))


def test_input_with_numbers_that_json_has_not():
    """NaN and infinities of an input row become null, at any depth, instead of invalid JSON."""
    row = {"a": math.nan, "b": [1.5, -math.inf, {"c": math.inf}], "d": object}
    read_back = reading(encode(fetched(target=target(input=row))))["input"]
    assert read_back == {"a": None, "b": [1.5, None, {"c": None}], "d": str(object)}


class CountingWrite:
    """os.write that counts its calls and takes at most ``piece`` bytes."""

    def __init__(self, monkeypatch, piece=1 << 30):
        self.calls = 0
        self._piece = piece
        self._write = os.write
        monkeypatch.setattr("scrapepool.record.safe_io.output.os.write", self)

    def __call__(self, fd, data):
        self.calls += 1
        return self._write(fd, data[: self._piece])


def test_one_call_is_one_write(tmp_path, monkeypatch):
    """All outcomes of a call reach the file in one system call, before the call returns."""
    counted = CountingWrite(monkeypatch)
    path = tmp_path / "out.jsonl"
    sink = sink_for(OutputSettings(path=str(path)))
    sink.write([fetched(f"https://example.org/{n}") for n in range(500)])
    assert counted.calls == 1
    urls = [json.loads(line)["url"] for line in path.read_bytes().splitlines()]
    assert urls == [f"https://example.org/{n}" for n in range(500)]
    sink.write([])
    assert counted.calls == 1
    sink.close()


def test_partial_writes_are_completed(tmp_path, monkeypatch):
    """A system that takes seven bytes at a time still gets whole lines."""
    CountingWrite(monkeypatch, piece=7)
    path = tmp_path / "out.jsonl"
    sink = sink_for(OutputSettings(path=str(path)))
    sink.write([fetched(), fetched()])
    sink.close()
    assert path.read_bytes() == encode(fetched()) * 2


def test_unknown_fields_leave_the_file_alone(tmp_path):
    """A usage error comes before the output is emptied."""
    path = tmp_path / "out.jsonl"
    path.write_text("precious")
    with pytest.raises(UsageError):
        sink_for(OutputSettings(path=str(path), fields=("nope",)))
    assert path.read_text() == "precious"
