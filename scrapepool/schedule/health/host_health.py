"""What failures have made of one host: its pace, its parking and its circuit, until it is well again.

A host that never failed has none of this, which keeps what it costs off the quick path. Decides nothing itself.
"""

from __future__ import annotations

from math import inf

from ...model import Attempt
from .adaptive_rate import REMEMBERED, Pace
from .attribution import FEWEST, RowTest
from .circuit_breaker import Breaker
from .cool_down import Parking


def was_checked(attempt: Attempt | None) -> bool:
    """Whether an attempt is the retry that finds out whether its page was refused."""
    return attempt is not None and attempt.earlier is not None and attempt.earlier.tries


class Trouble:
    """A host's policies; pace: None where the pace is fixed.

    last: pages that were answered when one failed last. blamed: whether the failures in a row are the host's.
    test: finds that out, None while it is not in doubt. limits: whether it was found to refuse by a 503 that names no
    wait. throttles: whether it has a word of its own for that. broken, passing: pages that failed again, while
    others were answered, and pages that were answered then. vouched: probes in a row that were answered, with no other
    answer: each doubles the failures that the next one takes.
    """

    __slots__ = (
        "blamed",
        "breaker",
        "broken",
        "last",
        "limits",
        "pace",
        "parking",
        "passing",
        "test",
        "throttles",
        "vouched",
    )

    def __init__(self, most: int, break_after: int, *, adapt: bool) -> None:
        self.pace = Pace(most) if adapt else None
        self.parking = Parking()
        self.breaker = Breaker(break_after)
        self.last = 0
        self.blamed = self.limits = self.throttles = False
        self.broken = self.passing = self.vouched = 0
        self.test: RowTest | None = None

    def __repr__(self) -> str:
        return f"<Trouble {self.pace} {self.parking} {self.breaker}>"

    @property
    def interval(self) -> float:
        """Seconds between two starts that the host was found to want."""
        return self.pace.interval if self.pace is not None else 0.0

    def is_checked(self, attempt: Attempt | None, now: float) -> bool:
        """Whether a page that failed now is requested again soon, before others, since the host may have refused it.

        This is done once per page, and no longer when most such pages turned out to be broken.
        """
        if self.pace is not None and self.pace.suspected_at == now:
            return True
        if was_checked(attempt) or not self.limits or self.throttles or not self.interval:
            return False
        return self.may_be_refused

    @property
    def may_be_refused(self) -> bool:
        """Whether the host may refuse pages with a 503: most pages that failed so did not turn out to be broken."""
        return self.broken <= 2 * self.passing + FEWEST

    @property
    def seems_served(self) -> bool:
        """Whether what fails now does not fail for being too much: no limit is known, or it is kept to."""
        return not self.limits or (self.pace is not None and self.pace.proven)

    @property
    def seems_limited(self) -> bool:
        """Whether a refusal without a wait is more likely a limit's word than a broken page's."""
        return self.limits and not self.throttles and self.passing > 2 * self.broken

    @property
    def is_slight(self) -> bool:
        """Whether nothing is asked of the host otherwise than if it had never failed."""
        if self.test is not None or self.parking.row or self.breaker.row >= FEWEST or self.breaker.opened is not None:
            return False
        return self.pace is None or (not self.pace.interval and self.pace.limit == self.pace.most)

    def limit(self, most: int) -> int:
        """Requests that may be in flight now."""
        if self.breaker.opened is not None or (self.test is not None and self.test.alone):
            return 1
        return self.pace.limit if self.pace is not None else most

    @property
    def probe_at(self) -> float:
        """No request earlier, while the circuit is open."""
        return self.breaker.probe_at if self.breaker.opened is not None else -inf

    def row_ended(self) -> None:
        """The host answered: pages that failed before tell nothing any more."""
        was_alone = self.test is not None and self.test.alone
        if self.pace is not None and (was_alone or self.breaker.opened is not None):
            self.pace.restart()
        self.breaker.answered()
        self.blamed = False
        self.test = None

    def answered(self, count: int, started: float, answers: int) -> bool:
        """Take in answers to a lease of that time; True where the host is as well as one that never failed.

        answers: pages of the host that were answered so far.
        """
        self.parking.answered(started)
        if self.test is None and (self.breaker.row or self.breaker.opened is not None):
            self.row_ended()
            self.vouched = 0
        if self.pace is not None:
            self.pace.answered(count)
            if not self.pace.recovered:
                return False
        return not self.parking.row and not self.breaker.row and answers - self.last >= REMEMBERED
