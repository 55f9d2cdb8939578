"""What a host says is left of its rate limits: how many requests may be in flight, and until when to wait.

Servers count requests by window, and say in whole seconds, rounded up, when a window ends. Whoever waits that long each
time loses half a second per window. But a window cannot end later than its length after any moment at which it was
open, and where more is left than before, a new one has begun. So the wait ends as soon as the window must be over, and
never later than the server said. A prediction that turns out to be wrong is counted; a host that is not predictable is
left alone for as long as it says. A few servers round down: one that says of a window that is used up that it ends now,
or refuses after as long a wait as it named, means up to a second more.

Decides from responses to one host; knows time only as an argument.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from ...model import RateLimit

MAX_LIMITS = 4
"""Limits of one host that are kept; real servers name one or two."""

PREDICTION_MARGIN = 0.01
"""Seconds after the predicted end of a window until the next request: what one way through the network varies by."""

MIN_PREDICTIONS = 3
"""Predictions that must come true before more than one request is sent at the predicted time."""

RIGHT_PER_WRONG = 20
"""Predictions that come true for each further one that may fail."""


class AdvertisedLimits:
    """The rate limits of one host.

    spare: requests that may be in flight, infinite where no limit says anything of that.
    """

    __slots__ = ("_right", "_rounds_down", "_told_until", "_until", "_waits_until", "_windows", "_wrong", "spare")

    def __init__(self) -> None:
        self.spare: float = inf
        self._windows: dict[str, _Window] = {}
        self._until = inf  # monotonic time for which the wait was cut short, until it is known whether rightly so
        self._told_until = -inf  # no window of which something was said lasts longer
        self._waits_until = inf  # monotonic time for which the server asked to wait, where that was done
        self._rounds_down = False  # whether a window was found to last longer than its server says
        self._right = self._wrong = 0

    def __repr__(self) -> str:
        return (
            f"<AdvertisedLimits: {self.spare} may be in flight, {self._right} predictions right, {self._wrong} wrong>"
        )

    @property
    def is_predictable(self) -> bool:
        """Whether the predictions were right so far, but for a few."""
        return self._wrong <= self._right // RIGHT_PER_WRONG

    def on_response(self, limits: Sequence[RateLimit], since: float, came: float, now: float, elapsed: float) -> float:
        """Take in what a response says that is no refusal; seconds until the host should get another request.

        since: when the request was handed out. came: when the response did. elapsed: seconds that it took.
        """
        told = predicted = 0.0
        spare = size = inf
        renewed = False
        for told_limit in limits:
            reset = told_limit.reset + self._rounds_down
            limit = told_limit._replace(reset=max(reset, 0 if told_limit.left else 1))
            window = self._windows.get(limit.name)
            if window is None:
                if len(self._windows) == MAX_LIMITS:
                    continue
                window = self._windows[limit.name] = _Window()
            renewed |= window.note(limit, since, came, came - elapsed / 2)
            spare, size = min(spare, window.low), min(size, window.size)
            self._told_until = max(self._told_until, now + limit.reset + 1)
            if not limit.left:
                told = max(told, limit.reset)
                predicted = max(predicted, min(limit.reset, max(0.0, window.ends - now) + PREDICTION_MARGIN))
        if since >= self._until:
            self._check(right=renewed)
        if not told:
            self.spare = max(1, spare)
            return 0.0
        shortened = self.is_predictable and predicted < told
        self._until = now + predicted if shortened else inf
        self._waits_until = inf if shortened else now + told
        self.spare = 1 if shortened and self._right < MIN_PREDICTIONS else size
        return predicted if shortened else told

    def on_refusal(self, since: float) -> None:
        """The host refused a request that was handed out then."""
        self.spare = 1
        if since >= self._until:
            self._check(right=False)
        elif since >= self._waits_until:
            self._rounds_down = True

    def is_over(self, now: float) -> bool:
        """Whether nothing is known any more of what is left, since responses no longer say it."""
        if now < self._told_until or self.spare == inf:
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
    """One limit.

    low: the least that was left in this window, as said at ``low_at``. size: requests of a window, as far as is known.
    began: no later than that, nor was it over then. length: seconds from there to its end at most.
    """

    __slots__ = ("began", "length", "low", "low_at", "size")

    def __init__(self) -> None:
        self.low = self.low_at = self.began = -inf
        self.length = self.size = 0.0

    @property
    def ends(self) -> float:
        """When it must be over, in monotonic seconds."""
        return self.began + self.length

    def note(self, limit: RateLimit, since: float, came: float, counted_at: float) -> bool:
        """Take in what is left; True where that shows that a window began after ``low_at``.

        In the window of the response before, at least one less would be left.
        """
        self.length = limit.window or max(self.length, limit.reset)
        renewed = limit.left >= self.low and since >= self.low_at
        if renewed:
            self.began = max(counted_at, since)
            self.size = limit.left + 1
        if renewed or limit.left < self.low:
            self.low, self.low_at = limit.left, came
        if self.ends <= came:  # it began unnoticed
            self.began = counted_at
        return renewed
