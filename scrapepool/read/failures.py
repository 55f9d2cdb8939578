"""Which URLs of a record file did not succeed, by class.

Decides what counts as not succeeded and what the classes are. Knows no options and no output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ..errors import InvalidURLError, UsageError
from ..groups import GROUPS
from ..model import ErrorKind
from ..text import HIDDEN, brief, printable
from ..url import plain
from .finished import identity_of_record
from .journal import SUCCESSES
from .records import Told

DEFERRED = "deferred"
"""The class of records without an error whose host asked for more patience."""

CLASSES: tuple[str, ...] = (*GROUPS, DEFERRED, *ErrorKind)


def errors_of(classes: Iterable[str]) -> frozenset[str]:
    """Resolve the names of classes to slugs. Raises UsageError for a name that is none."""
    slugs: set[str] = set()
    for name in classes:
        if name not in CLASSES:
            raise UsageError(f"no such class: {brief(name)}; there are {', '.join(CLASSES)}")
        slugs |= GROUPS.get(name, frozenset({name}))
    if not slugs:
        raise UsageError("--class names no class")
    return frozenset(slugs)


def failures(
    records: Iterable[Told], slugs: frozenset[str] | None = None, *, on_note: Callable[[str], None] = lambda _: None
) -> Iterator[str]:
    """Give the URLs whose last record is no success, in the order of their first failure, each on one line.

    slugs: only of these errors; None for all, but for what was never asked for (``skipped``). Held in memory are the
    URLs to give, and no others. on_note: gets what a person should know about them.
    """
    failed: dict[int, str] = {}
    own_requests: set[int] = set()
    for told in records:
        number = number_of(told)
        if _wanted(told, slugs):
            failed[number] = told.url
            if told.apart is not None and told.apart.method:
                own_requests.add(number)
        elif not told.is_repeat:
            failed.pop(number, None)
            own_requests.discard(number)
    if own_requests:
        on_note(
            "URLs whose rows asked with a method or data of their own, as only fetch --resume does again: "
            f"{len(own_requests):,}"
        )
    if hidden := sum(f"{HIDDEN}@" in url for url in failed.values()):
        on_note(
            f"URLs whose passwords are hidden ({HIDDEN}), which only fetch --resume takes from their list again: "
            f"{hidden:,}"
        )
    for url in failed.values():
        yield printable(plain(url))


def _wanted(told: Told, slugs: frozenset[str] | None) -> bool:
    if told.outcome in SUCCESSES:
        return False
    if slugs is None:
        return told.outcome != "skipped"
    return (DEFERRED if told.outcome == DEFERRED else told.error) in slugs


def number_of(told: Told) -> int:
    """Number the target that a record is about, its method included; another number in every process."""
    try:
        return identity_of_record(told.url, told.apart) ^ hash(told.method)
    except InvalidURLError:
        return hash(told.url)
