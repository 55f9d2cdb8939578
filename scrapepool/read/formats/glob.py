"""``--glob``: a pattern for many URLs, in the syntax of curl (``{a,b}``, ``[1-100:2]``, ``[a-z]``).

Computes any URL of a pattern from its number, without going through the others. Knows nothing about lists.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from ipaddress import AddressValueError, IPv6Address

from ...errors import UsageError
from ...lazy_pattern import lazy_pattern
from ...text import without_password

_LITERAL = lazy_pattern(r"(?:\\[{}\[\],\\]|[^{}\[\]])+")
_SET = lazy_pattern(r"\{((?:\\.|[^{}\[\]\\])*)\}", re.DOTALL)
_SET_ITEM = lazy_pattern(r"(?:\\.|[^,\\])*", re.DOTALL)
_NUMBERS = lazy_pattern(r"\[(\d{1,18})-(\d{1,18})(?::(\d{1,18}))?\]", re.ASCII)
_LETTERS = lazy_pattern(r"\[([a-z])-([a-z])(?::(\d{1,3}))?\]|\[([A-Z])-([A-Z])(?::(\d{1,3}))?\]")
_BRACKETED = lazy_pattern(r"\[([^\[\]]*)\]")
_ESCAPED = lazy_pattern(r"\\(.)", re.DOTALL)
_ESCAPE = lazy_pattern(r"\\([{}\[\],\\])")


class _Numbers(Sequence[str]):
    """``[001-100:2]``: numbers, padded with zeros to the width of the first."""

    def __init__(self, first: str, last: str, step: int) -> None:
        self._numbers = range(int(first), int(last) + 1, step)
        self._digits = len(first) if first.startswith("0") else 1

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, place: int) -> str:  # type: ignore[override]  # slices are not needed
        return f"{self._numbers[place]:0{self._digits}}"


class Glob:
    """A parsed pattern. size: its number of URLs. width: an upper bound of their length in bytes.

    The last part varies fastest. A backslash escapes braces, brackets, commas and backslashes. Raises UsageError.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._parts = list(_parts(pattern))
        self.size = math.prod(len(part) for part in self._parts)
        self.width = sum(max(map(_bytes, (part if isinstance(part, list) else (part[-1],)))) for part in self._parts)

    def __repr__(self) -> str:
        return f"<Glob {self._pattern} of {self.size}>"

    def url(self, number: int) -> str:
        """Return the URL with this number; numbers begin at 0."""
        chosen = []
        for part in reversed(self._parts):
            number, place = divmod(number, len(part))
            chosen.append(part[place])
        return "".join(reversed(chosen))

    def __iter__(self) -> Iterator[str]:
        return map(self.url, range(self.size))


def _parts(pattern: str) -> Iterator[Sequence[str]]:
    """Split a pattern into its parts, each a sequence of alternatives."""
    at = 0
    while at < len(pattern):
        if found := _LITERAL.match(pattern, at):
            yield [_ESCAPE.sub(r"\1", found[0])]
        elif found := _SET.match(pattern, at):
            if not found[1]:
                raise _wrong(pattern, at, "there is nothing in the braces")
            yield [_ESCAPED.sub(r"\1", item) for item in _items(found[1])]
        elif found := _NUMBERS.match(pattern, at):
            first, last, step = found.groups()
            _check_range(pattern, at, int(first), int(last), step)
            yield _Numbers(first, last, int(step or 1))
        elif found := _LETTERS.match(pattern, at):
            first, last, step = found.groups()[:3] if found[1] else found.groups()[3:]
            _check_range(pattern, at, ord(first), ord(last), step)
            yield list(map(chr, range(ord(first), ord(last) + 1, int(step or 1))))
        elif (found := _BRACKETED.match(pattern, at)) and _is_address(found[1]):
            yield [found[0]]
        else:
            raise _wrong(
                pattern, at, "a brace or bracket without its other half; write \\ before one that is meant literally"
            )
        at = found.end()


def _items(text: str) -> Iterator[str]:
    at = 0
    while True:
        found = _SET_ITEM.match(text, at)
        assert found is not None  # noqa: S101  # it matches the empty string too
        yield found[0]
        at = found.end() + 1
        if at > len(text):
            return


def _check_range(pattern: str, at: int, first: int, last: int, step: str | None) -> None:
    if first > last:
        raise _wrong(pattern, at, "a range that ends before it begins")
    if step is not None and not 1 <= int(step) <= max(1, last - first):
        raise _wrong(pattern, at, "a step that leads out of the range")


def _is_address(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


def _wrong(pattern: str, at: int, reason: str) -> UsageError:
    return UsageError(f"--glob: {without_password(pattern)}: {reason}, at character {at + 1}")


def _bytes(text: str) -> int:
    return len(text.encode(errors="replace"))
