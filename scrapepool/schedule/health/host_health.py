"""What failures have made of one host: its pace, its parking and its circuit, until it is well again.

A host that never failed has none of this, which keeps what it costs off the quick path. Decides nothing itself.
"""

from __future__ import annotations

from math import inf

from ...model import Attempt
from .adaptive_rate import RECOVERED_AFTER, RateController
from .attribution import MIN_PAGES, RowTest
from .circuit_breaker import CircuitBreaker
from .cool_down import CoolDown


def is_check(attempt: Attempt | None) -> bool:
    """Whether an attempt is the retry that finds out whether its page was refused."""
    return attempt is not None and attempt.earlier is not None and attempt.earlier.tries


class HostHealth:
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
        "cool_down",
        "failed_again",
        "last",
        "limits",
        "passed_again",
        "rate_control",
        "test",
        "throttles",
        "vouched",
    )

    def __init__(self, most: int, break_after: int, *, adapt: bool) -> None:
        self.rate_control = RateController(most) if adapt else None
        self.cool_down = CoolDown()
        self.breaker = CircuitBreaker(break_after)
        self.last = 0
        self.blamed = self.limits = self.throttles = False
        self.failed_again = self.passed_again = self.vouched = 0
        self.test: RowTest | None = None

    def __repr__(self) -> str:
        return f"<HostHealth {self.rate_control} {self.cool_down} {self.breaker}>"

    @property
    def interval(self) -> float:
        """Seconds between two starts that the host was found to want."""
        return self.rate_control.interval if self.rate_control is not None else 0.0

    def wants_check(self, attempt: Attempt | None, now: float) -> bool:
        """Whether a page that failed now is requested again soon, before others, since the host may have refused it.

        This is done once per page, and no longer when most such pages turned out to be broken.
        """
        if self.rate_control is not None and self.rate_control.suspected_at == now:
            return True
        if is_check(attempt) or not self.limits or self.throttles or not self.interval:
            return False
        return self.may_refuse

    @property
    def may_refuse(self) -> bool:
        """Whether the host may refuse pages with a 503: most pages that failed so did not turn out to be broken."""
        return self.failed_again <= 2 * self.passed_again + MIN_PAGES

    @property
    def is_within_limit(self) -> bool:
        """Whether what fails now does not fail for being too much: no limit is known, or it is kept to."""
        return not self.limits or (self.rate_control is not None and self.rate_control.proven)

    @property
    def is_likely_limited(self) -> bool:
        """Whether a refusal without a wait is more likely a limit's word than a broken page's."""
        return self.limits and not self.throttles and self.passed_again > 2 * self.failed_again

    @property
    def is_unrestricted(self) -> bool:
        """Whether nothing is asked of the host otherwise than if it had never failed."""
        if (
            self.test is not None
            or self.cool_down.refused_in_row
            or self.breaker.failed_in_row >= MIN_PAGES
            or self.breaker.opened is not None
        ):
            return False
        return self.rate_control is None or (
            not self.rate_control.interval and self.rate_control.limit == self.rate_control.most
        )

    def limit(self, most: int) -> int:
        """Requests that may be in flight now."""
        if self.breaker.opened is not None or (self.test is not None and self.test.alone):
            return 1
        return self.rate_control.limit if self.rate_control is not None else most

    @property
    def probe_at(self) -> float:
        """No request earlier, while the circuit is open."""
        return self.breaker.probe_at if self.breaker.opened is not None else -inf

    def end_failure_row(self) -> None:
        """The host answered: pages that failed before tell nothing any more."""
        was_alone = self.test is not None and self.test.alone
        if self.rate_control is not None and (was_alone or self.breaker.opened is not None):
            self.rate_control.restart()
        self.breaker.on_response()
        self.blamed = False
        self.test = None

    def on_response(self, count: int, started: float, responses: int) -> bool:
        """Take in answers to a lease of that time; True where the host is as well as one that never failed.

        answers: pages of the host that were answered so far.
        """
        self.cool_down.on_response(started)
        if self.test is None and (self.breaker.failed_in_row or self.breaker.opened is not None):
            self.end_failure_row()
            self.vouched = 0
        if self.rate_control is not None:
            self.rate_control.on_response(count)
            if not self.rate_control.recovered:
                return False
        return (
            not self.cool_down.refused_in_row
            and not self.breaker.failed_in_row
            and responses - self.last >= RECOVERED_AFTER
        )
