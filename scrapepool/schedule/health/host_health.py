"""What failures have shown about one host: its rate, its cool-down and its circuit, until it is healthy again.

A host that never failed has no ``HostHealth``, so it costs nothing on the hot path. This class decides nothing itself.
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
    """The health of one host. rate_control: None if the rate is fixed.

    last: pages that were served when one failed last. blamed: whether the failures in a row are attributed to the host.
    test: finds that out, None while there is no doubt. limits: whether the host limits requests by a 503 without a
    wait. throttles: whether it limits requests by a clear signal, such as 429. failed_again, passed_again: pages whose
    retries failed while others were served, and pages whose retries were served. vouched: probes in a row that were
    served, with no other response: each doubles the number of failures until the next one.
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
        """Seconds between two starts that the host seems to require."""
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
        """Whether failures now are not for too many requests: no limit is known, or the rate keeps to it."""
        return not self.limits or (self.rate_control is not None and self.rate_control.proven)

    @property
    def is_likely_limited(self) -> bool:
        """Whether a refusal without a wait more likely comes from a limit than from a broken page."""
        return self.limits and not self.throttles and self.passed_again > 2 * self.failed_again

    @property
    def is_unrestricted(self) -> bool:
        """Whether the host is requested as if it had never failed."""
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
        """Return how many requests may be in flight now."""
        if self.breaker.opened is not None or (self.test is not None and self.test.alone):
            return 1
        return self.rate_control.limit if self.rate_control is not None else most

    @property
    def probe_at(self) -> float:
        """When the next probe may start while the circuit is open; negative infinity while it is closed."""
        return self.breaker.probe_at if self.breaker.opened is not None else -inf

    def end_failure_row(self) -> None:
        """Forget the pages that failed in a row, since the host has responded."""
        was_alone = self.test is not None and self.test.alone
        if self.rate_control is not None and (was_alone or self.breaker.opened is not None):
            self.rate_control.restart()
        self.breaker.on_response()
        self.blamed = False
        self.test = None

    def on_response(self, count: int, started: float, responses: int) -> bool:
        """Take in responses to a lease that began at ``started``; return True if the host is healthy again.

        responses: pages that the host has served so far.
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
