"""What is striking about the pages of a run that all seem to have succeeded: fields that no page has, one final URL.

Decides the rule. A session that expired gives pages with status 200 that are all the same login form; nothing but this
shows it. Counts are kept per field and per final URL, in bounded memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from ...model import Fetched, Outcome
from ...plural import counted

MIN_PAGES = 10
"""Pages from which on something can be striking."""

MAX_FOUND = 0.01
"""A field that at most this share of the pages has is striking: a selector that is wrong, or pages that are."""

MIN_TOGETHER = 0.5
"""Redirects that lead at least this share of the pages to one URL are striking."""

MAX_ENDS = 1000
"""Final URLs that are counted. One that half of all pages lead to is among the first."""


class Striking:
    """Counts the successful pages of a run, those of them that have each field, and where redirects led them."""

    def __init__(self) -> None:
        self._pages = self._read = 0
        self._found: dict[str, int] = {}
        self._ends: Counter[str] = Counter()

    def take(self, outcomes: Sequence[Outcome]) -> None:
        """Count final outcomes."""
        for outcome in outcomes:
            if not isinstance(outcome, Fetched) or (outcome.status or 0) >= 400:
                continue
            self._pages += 1
            if outcome.redirects:
                self._count_end((outcome.final_url or "").partition("?")[0].partition("#")[0])
            if outcome.data is not None:
                self._count_fields(outcome.data)

    def _count_end(self, url: str) -> None:
        if url in self._ends or len(self._ends) < MAX_ENDS:
            self._ends[url] += 1

    def _count_fields(self, data: Mapping[str, object]) -> None:
        self._read += 1
        for name, value in data.items():
            self._found[name] = self._found.get(name, 0) + (value not in (None, [], ""))

    def notes(self) -> Iterator[str]:
        """Say what is striking, one line each."""
        if self._read >= MIN_PAGES:
            for name, number in self._found.items():
                if number <= MAX_FOUND * self._read:
                    yield f"{name}: found in {number:,} of {counted(self._read, 'page')}"
        if self._pages >= MIN_PAGES:
            for url, number in self._ends.most_common(1):
                if number >= MIN_TOGETHER * self._pages:
                    yield f"{number:,} of {self._pages:,} ended at {url}"
