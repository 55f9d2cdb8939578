"""Lines that are read without parsing them say what the parser says."""

from __future__ import annotations

import json
from unittest import mock

from hypothesis import given, settings

from scrapepool.errors import UsageError
from scrapepool.results.line_shapes import MAX_SHAPES, LineShapes
from scrapepool.results.record_file import RecordFile
from tests.results.line_cases import FILES, LIKE_THAT, LINE, USUAL, WITHOUT_LIST


def _read(content: bytes, *, parse: bool) -> object:
    """Everything that a file says, or what it complains of."""
    file = RecordFile("out", [content[:700], content[700:]])
    found = []
    try:
        for summary, record in file.with_records() if parse else ((one, file.current()) for one in file):
            found.append((summary, json.dumps(record)))
    except UsageError as error:
        return found, str(error)
    return found, file.whole, file.torn, file.bare


@given(FILES)
@settings(max_examples=150)
def test_a_line_says_what_the_parser_says(content: bytes) -> None:
    """Summaries, whole records, offsets and complaints are the same, whatever the lines look like."""
    with mock.patch("scrapepool.results.line_shapes.LEARN_AFTER", 1):
        assert _read(content, parse=False) == _read(content, parse=True)


def test_few_lines_are_parsed() -> None:
    """Until there are patterns of both kinds of lines; the one that matches more lines is tried first."""
    one, other = LINE % USUAL, WITHOUT_LIST % LIKE_THAT
    shapes = LineShapes()
    with mock.patch.object(shapes, "_learn_at", 1):
        for _ in range(3):
            assert len(list(RecordFile("out", [one * 3 + other, other * 20 + one], shapes=shapes))) == 25
    assert repr(shapes) == "<LineShapes 2, 4 lines parsed>"


def test_patterns_are_few() -> None:
    """A file of many kinds of records does not gather patterns, and some records never get one."""
    shapes = LineShapes()
    record = {"url": "http://h/", "outcome": "ok", "error": None, "line": 1}
    unusual = ({name: record[name] for name in list(record)[:3]}, {"url": "u", "outcome": "ok", "line": 1},
               record | {f"name{n}": 1 for n in range(100)})  # fmt: skip
    with mock.patch.object(shapes, "_learn_at", 0):  # so that it learns each time
        for kind in (*unusual, *(record | {f"name{n}": 1} for n in range(6)), *unusual):
            list(RecordFile("out", [f"{json.dumps(kind)}\n".encode()] * 40, shapes=shapes))
    assert repr(shapes).startswith(f"<LineShapes {MAX_SHAPES}, ")
