"""What people type for durations, sizes, headers and lists, turned into values."""

from __future__ import annotations

import re
from typing import Any

import click

_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(ms|s|m|min|h)?", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, None: 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_SIZE = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([kmgt]?)(i?b)?", re.ASCII | re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)  # RFC 9110 section 5.6.2
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Duration(click.ParamType[float]):
    """Seconds, or a number with ms, s, m, h."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds as a float."""
        if isinstance(value, int | float):
            return float(value)
        match = _DURATION.fullmatch(value.strip())
        if match is None:
            self.fail(
                f"{value!r} is no duration; give seconds, such as 2.5, or a unit, such as 500ms or 5m", param, ctx
            )
        return float(match[1]) * _SECONDS[match[2]]


class Size(click.ParamType[int]):
    """Bytes, or a number with kB, MB, GB (thousands) or KiB, MiB, GiB (1,024s)."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Bytes as an int."""
        if isinstance(value, int):
            return value
        match = _SIZE.fullmatch(value.strip())
        if match is None:
            self.fail(f"{value!r} is no size; give bytes or a unit, such as 500kB or 100MiB", param, ctx)
        base = 1024 if (match[3] or "").lower() == "ib" else 1000
        return int(float(match[1]) * base ** _POWERS[match[2].lower()])


class Header(click.ParamType[tuple[str, str]]):
    """A header field as curl takes it: ``Name: value``, or ``Name;`` for an empty value."""

    name = "'Name: value'"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Name and value."""
        if isinstance(value, tuple):
            return value
        name, colon, content = value.partition(":")
        if not colon and value.endswith(";"):
            name, content = value[:-1], ""
        elif not colon:
            self.fail(f"{value!r} has no colon; write 'Name: value'", param, ctx)
        name, content = name.strip(), content.strip()
        if not _TOKEN.fullmatch(name):
            self.fail(f"{name!r} is no header name", param, ctx)
        if _FORBIDDEN.search(content):
            self.fail(f"the value of {name} holds a control character", param, ctx)
        try:
            content.encode("latin-1")
        except UnicodeEncodeError:
            self.fail(f"the value of {name} holds a character outside latin-1, which HTTP cannot carry", param, ctx)
        return name, content


class Statuses(click.ParamType[frozenset[int]]):
    """HTTP status codes with commas between them; empty for none."""

    name = "codes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> frozenset[int]:
        """The codes."""
        if isinstance(value, frozenset):
            return value
        words = [word.strip() for word in value.split(",") if word.strip()]
        for word in words:
            if not (word.isascii() and word.isdigit() and 100 <= int(word) <= 599):
                self.fail(f"{word!r} is no HTTP status code", param, ctx)
        return frozenset(map(int, words))


class Names(click.ParamType[tuple[str, ...]]):
    """Names with commas between them."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:  # noqa: ARG002 - Click's signature
        """The names."""
        if isinstance(value, tuple):
            return value
        return tuple(name.strip() for name in value.split(",") if name.strip())
