"""The rate controller of one host: the window of requests in flight, and the interval between two starts.

It consists of two controllers, for the two ways in which hosts limit their clients.

* *What a host serves at a time* is found by additive increase and multiplicative decrease (AIMD) of a window of
  requests in flight, 1 to ``--per-host``. The window begins full, so that a healthy host is served at once. A refusal,
  a timeout, a refused connection or a risen latency cuts it by 30 %, once for all requests that were in flight
  together.
* *What a host allows per second* cannot be met by a window: three in flight may be too few where four are too many, and
  even one may be too many. From one refusal of a token bucket or a counted window to the next, the number of responses
  over the time is the rate that the host allows, or less if tokens went unused. The rate that was refused is at least
  as high. The second refusal gives a first estimate, which is mostly too low, since most of the time was a cool-down:
  from there the rate doubles every few responses (slow start, RFC 5681) until it is refused. From then on, the rate
  lies between the two marks, and grows as CUBIC (RFC 9438) grows its window: from the rate that was just served quickly
  up to a ceiling between the two, level there, then ever faster in search of a limit that has risen. Each refusal
  brings the two marks closer. It takes at least ``RESPONSES_TO_CEILING`` responses from a cut to the ceiling. The rate
  does not grow while it is not used, for example because requests that hang hold the slots (RFC 7661).

A refusal tells how much was too much only if the rate was refused, and not a page that is broken or a backend that
fails now and then. In any case, a token bucket gives no more than its rate after a refusal. So the number of responses
since a refusal, failures included, proves that the host allows this rate. No cut goes below that.

The controller knows no queue. Time is an argument. The file exceeds 300 lines, since both controllers
read the same history of responses and refusals, and a third of it is constants with their reasons.
"""

from __future__ import annotations

from math import inf

BETA = 0.7
"""The share of the window that remains after a cut (RFC 9438 section 4.6)."""

PROBE_SHARE = 0.1
"""The share by which the rate exceeds its ceiling after twice as many responses as it takes to reach the ceiling. The
rate after a refusal begins half of this share below the served rate, so that an empty token bucket gets a token."""

DOUBLED_AFTER = 16
"""Responses after which an estimated rate has doubled. With 12, more were refused, and the rates were the same."""

UNLIMITED_RATE = 500.0
"""Requests per second from which on no interval is kept, since it would delay nothing."""

RESPONSES_TO_CEILING = 150
"""Responses from a cut until the measured rate is reached. The probe beyond it finds the limit after about half as many
more, so about one request in a hundred is refused."""

COOL_DOWNS_TO_CEILING = 30
"""The same as a time: so many cool-downs of a refusal, so that cool-downs take a thirtieth of the time."""

MAX_SECONDS_TO_CEILING = 300.0
"""The maximum of that time in seconds if ``RESPONSES_TO_CEILING`` take less: the limit is probed every few minutes."""

OUTGROWN_BY = 4.0
"""The interval is dropped at so many times the rate that was once refused: that limit no longer exists."""

STEP_AFTER_REFUSAL = 50
"""Responses after a refusal until one more request may be in flight: so at most one in fifty is refused."""

FIRST_STEP = 16
"""The same while requests are sent one at a time to find out whether the host limits their number."""

MAX_STEP = 800
"""The maximum of the same for a host that serves no more requests at a time: each refusal at once doubles it."""

STEP_AFTER_STRAIN = 10
"""The same after a timeout, a refused connection or a risen latency: a restarted host soon gets all requests again."""

FEW_RESPONSES = 8
"""With fewer responses between two refusals, the rate at which they came may only be an estimate."""

RATE_TOLERANCE = 1e-6
"""The relative difference up to which two rates count as equal."""

MIN_SERVED = 10
"""Responses since a refusal that prove the rate at which they came."""

MAX_ANCHORS = 4
"""The maximum number of refusals since which responses are counted for that."""

NEAR_CAPACITY = 0.85
"""Below this share of what a host could serve, scattered failures may be caused by a rate limit."""

MIN_FAILURE_SHARE = 0.1
"""The minimum share of requests that fail in that case."""

SUSPICION_TIMEOUT = 10.0
"""Seconds, in addition to three intervals, after which another failure may be suspected, even if the page of the last
one was not requested again."""

TRIAL_RESPONSES = 60
TRIAL_FAILURES = 3
"""Responses for which a host is slowed down to see whether that helps, and the number of failures among them that shows
that it does not."""

EXPECTED_PER_FAILURE = 4
"""Slowing down has helped if at most one of so many expected failures occurred."""

REFUSAL_MEMORY = 1800.0
"""Seconds after which a second refusal says nothing about the rate since the first one."""

MIN_RATE_KEPT = 0.5
"""The minimum share of the rate that remains after a refusal: the host may have had few requests for other reasons."""

MAX_INTERVAL = 60.0
"""The maximum of seconds between two starts. Hosts that allow less say so, or cool-downs alone find their limit."""

MANY_RESPONSES = 20
"""With so many responses between two refusals, the refused rate counts for more than the one that was served."""

RECOVERED_AFTER = 500
"""Responses after which a refusal no longer counts: one in so many is no reason to send fewer requests."""

LATENCY_FACTOR = 2.0
LATENCY_MARGIN = 0.5
"""A latency has risen if it is at least twice its baseline, and at least half a second above it. A busy machine, a
garbage collection or a large page causes less."""


def alarm_threshold(baseline: float) -> float:
    """Return the mean latency in seconds from which a host with this baseline counts as strained."""
    return max(baseline * LATENCY_FACTOR, baseline + LATENCY_MARGIN)


class RateController:
    """How many requests one host serves at a time, and how many it allows per second.

    most: the maximum of the window. limit: requests that may be in flight. interval: seconds between two starts; 0.0
    for none. is_flaky: whether requests failed just as often when they were slowed down.
    is_limited: whether hardly any failed then, so that the host limits its clients.
    suspected_at: the time of a failure that may be a refusal, until its page is requested again; negative infinity if
    there is none. Every ``started`` is the time at which a request was leased, in monotonic seconds as ``now``.
    """

    __slots__ = (
        "_adjusted_at", "_anchors", "_ceiling", "_counted_from", "_cut_at", "_failure_share", "_is_untried",
        "_last_start", "_lowered_at", "_one_at_a_time", "_plateau", "_proven", "_refused_alone", "_refused_at",
        "_responses", "_responses_at_rate", "_since_refusal", "_start_rate", "_step", "_suspect_failures",
        "_trial_failures", "_trial_start", "_unused", "_widened", "_window", "interval", "is_flaky", "is_limited",
        "most", "suspected_at",
    )  # fmt: skip

    def __init__(self, most: int) -> None:
        self.most = most
        self.interval = 0.0
        self.is_flaky = self.is_limited = False
        self.suspected_at = -inf
        self._unused = 0.0  # seconds since the last refusal in which the host could have been requested and was not
        self._window = float(most)
        self._step = STEP_AFTER_STRAIN
        self._cut_at = -inf  # when the window was last cut
        self._refused_at = -inf  # when a refusal last counted
        self._since_refusal = 0  # responses since then
        self._adjusted_at = -inf  # when a retry last changed the rate: what failed before was requested at another one
        self._responses_at_rate = 0  # responses at the rate that was tried, since the interval was set
        self._responses = 0  # responses so far
        self._anchors: list[tuple[float, int]] = []  # refusals, the first and the last, and responses until then
        self._proven = 0.0  # requests per second that were served since one of them, at best
        self._trial_start: int | None = None  # responses until then, when it was slowed down to see whether that helps
        self._suspect_failures = 0  # requests that failed since the first of them, and may have been refused
        self._failure_share = 0.0  # the share of such requests when it was slowed down
        self._trial_failures = 0  # failures at a proven rate,
        self._counted_from = 0  # since there were so many responses
        self._lowered_at = -inf  # responses until the rate was last lowered because pages were refused at a proven rate
        self._ceiling = inf  # requests per second that the host was measured to allow; infinite for unknown
        self._start_rate = 0.0  # requests per second at which the interval was set
        self._last_start = -inf  # when the last request began
        self._is_untried = False  # whether that was far later than the interval allows, so that the rate is not tried
        self._plateau = 1.0  # responses after which the ceiling is reached
        self._refused_alone = False  # whether a request was refused although it was the only one in flight
        self._one_at_a_time = False  # whether requests were sent one at a time to find that out
        self._widened = 0  # responses until the window last grew by one request

    def __repr__(self) -> str:
        return f"<RateController {self.limit}/{self.most} in flight, {self.interval:.3f} s apart>"

    @property
    def limit(self) -> int:
        """Requests that may be in flight."""
        return int(self._window)

    @property
    def recovered(self) -> bool:
        """Whether the host gets requests like one that never failed, and its last refusal is long past."""
        long_past = self._refused_at == -inf or self._since_refusal >= RECOVERED_AFTER
        return long_past and self._window >= self.most and not self.interval

    @property
    def expected(self) -> int:
        """The future window: the maximum after a strain, which passes; the current window after a refusal."""
        return self.most if self._step == STEP_AFTER_STRAIN else self.limit

    @property
    def steady(self) -> float:
        """The future interval, 0.0 for none: the current one, or that of the rate that was last measured."""
        return min(self.interval, 1 / self._ceiling) if self.interval and self._ceiling < inf else self.interval

    def resume(self, limit: int | None, interval: float, now: float) -> None:
        """Continue with the values of another run. limit: None for the maximum. interval: seconds, 0.0 for none."""
        if limit is not None:
            self._window = float(max(1, min(limit, self.most)))
        if interval:
            self._set((1 - PROBE_SHARE) / interval, 1 / interval, RESPONSES_TO_CEILING)
        self._refused_at = now  # so that the next refusal gives a rate

    def on_request(self, now: float, ready_since: float) -> None:
        """Note that a request begins, and that the host could have been requested since ``ready_since``."""
        self._unused += now - ready_since
        self._is_untried = now - self._last_start > 2 * self.interval
        self._last_start = now

    def on_refusal(self, started: float, now: float, *, out: int, wait: float, clear: bool = True) -> None:
        """Lower the window or the rate: the host refused a request because of a limit. Called once per cool-down.

        out: requests in flight on the host, including the refused one. wait: seconds of the cool-down. clear: whether
        the host said so by a 429 or a Retry-After, and not by a 503 that a broken page may cause as well.
        """
        self._forget_proven()  # it may allow less than before
        self._trial_start = None
        self.suspected_at = -inf
        self._refused_alone |= clear and out == 1
        if clear and self._is_crowded(out):
            if self._since_refusal:
                self._narrow(out, now)
            return
        if out == 1 and (self.interval or self._one_at_a_time):
            self._window = float(self.most)  # no smaller window would help: the rate was too high
        elif out >= self.limit:
            self._step = STEP_AFTER_REFUSAL
            self._shrink(started, now)
        if self._refused_at == -inf or self._since_refusal:  # otherwise the cool-downs measure the rate
            self._measure(now, wait)

    def _is_crowded(self, out: int) -> bool:
        """Return whether a refusal may mean that too many requests were in flight, and not that the rate is too high.

        The second refusal may. After it, requests are sent one at a time, and then one more at a time. If that one is
        refused at once, the host serves no more requests at a time. If a request is refused although it is the only
        one in flight, the rate is too high.
        """
        if out < 2 or self._refused_alone or self.interval or self._refused_at == -inf:
            return False
        return not self._one_at_a_time or self._was_widened(out)

    def _narrow(self, out: int, now: float) -> None:
        """Send one request fewer at a time, or one at a time to find out whether the host limits their number."""
        if self._one_at_a_time:
            self._window = float(out - 1)
            self._step = min(max(2 * self._step, STEP_AFTER_REFUSAL), MAX_STEP)
        else:
            self._window, self._step, self._one_at_a_time = 1.0, FIRST_STEP, True
        self._refused_at, self._unused, self._since_refusal = now, 0.0, 0

    def restart(self) -> None:
        """Measure the served rate again if no limit is known: the host got fewer requests than it could serve."""
        if not self.interval:
            self._forget_proven()

    def _forget_proven(self) -> None:
        self._proven = 0.0
        self._anchors.clear()
        self._suspect_failures = 0

    @property
    def proven(self) -> bool:
        """Whether requests are sent at a rate that the host was seen to serve."""
        return self.interval * self._proven * (1 + RATE_TOLERANCE) >= 1

    def on_possible_refusal(
        self, started: float, now: float, capacity: float, *, limits: bool, failed_again: bool = False
    ) -> bool:
        """Note that a request failed and may have been refused. Return whether its page should be requested again.

        If there is an interval whose rate is not proven, the page of one failure at a time is requested again. If there
        is no interval and many requests fail, they are slowed down for a while to see whether that helps.
        capacity: requests per second that the host would serve by its slots and latency alone. limits: whether it is
        known to limit requests. failed_again: whether most pages that failed like this failed again.
        """
        self._suspect_failures += 1
        limits |= self.is_limited
        if not self.interval:
            self._prove(now)
            if self.is_flaky:
                often = self._failures(TRIAL_RESPONSES // 3) >= TRIAL_RESPONSES // 2  # too often to be chance
                self.is_flaky = not often
            if not self.is_flaky and 0 < self._proven < NEAR_CAPACITY * capacity:
                self._try_slower(now)
            return False
        if self._trial_start is not None:
            most = max(TRIAL_FAILURES, self._failure_share * (self._responses - self._trial_start) / 2)
            if not limits and self._failures(TRIAL_RESPONSES, count=started > self._refused_at) >= most:
                self._give_up()
            return False
        if failed_again and not limits:
            self._give_up()
            return False
        is_open = now <= self.suspected_at + SUSPICION_TIMEOUT + 3 * self.interval
        if is_open or started <= self._refused_at or self.proven:
            return False
        self.suspected_at = now
        return True

    def _try_slower(self, now: float) -> None:
        """Slow down to the rate that was served, if enough requests failed."""
        others = self._suspect_failures - 1  # responses are counted from the first failure on
        share = others / (others + self._responses - self._anchors[0][1])
        if share >= MIN_FAILURE_SHARE:
            self._set(self._proven, self._proven, TRIAL_RESPONSES)
            self._refused_at, self._since_refusal = now, 0
            self._failure_share = share
            self._trial_start = self._counted_from = self._responses
            self._trial_failures = 0

    def _failures(self, within: int, *, count: bool = True) -> int:
        """Return the number of failures within so many responses. count: whether to add this failure."""
        if self._responses - self._counted_from > within:
            self._counted_from, self._trial_failures = self._responses, 0
        self._trial_failures += count
        return self._trial_failures

    def on_retry_response(self, at: float, now: float) -> bool:
        """Note that a page which failed at the time ``at`` is served now, and was therefore refused.

        Return whether that failure was suspected. After several such failures at a proven rate, the rate is lowered. If
        as many follow soon after that, the rate was not the reason, and the interval is dropped.
        """
        if self.suspected_at == at:
            self.suspected_at = -inf
            self._prove(at)
            if self._since_refusal:
                self._measure(at, 0.0)
            self._adjusted_at = now
            return True
        counts = self.interval and self._trial_start is None and at > max(self._refused_at, self._adjusted_at)
        if counts and self._failures(TRIAL_RESPONSES) >= TRIAL_FAILURES:
            self._counted_from, self._trial_failures = self._responses, 0
            if self._responses - self._lowered_at <= TRIAL_RESPONSES:
                self._lowered_at = -inf
                self._give_up()
                return False
            self._lowered_at = self._responses
            self._proven *= 1 - PROBE_SHARE / 2
            rate = self._proven or (1 - PROBE_SHARE) / self.interval
            self._set(rate, rate, RESPONSES_TO_CEILING)
            self._refused_at, self._since_refusal = now, 0
        return False

    def _give_up(self) -> None:
        """Drop the interval: slowing down did not help, so no limit caused the failures."""
        self.is_flaky, self._trial_start, self.interval, self._refused_at = True, None, 0.0, -inf
        self.is_limited = False
        self._window = float(self.most)

    def on_retry_failure(self, at: float) -> None:
        """Note that a page which failed at the time ``at`` failed again: it is broken, and the rate is not too high."""
        if self.suspected_at == at:
            self.suspected_at = -inf

    def on_strain(self, started: float, now: float) -> None:
        """Narrow the window after a timeout, a refused connection or a risen latency."""
        if started <= self._cut_at:
            return
        at_once = self._widened > 0 and self._was_widened(self.limit)
        self._step = min(2 * self._step, MAX_STEP) if at_once else STEP_AFTER_STRAIN
        self._shrink(started, now)

    def _was_widened(self, out: int) -> bool:
        """Return whether the window was just widened to ``out`` requests."""
        return self._responses - self._widened <= 2 * out

    def on_response(self, count: int) -> None:
        """Note ``count`` responses that were no refusals."""
        self._since_refusal += count
        self._responses += count
        if self._window < self.most:
            before = self.limit
            self._window = min(self.most, self._window + count / self._step)
            if self.limit > before:
                self._widened = self._responses
            if self._window == self.most:
                self._step = STEP_AFTER_STRAIN
        if self._trial_start is not None and self._responses - self._trial_start >= min(
            TRIAL_RESPONSES, 2 * TRIAL_FAILURES / self._failure_share
        ):
            self.is_limited |= EXPECTED_PER_FAILURE * self._trial_failures <= self._failure_share * (
                self._responses - self._trial_start
            )
            self._trial_start = None  # it helped, and a higher rate may help as well
            self._set(self._proven)
        if self.interval:
            if not self._is_untried:
                self._responses_at_rate += count
            rate = max(self._rate(), self._proven)
            self.interval = 1 / rate
            if rate >= min(OUTGROWN_BY * self._ceiling, UNLIMITED_RATE):
                self.interval = 0.0

    def _rate(self) -> float:
        """Return the requests per second after ``_responses_at_rate`` responses."""
        if self._ceiling == inf:
            return self._start_rate * 2 ** (self._responses_at_rate / DOUBLED_AFTER)
        left = 1 - self._responses_at_rate / self._plateau
        if left > 0:
            return self._ceiling - (self._ceiling - self._start_rate) * left**3
        return self._ceiling * (1 - PROBE_SHARE * left**3)

    def _measure(self, at: float, wait: float) -> None:
        """Set the rate by a refusal at the time ``at``, which causes a cool-down of ``wait`` seconds."""
        span, responses = at - self._refused_at - self._unused, self._since_refusal
        self._refused_at, self._unused, self._since_refusal = at, 0.0, 0
        if not self.interval and span >= REFUSAL_MEMORY:
            return
        refused = 1 / self.interval if self.interval else inf
        served = min(responses / max(span, 0.001), refused)
        if refused == inf or (responses < FEW_RESPONSES and served < MIN_RATE_KEPT * refused):
            self._set(served)
            return
        served = max(served, MIN_RATE_KEPT * refused)
        first = self._ceiling == inf
        many = first or responses >= MANY_RESPONSES
        ceiling = (served + 2 * refused) / 3 if many else (served + refused) / 2
        plateau = (
            RESPONSES_TO_CEILING / 4
            if first
            else max(RESPONSES_TO_CEILING, ceiling * min(COOL_DOWNS_TO_CEILING * wait, MAX_SECONDS_TO_CEILING))
        )
        self._set(served * (1 - PROBE_SHARE / 2), ceiling, plateau)

    def _set(self, rate: float, ceiling: float = inf, plateau: float = 1.0) -> None:
        """Begin at a rate and reach the ceiling after ``plateau`` responses. Without a ceiling, the rate doubles."""
        least = max(self._proven, 1 / MAX_INTERVAL)
        self._start_rate = max(rate, least)
        self._ceiling = max(ceiling, self._start_rate)
        self._plateau = plateau
        self._responses_at_rate = 0
        self.interval = 1 / self._start_rate

    def _prove(self, now: float) -> None:
        """Note this refusal, and the rate at which responses came since one of the last refusals."""
        for at, total in self._anchors:
            served = self._responses - total - 1  # part of a token may have been left
            if served >= MIN_SERVED and now > at:
                self._proven = max(self._proven, served / (now - at))
        if len(self._anchors) == MAX_ANCHORS:
            del self._anchors[1]
        self._anchors.append((now, self._responses))

    def _shrink(self, started: float, now: float) -> None:
        if started > self._cut_at:
            self._cut_at = now
            self._window = max(1.0, self._window * BETA)
