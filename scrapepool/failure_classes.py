"""The language that names failures: ``timeout,5xx,!501``. ``--retry-on``, ``failed --class`` and ``--resume`` speak it.

Decides its words: statuses (``503``), classes and ranges of them (``5xx``, ``500-504``), errors of records, groups of
errors, and ``!`` before what is excluded. Does not know what is done with the failures that it names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .errors import UsageError
from .frozen import frozen
from .lazy_pattern import lazy_pattern
from .model import ERROR_GROUPS, ErrorKind
from .text import brief

DEFERRED = "deferred"
"""The outcome, and the class, of targets whose host asked for a longer wait than ``--max-park``."""

CLASSES: tuple[str, ...] = (*ERROR_GROUPS, DEFERRED, *ErrorKind)
"""The words that are no statuses."""

STATUSES = range(100, 600)
HTTP_ERRORS = {ErrorKind.HTTP_4XX: range(400, 500), ErrorKind.HTTP_5XX: range(500, 600)}

OF_STATUSES = "a class or range of statuses (5xx, 500-504)"

_CLASS = lazy_pattern(r"([1-5])xx", re.ASCII | re.IGNORECASE)
_RANGE = lazy_pattern(r"([1-5]\d\d)(?:-([1-5]\d\d))?", re.ASCII)


@frozen
class Named:
    """What some words name. errors: slugs of records, and ``deferred``. statuses: HTTP statuses."""

    errors: frozenset[str] = frozenset()
    statuses: frozenset[int] = frozenset()

    def hold(self, error: str | None, status: int | None) -> bool:
        """Whether a failure is among them: by its error, or by the status with which it ended."""
        return error in self.errors or status in self.statuses


@frozen
class FailureClasses:
    """Failures by name. wanted: those that are named; None for all of them. excluded: those behind a ``!``."""

    wanted: Named | None = None
    excluded: Named = Named()

    def hold(self, error: str | None, status: int | None) -> bool:
        """Whether a failure is among them. error: its slug; ``deferred`` for a deferral."""
        return (self.wanted is None or self.wanted.hold(error, status)) and not self.excluded.hold(error, status)


def parsed(words: Iterable[str]) -> FailureClasses:
    """Read the words of a list. Without any but excluded ones, all other failures are meant. Raises UsageError."""
    wanted: list[Named] = []
    excluded: list[Named] = []
    for word in filter(None, map(str.strip, words)):
        (excluded if word.startswith("!") else wanted).append(_named(word.removeprefix("!").strip()))
    if not wanted and not excluded:
        raise UsageError("no class is named")
    return FailureClasses(_together(wanted) if wanted else None, _together(excluded))


def statuses(words: Iterable[str]) -> FailureClasses:
    """Read a list as ``parsed`` does, but of statuses only. Raises UsageError."""
    listed = [word.strip() for word in words]
    for word in listed:
        name = word.removeprefix("!").strip()
        if name and _CLASS.fullmatch(name) is None and _RANGE.fullmatch(name) is None:
            raise UsageError(f"{brief(name)} is not a status; write a status (503), or {OF_STATUSES}")
    return parsed(listed)


def retried(
    words: Sequence[str], statuses: frozenset[int], errors: frozenset[str]
) -> tuple[frozenset[int], frozenset[str]]:
    """Read the words of ``--retry-on``: the statuses and the errors after which a request is repeated.

    statuses, errors: the defaults. What is named of one kind replaces the defaults of that kind; ``!`` takes something
    away. No word at all means no status, and the usual errors. Raises UsageError.
    """
    if not words:
        return frozenset(), errors
    classes = parsed(words)
    named = classes.wanted or Named()
    slugs = named.errors - HTTP_ERRORS.keys()
    for name in sorted(slugs | classes.excluded.errors):
        if name not in RETRYABLE and name not in HTTP_ERRORS:
            raise UsageError(f"{name} is never retried; of errors, choose from {', '.join(sorted(RETRYABLE))}")
    chosen = slugs or errors
    return (named.statuses or statuses) - classes.excluded.statuses, chosen - classes.excluded.errors


RETRYABLE = frozenset(ErrorKind) - {
    *HTTP_ERRORS,
    ErrorKind.INVALID_URL,
    ErrorKind.UNSUPPORTED_SCHEME,
    ErrorKind.FORBIDDEN_ADDRESS,
    ErrorKind.ROBOTS,
    ErrorKind.ROBOTS_UNREACHABLE,
    ErrorKind.DUPLICATE,
    ErrorKind.CIRCUIT_OPEN,
    ErrorKind.DISK,
    ErrorKind.INTERRUPTED,
    ErrorKind.INTERNAL,
}
"""Errors of single attempts; the others are about the list, the host, or this machine."""


def _named(word: str) -> Named:
    if (found := _CLASS.fullmatch(word)) is not None:
        first = 100 * int(found[1])
        statuses = range(first, first + 100)
        return Named(frozenset(error for error, its in HTTP_ERRORS.items() if its == statuses), frozenset(statuses))
    if (found := _RANGE.fullmatch(word)) is not None:
        first, last = int(found[1]), int(found[2] or found[1])
        if first > last:
            raise UsageError(f"{word}: the first status is above the last")
        return Named(statuses=frozenset(range(first, last + 1)))
    if word not in CLASSES:
        raise UsageError(
            f"unknown class: {brief(word)}; write a status (503), {OF_STATUSES}, or one of {', '.join(CLASSES)}"
        )
    errors = ERROR_GROUPS.get(word, frozenset({word}))
    of_errors = (status for error, its in HTTP_ERRORS.items() if error in errors for status in its)
    return Named(frozenset(errors), frozenset(of_errors))


def _together(some: Iterable[Named]) -> Named:
    named = list(some)
    return Named(frozenset().union(*(one.errors for one in named)), frozenset().union(*(one.statuses for one in named)))
