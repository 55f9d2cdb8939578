"""``--fail-if``: the conditions under which a run has failed, as ``failed>5%``, ``http_5xx>=100`` or ``p95>2s``.

Decides what an expression may contain, whether it is true, and whether that can still change. Knows no clocks and no
files: figures go in, verdicts come out.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from math import inf

from .change import Change
from .durations import NAMES, UNITS
from .errors import UsageError
from .frozen import frozen
from .lazy_pattern import lazy_pattern
from .model import ERROR_GROUPS, OUTCOMES, ErrorKind
from .text import brief

FAILURES = "failures"
"""All targets for which a run without ``--fail-if`` ends with exit code 1."""

REJECTED = "rejected"
"""Lines of the lists that are not URLs."""

HOSTS_DOWN = "hosts_down"
"""Hosts that were given up. Its share is a share of all hosts."""

RETRIES = "retries"

COUNTS = (FAILURES, *OUTCOMES, *ErrorKind, *ERROR_GROUPS, *Change, REJECTED, HOSTS_DOWN, RETRIES)

PERCENTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
"""Percentiles of the seconds that the last attempts of targets took."""

TIMES = (*PERCENTILES, "seconds")
"""Figures that are durations; ``seconds`` is that of the run."""

STATUS = lazy_pattern(r"status_([1-5]\d\d)", re.ASCII)

OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}

_NAME = lazy_pattern(r"\s*([A-Za-z_][A-Za-z0-9_]*)")
_OPERATOR = lazy_pattern(r"\s*(>=|<=|==|!=|>|<|=)")
_NUMBER = lazy_pattern(r"\s*(\d+(?:\.\d*)?|\.\d+)", re.ASCII)
_UNIT = lazy_pattern(r"\s*(%|[a-z]+)?\s*")


@frozen
class Check:
    """One expression. limit: a count, a duration in seconds, or a share (0.05 for 5%). share: whether it is a share."""

    text: str
    name: str
    operator: str
    limit: float
    share: bool = False


@frozen
class Figures:
    """The figures of a run.

    counts: by the names of ``COUNTS``, and ``status_404`` and so on; a missing one is 0.
    times: by the names of ``TIMES``, in seconds; None or missing if unknown.
    targets: the total of shares of targets.
    hosts: the total of shares of hosts.
    left: number of targets that may still be added to any count; infinite if that is not known yet.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    times: Mapping[str, float | None] = field(default_factory=dict)
    targets: int = 0
    hosts: int = 0
    left: float = 0


@frozen
class Verdict:
    """The result of a check.

    value: the figure, a share if the limit of the check is one; None if unknown.
    count, of: the figure as a count, and the total of a share.
    holds: whether the expression is true, so that the run has failed.
    """

    check: Check
    value: float | None
    count: int | None
    of: int | None
    holds: bool


def parsed(text: str) -> Check:
    """Parse an expression. Raises UsageError with a line that points at the mistake."""
    name, at = _next(text, _NAME, 0, "the name of a figure")
    if name not in COUNTS and name not in TIMES and not STATUS.fullmatch(name):
        from difflib import get_close_matches  # noqa: PLC0415 - for mistakes

        close = get_close_matches(name, (*COUNTS, *TIMES), n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else "docs/again.md lists all names"
        raise _fault(text, at - len(name), f"unknown figure {brief(name)}; {hint}")
    word, at = _next(text, _OPERATOR, at, "one of > >= < <= = !=")
    number, at = _next(text, _NUMBER, at, "a number")
    match = _UNIT.match(text, at)
    assert match is not None  # noqa: S101 - it also matches nothing
    unit, place = match[1], match.start(1) if match[1] else at
    if match.end() != len(text):
        raise _fault(text, match.end(), "unexpected text after the expression")
    limit = float(number)
    if unit is None:
        return Check(text.strip(), name, word, limit)
    if unit == "%":
        if name in TIMES:
            raise _fault(text, place, f"{name} is a duration, not a share")
        return Check(text.strip(), name, word, limit / 100, share=True)
    if unit not in UNITS or name not in TIMES:
        units = NAMES if name in TIMES else "%, or nothing"
        raise _fault(text, place, f"{brief(unit)} is not a unit of {name}; write {units}")
    return Check(text.strip(), name, word, limit * UNITS[unit])


def judged(check: Check, figures: Figures) -> Verdict:
    """Evaluate an expression. One about an unknown figure is false."""
    if check.name in TIMES:
        seconds = figures.times.get(check.name)
        return Verdict(check, seconds, None, None, seconds is not None and _holds(check, seconds))
    count, of = figures.counts.get(check.name, 0), _whole(check, figures)
    value = float(count) if not check.share else count / of if of else 0.0
    return Verdict(check, value, count, of, _holds(check, value))


def is_certain(check: Check, figures: Figures) -> bool:
    """Return whether an expression will be true at the end, whatever happens to the targets that are left.

    This can be known about counts of targets alone: each is at least its value now, and grows by at most what is left.
    """
    if check.name in TIMES or check.name in (HOSTS_DOWN, RETRIES):
        return False
    least = figures.counts.get(check.name, 0)
    of = figures.targets + figures.left if check.share else 1.0
    if check.operator in (">", ">="):
        return of not in (0, inf) and _holds(check, least / of)
    if check.operator in ("<", "<="):
        return of not in (0, inf) and figures.left != inf and _holds(check, (least + figures.left) / of)
    return False


def _whole(check: Check, figures: Figures) -> int:
    return figures.hosts if check.name == HOSTS_DOWN else figures.targets


def _holds(check: Check, value: float) -> bool:
    return OPERATORS[check.operator](value, check.limit)


def _next(text: str, pattern: re.Pattern[str], at: int, wanted: str) -> tuple[str, int]:
    match = pattern.match(text, at)
    if match is None:
        spaces = len(text[at:]) - len(text[at:].lstrip())
        raise _fault(text, at + spaces, f"{wanted} is missing here")
    return match[1], match.end()


def _fault(text: str, at: int, reason: str) -> UsageError:
    """Return an error whose last line points at a place in the expression, if that is short enough to show."""
    shown = brief(text)
    pointer = f"\n  {shown}\n  {' ' * at}^" if shown == text else ""
    return UsageError(f"{reason}{pointer}")
