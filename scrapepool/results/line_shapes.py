"""Reads what identifies records out of lines of JSON, without parsing the lines.

Decides which lines can be read so. The records of a file are mostly alike: the same fields in the same order, with
values of the same types. From a record that was parsed, a pattern is made. It matches only lines that ``json.loads``
would read in the same way, with plain ASCII text where the identity of the record stands. All other lines are left to
the parser, which takes three times as long.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any

from ..frozen import frozen
from ..model import OUTCOMES
from ..url import SENDABLE
from .record_summary import RecordSummary, apart

MAX_SHAPES = 4
"""Patterns that a line is matched with. The one that has matched least gives way to a new one."""

LEARN_AFTER = 1000
"""Lines that are parsed before a pattern is made, which takes as long as parsing them. The number doubles each time, so
that a file of lines that are all different costs little more than with the parser alone."""

MAX_NAMES = 80
"""Fields of a record from which a pattern is made, at most."""

Fields = tuple[bytes, ...]
"""A line, then its parts as they stand there, without quotes, each empty if its value is null or missing: url, the
origin of a URL that is requested as it is spelled, line, list, outcome, status, error, method, request, data; and the
line feed, which is empty if the line was not read."""

_ESCAPE = rb'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})'
_TEXT = rb'"[ !#-\[\]-\x7f]*+(?:"|(?>(?:%b[ !#-\[\]-\x7f]*+)+)")' % _ESCAPE
_NUMBER = rb"-?(?:[1-9][0-9]{0,18}+|0)(?:\.[0-9]++|)(?:[eE][+-]?[0-9]++|)"
_SCALAR = rb"(?:null|%b|%b|true|false)" % (_TEXT, _NUMBER)


def _nested(depth: int) -> bytes:
    """Match a list or an object that has others within each other, up to ``depth`` of them."""
    value = _SCALAR if not depth else rb"(?:%b|%b)" % (_SCALAR, _nested(depth - 1))
    items = rb"(?>(?:%b(?:, ?+(?!\])|(?=\])))*)" % value
    members = rb"(?>(?:%b: ?+%b(?:, ?+(?!\})|(?=\})))*)" % (_TEXT, value)
    return rb"(?:\[%b\]|\{%b\})" % (items, members)


_NESTED = _nested(2)

_KINDS: Mapping[type, bytes] = {
    type(None): _SCALAR,
    str: rb"(?:%b|null)" % _TEXT,
    int: rb"(?:%b|null)" % _NUMBER,
    float: rb"(?:%b|null)" % _NUMBER,
    bool: rb"(?:true|false|null)",
    list: rb"(?:\[\]|%b|null)" % _NESTED,
}
"""What a value may look like where one of this type was seen."""

_Kind = type | tuple[str, ...]
"""The type of a value; the names of the members of an object."""

_PLAIN = rb'"([ !#-\[\]-~]++)"'
_WHOLE = rb"(?:(0|[1-9][0-9]{0,17}+)|null)"

_READ = {
    "url": rb'"((https?://[a-z0-9_.:-]++)/[%b]*+|[ !#-\[\]-~]*+)"' % SENDABLE.encode(),
    "line": _WHOLE,
    "list": rb"(?:%b|null)" % _PLAIN,
    "outcome": rb'"(%b)"' % "|".join(OUTCOMES).encode(),
    "status": _WHOLE,
    "error": rb"(?:%b|null)" % _PLAIN,
    "method": _PLAIN,
    "request": rb"(?:(%b)|null)" % _NESTED,
    "data": rb"(?:(%b)|null)" % _NESTED,
}
"""The fields whose values are read. Each has one group, and ``url`` has two."""

_NEEDED = frozenset(("url", "outcome", "error"))

_NOT_TEXT = frozenset(("line", "status"))
"""A record whose values are all text is a row of CSV to those who read it (``find.typed_record``), so one value must
surely be of another type."""

_MAY_BE_TEXT = frozenset((str, type(None)))

_UNREAD = (b"",) * 11

_new_summary = tuple.__new__
"""As ``RecordSummary(...)``, at half of the time."""


@frozen
class _Shape:
    """What lines look like.

    pattern: of a line like this, or of any other line. in_order: returns the groups of the pattern as ``Fields``.
    """

    pattern: re.Pattern[bytes]
    in_order: Callable[[Fields], Fields]


class LineShapes:
    """The patterns of a file's lines."""

    def __init__(self) -> None:
        self._matched: dict[_Shape, int] = {}  # lines by pattern, the latest ones counting most; the main one is first
        self._parsed = 0
        self._learn_at = LEARN_AFTER

    def __repr__(self) -> str:
        return f"<LineShapes {len(self._matched)}, {self._parsed} lines parsed>"

    def read(self, block: bytes) -> Iterable[Fields]:
        """Read complete lines by the main pattern. Those that it does not match can be given to ``read_other``."""
        if not self._matched:
            return unread(block)
        if len(self._matched) > 1:
            by_count = sorted(self._matched.items(), key=itemgetter(1), reverse=True)
            self._matched = {shape: count // 2 for shape, count in by_count}
        shape = next(iter(self._matched))
        found: list[Fields] = shape.pattern.findall(block)
        self._matched[shape] += len(found)
        return map(shape.in_order, found)

    def read_other(self, line: bytes) -> Fields | None:
        """Read a line that the main pattern does not match; None if it has to be parsed."""
        main, *others = self._matched or (None,)
        if main is not None:
            self._matched[main] -= 1
        for shape in others:
            fields = shape.in_order(shape.pattern.findall(line)[0])
            if fields[-1]:
                self._matched[shape] += 1
                return fields
        return None

    def learn(self, line: bytes, record: Mapping[str, Any]) -> None:
        """Note that a line had to be parsed. Make a pattern of its record now and then."""
        self._parsed += 1
        if self._parsed < self._learn_at:
            return
        self._learn_at *= 2
        comma, colon = (b", ", b": ") if b'": ' in line[: line.find(b",")] else (b",", b":")
        shape = _shape(tuple((name, _kind(value)) for name, value in record.items()), comma, colon)
        if shape is None or shape in self._matched or not shape.in_order(shape.pattern.findall(line)[0])[-1]:
            return
        if len(self._matched) == MAX_SHAPES:
            del self._matched[min(self._matched, key=self._matched.__getitem__)]
        self._matched[shape] = 1


def unread(block: bytes) -> list[Fields]:
    """Split complete lines, without reading any."""
    return [(line + b"\n", *_UNREAD) for line in block.split(b"\n")[:-1]]


def summary_of(fields: Fields, end: int) -> RecordSummary:
    """Make the summary of a record out of its fields. end: see ``RecordSummary``."""
    _, url, _, _, _, outcome, status, error, method, request, _, _ = fields
    return _new_summary(
        RecordSummary,
        (
            url.decode(),
            outcome.decode(),
            error.decode() or None,
            method.decode() or "GET",
            end,
            apart(json.loads(request)) if request else None,
            int(status) if status else None,
        ),
    )


def _kind(value: Any) -> _Kind:
    return tuple(value) if isinstance(value, dict) and len(value) <= MAX_NAMES else type(value)


@lru_cache(maxsize=8 * MAX_SHAPES)
def _shape(kinds: tuple[tuple[str, _Kind], ...], comma: bytes, colon: bytes) -> _Shape | None:
    """Make the pattern of lines with fields of these kinds; None if such lines have to be parsed."""
    names = [name for name, _ in kinds]
    surely = _NOT_TEXT & set(names) or {kind for name, kind in kinds if name not in _READ} - _MAY_BE_TEXT
    if not surely or not _NEEDED.issubset(names) or len(names) > MAX_NAMES:
        return None

    def members(values: Iterable[tuple[str, bytes]]) -> bytes:
        return comma.join(b"%b%b%b" % (re.escape(json.dumps(name).encode()), colon, value) for name, value in values)

    def value(kind: _Kind) -> bytes:
        if isinstance(kind, type):
            return _KINDS[kind]
        return rb"(?:\{%b\}|%b|null)" % (members((name, _SCALAR) for name in kind), _NESTED)

    line = members((name, _READ.get(name) or value(kind)) for name, kind in kinds)
    # The last group stands for all fields that are missing: it never matches.
    pattern = re.compile(rb"(\{%b\}\r?+(\n)|[^\n]*+\n)|(?!)()" % line)
    groups = [group for name in names if name in _READ for group in ((name, "origin") if name == "url" else (name,))]
    places = {name: place for place, name in enumerate(groups, 1)}
    in_order = ("url", "origin", *(name for name in _READ if name != "url"))
    return _Shape(pattern, itemgetter(0, *(places.get(name, len(groups) + 2) for name in in_order), len(groups) + 1))
