"""Records as text for people or shells: ``--template '{status} {elapsed:.2f} {url}'``.

Decides what a template may contain and how values are formatted. Names are fields of a record, or entries of fields
that are objects (``timings.ttfb``, ``input.id``); attributes of Python objects are not accessible. A template is
checked before the first request, so that every record can be written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from string import Formatter
from typing import Any

from ...errors import UsageError
from ...lazy_pattern import lazy_pattern
from ...model import Outcome
from ...record_fields import FIELDS, TIMINGS, TLS_FACTS
from ...settings import OutputSettings
from ...text import printable
from .fields import GET, OBJECTS, found, selection
from .jsonl import json_text
from .serializer import Serializer

MISSING = "-"
"""What stands for null, as in the logs of web servers."""

ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\\": "\\"}

_WHOLE = frozenset({"line", "status", "attempts", "bytes", "wire_bytes"})
_REAL = frozenset({"elapsed", "waited", *(f"timings.{step}" for step in TIMINGS)})
_WIDTH = lazy_pattern(r"(?:(?P<fill>.)?(?P<align>[<>=^]))?[-+ ]?z?#?0?(?P<width>\d*)", re.DOTALL)
_NUMBER = lazy_pattern(r"\d+", re.ASCII)
_WIDEST = 1000  # columns or digits; a spec may ask for a billion

_IN_JSON = lazy_pattern("[\x7f-\x9f]")
"""Control characters that a JSON text may hold as they are, and a terminal may obey."""

Value = str | int | float


def template_serializer(settings: OutputSettings, method: str = GET) -> Serializer:
    """Records spelled by ``settings.template``. Raises UsageError for a template that cannot be meant."""
    assert settings.template is not None  # noqa: S101 - see the caller
    parts = _parts(_unescaped(settings.template), settings.data)
    fields = tuple(dict.fromkeys(name.partition(".")[0] for _, name, _ in parts if name is not None))
    alone = replace(settings, path="-", fields=fields or ("url",), template=None, parquet=None)
    select = selection(alone, method)

    def encode(outcome: Outcome) -> bytes:
        record = select(outcome)
        text = "".join(
            literal if name is None else literal + _spelt(found(record, name), name, spec)
            for literal, name, spec in parts
        )
        return text.encode("utf-8", "backslashreplace")

    return Serializer(encode)


def _unescaped(template: str) -> str:
    def character(found: re.Match[str]) -> str:
        if found[1] not in ESCAPES:
            raise UsageError(f"--template: unknown escape: \\{printable(found[1])}; there are \\n \\t \\r \\0 \\\\")
        return ESCAPES[found[1]]

    return re.sub(r"\\(.?)", character, template, flags=re.DOTALL)


def _parts(template: str, data: Sequence[str]) -> list[tuple[str, str | None, str]]:
    """Take a template apart: text, the name that follows it, its format spec. data: the names under ``data``."""
    parts: list[tuple[str, str | None, str]] = []
    try:
        found = list(Formatter().parse(template))
    except ValueError as error:
        raise UsageError(f"--template: {error}; write a literal brace twice") from None
    for literal, name, spec, conversion in found:
        if name is not None:
            _check(name, spec or "", conversion, {"timings": TIMINGS, "tls": TLS_FACTS, "data": data})
        parts.append((literal, name, spec or ""))
    return parts


def _check(name: str, spec: str, conversion: str | None, known: Mapping[str, Sequence[str]]) -> None:
    """Refuse what cannot be meant. known: the entries of those objects whose entries are known beforehand."""
    field, dot, entry = name.partition(".")
    if field not in FIELDS or (dot and (field not in OBJECTS or not entry)):
        raise UsageError(f"--template: unknown field: {printable(name)}; choose from {', '.join(FIELDS)}")
    if dot and (entries := known.get(field)) and entry not in entries:
        raise UsageError(f"--template: unknown field: {printable(name)}; choose from {', '.join(entries)}")
    shown = printable(f"{{{name}{f'!{conversion}' if conversion else ''}{f':{spec}' if spec else ''}}}")
    sample: Value = 200 if name in _WHOLE else 0.5 if name in _REAL else "text"
    try:
        # Nothing that depends on another value, is wider than any screen, or makes a character of a number.
        if conversion or "{" in spec or spec.endswith("c") or any(int(n) > _WIDEST for n in _NUMBER.findall(spec)):
            raise ValueError("this format is not supported")  # noqa: TRY301 - one message for both
        format(sample, spec)
    except ValueError as error:
        raise UsageError(f"--template: {shown}: {error}") from None


def _spelt(value: Any, name: str, spec: str) -> str:
    match value:
        case None:
            return _missing(spec)
        case int() | float() if name in _WHOLE or name in _REAL:
            return format(value, spec)
        case str() if name == "body":
            text = _page(value)
        case str():
            text = printable(value)
        case _:
            text = printable(json_text(value))
    return format(text, spec)


def _page(text: str) -> str:
    """Return the text of a page. Lines and tabs stay, and the rest is escaped as in JSON, so that JSON stays JSON.

    A carriage return ends a line too: a terminal would go back to the line's beginning for it.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))


def _missing(spec: str) -> str:
    """As wide as a value would be."""
    found = _WIDTH.match(spec)
    width = found["width"] if found else ""
    if not found or not width:
        return MISSING
    align = found["align"] if found["align"] in ("<", ">", "^") else ">"
    return format(MISSING, f"{found['fill'] or ' '}{align}{width}")
