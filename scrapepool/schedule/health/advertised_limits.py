"""What the rate-limit headers of a host allow: how many requests may be in flight, and for how long to wait.

Servers count requests per window, and report the end of a window in whole seconds, rounded up. A client that waits for
exactly that long loses half a second per window. But a window cannot end later than its length after any moment at
which it was open, and when more requests are left than before, a new window has begun. So the wait ends as soon as the
window must be over, and never later than the server said. Wrong predictions are counted; if a host is not predictable,
the wait is as long as the host says. A few servers round down: a server that reports "0 s" for a window that is used
up, or that refuses a request after the wait that it named, means up to one second more.

Decides from the responses of one host; time is an argument.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from ...model import RateLimit

MAX_LIMITS = 4
"""Maximum number of limits per host; real servers report one or two."""

PREDICTION_MARGIN = 0.01
"""Seconds between the predicted end of a window and the next request: the jitter of one way through the network."""

MIN_PREDICTIONS = 3
"""Right predictions that are required before more than one request is sent at the predicted time."""

RIGHT_PER_WRONG = 20
"""Right predictions that are required for each wrong one."""


class AdvertisedLimits:
    """The rate limits of one host.

    spare: number of requests that may be in flight; infinite if no limit is known.
    """

    __slots__ = ("_reported_until", "_right", "_rounds_down", "_until", "_waits_until", "_windows", "_wrong", "spare")

    def __init__(self) -> None:
        self.spare: float = inf
        self._windows: dict[str, _Window] = {}
        self._until = inf  # monotonic time at which a shortened wait ended, until a response proves it right or wrong
        self._reported_until = -inf  # monotonic time at which all reported windows are over
        self._waits_until = inf  # monotonic time at which a wait ended that was as long as the server asked for
        self._rounds_down = False  # whether a window lasted longer than its server reported
        self._right = self._wrong = 0

    def __repr__(self) -> str:
        return (
            f"<AdvertisedLimits: {self.spare} may be in flight, {self._right} predictions right, {self._wrong} wrong>"
        )

    @property
    def is_predictable(self) -> bool:
        """Whether nearly all predictions were right so far."""
        return self._wrong <= self._right // RIGHT_PER_WRONG

    def on_response(self, limits: Sequence[RateLimit], since: float, came: float, now: float, elapsed: float) -> float:
        """Record the limits in a response that is no refusal; return seconds until the next request to the host.

        since: monotonic time when the request was leased. came: when the response came. elapsed: seconds between.
        """
        reported = predicted = 0.0
        spare = size = inf
        renewed = False
        for reported_limit in limits:
            reset = reported_limit.reset + self._rounds_down
            limit = reported_limit._replace(reset=max(reset, 0 if reported_limit.left else 1))
            window = self._windows.get(limit.name)
            if window is None:
                if len(self._windows) == MAX_LIMITS:
                    continue
                window = self._windows[limit.name] = _Window()
            renewed |= window.note(limit, since, came, came - elapsed / 2)
            spare, size = min(spare, window.low), min(size, window.size)
            self._reported_until = max(self._reported_until, now + limit.reset + 1)
            if not limit.left:
                reported = max(reported, limit.reset)
                predicted = max(predicted, min(limit.reset, max(0.0, window.ends - now) + PREDICTION_MARGIN))
        if since >= self._until:
            self._check(right=renewed)
        if not reported:
            self.spare = max(1, spare)
            return 0.0
        shortened = self.is_predictable and predicted < reported
        self._until = now + predicted if shortened else inf
        self._waits_until = inf if shortened else now + reported
        self.spare = 1 if shortened and self._right < MIN_PREDICTIONS else size
        return predicted if shortened else reported

    def on_refusal(self, since: float) -> None:
        """Record a refusal of a request that was leased at ``since``."""
        self.spare = 1
        if since >= self._until:
            self._check(right=False)
        elif since >= self._waits_until:
            self._rounds_down = True

    def is_over(self, now: float) -> bool:
        """Return whether the known limits have expired because responses do not report them any more."""
        if now < self._reported_until or self.spare == inf:
            return False
        self.spare = inf
        return True

    def _check(self, *, right: bool) -> None:
        self._until = inf
        if right:
            self._right += 1
        else:
            self._wrong += 1
            self._windows.clear()


class _Window:
    """The current window of one limit.

    low: the lowest number of requests left in this window, reported at ``low_at``. size: requests per window, as far as
    known. began: a moment at which the window was open. length: maximum seconds from there to its end.
    """

    __slots__ = ("began", "length", "low", "low_at", "size")

    def __init__(self) -> None:
        self.low = self.low_at = self.began = -inf
        self.length = self.size = 0.0

    @property
    def ends(self) -> float:
        """Monotonic time at which the window must be over."""
        return self.began + self.length

    def note(self, limit: RateLimit, since: float, came: float, counted_at: float) -> bool:
        """Record how many requests are left; return whether that shows that a window began after ``low_at``.

        In the same window, at least one request less than before would be left.
        """
        self.length = limit.window or max(self.length, limit.reset)
        renewed = limit.left >= self.low and since >= self.low_at
        if renewed:
            self.began = max(counted_at, since)
            self.size = limit.left + 1
        if renewed or limit.left < self.low:
            self.low, self.low_at = limit.left, came
        if self.ends <= came:  # the window of this response began without a sign of it
            self.began = counted_at
        return renewed
