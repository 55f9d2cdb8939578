"""The words of a record for an outcome: ``outcome`` and ``error``."""

from __future__ import annotations

from .error_kind import ErrorKind
from .outcomes import Deferred, Failed, Fetched, Outcome, Skipped, Unchanged

OUTCOMES = ("ok", "unchanged", "http_error", "failed", "skipped", "deferred")
"""The words of a record's ``outcome``, in the order in which they are shown."""

SUCCESSES = frozenset({"ok", "unchanged"})
"""Those of targets that need not be fetched again."""


def verdict(outcome: Outcome) -> str:
    """Return the record's word: ``ok``, ``http_error``, ``unchanged``, ``failed``, ``skipped`` or ``deferred``."""
    match outcome:
        case Fetched():
            return "ok" if (outcome.status or 0) < 400 else "http_error"
        case Unchanged():
            return "unchanged"
        case Failed():
            return "failed"
        case Skipped():
            return "skipped"
        case Deferred():
            return "deferred"


def is_repeat(outcome: Outcome) -> bool:
    """Whether it is about a further occurrence of its URL in the lists, which was not requested."""
    return isinstance(outcome, Skipped) and outcome.error is ErrorKind.DUPLICATE


def error_of(outcome: Outcome) -> ErrorKind | None:
    """Return the record's error; None for a success and a deferral."""
    if isinstance(outcome, Fetched):
        status = outcome.status or 0
        if status < 400:
            return None
        return ErrorKind.HTTP_5XX if status >= 500 else ErrorKind.HTTP_4XX
    return outcome.error if isinstance(outcome, Failed | Skipped) else None
