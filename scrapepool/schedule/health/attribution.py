"""Whether a failure is evidence against its page or against its host.

A 5xx, a reset or a timeout may come from either. Another page of the same host tells them apart: if others are served,
the page is broken; if others fail too, the host is. The decision uses the counts of one host, in which a page counts
once, however many attempts are made at it. A host's own word (429, or any refusal that names a wait) and failures
before a page is requested (names, connections, TLS) need no such decision.
"""

from __future__ import annotations

from enum import Enum
from math import log10

MIN_PAGES = 3
"""Minimum number of pages that fail in a row, with no response in between, before the host is suspected."""

MAX_VOUCHED = 10
"""Maximum number of doublings."""

REQUIRED_ODDS = 3.0
"""Evidence against the host, in powers of ten, which is required: chance would explain one case in a thousand."""

PRIOR_PAGES = 10
PRIOR_SHARE = 0.1
"""The assumed share of failing pages of a new host, and the weight of this assumption as a number of pages."""


class Blame(Enum):
    """What a failure is attributed to: its PAGE, its HOST, or UNDECIDED until another page or its retry decides."""

    PAGE = 1
    HOST = 2
    UNDECIDED = 3


def attribute(row: int, *, responses: int, failures: int, others_answered: bool, vouched: int = 0) -> Blame:
    """Attribute a failure that may come from the page or from the host.

    row: pages that failed in a row, this one included, with no response of the host in between. responses: pages of the
    host that were served. failures: other pages whose first request failed. others_answered: whether other pages were
    served between this failure of the page and the one before. vouched: how often known pages were served since any
    other page was; each time doubles the length of the row that is required.
    """
    if others_answered:
        return Blame.PAGE
    if row < MIN_PAGES << min(vouched, MAX_VOUCHED):
        return Blame.UNDECIDED
    share = (failures + PRIOR_PAGES * PRIOR_SHARE) / (responses + failures + PRIOR_PAGES)
    return Blame.HOST if -row * log10(share) >= REQUIRED_ODDS else Blame.UNDECIDED


class RowTest:
    """Finds out whether pages that failed in a row are broken, or whether it is their host.

    Pages that failed and pages that did not fail are requested alternately, one at a time, and each page that failed
    once while there is another one. A host that refuses requests refuses both or neither; a broken page fails while the
    other page is served. A rate limit may serve the other page by chance, and a refused page may be broken as well. So
    if the failures look like those of a limit, this must happen more than once.

    since: monotonic time when the test began; earlier requests do not count. alone: whether the host gets no other
    requests meanwhile. page_next: whether a page that failed is next. out: whether a request of the test is in flight.
    """

    __slots__ = ("_needs", "alone", "out", "page_next", "since")

    def __init__(self, since: float, *, times: int, alone: bool) -> None:
        self.since = since
        self.alone = self.page_next = alone
        self.out = False
        self._needs = times

    def __repr__(self) -> str:
        return f"<RowTest since {self.since:.3f}, {self._needs} responses to come>"

    def on_page_failure(self) -> None:
        """Record that a page that had failed failed again."""
        self.page_next = False

    def on_other_response(self) -> bool:
        """Record that another page was served; return whether that proves that the pages of the row are broken."""
        self._needs -= 1
        self.page_next = self.alone
        return self._needs <= 0
