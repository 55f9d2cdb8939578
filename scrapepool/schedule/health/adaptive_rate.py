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
"""What a cut leaves, of a window or of a rate (RFC 9438 section 4.6)."""

PROBE_SHARE = 0.1
"""Share by which the rate exceeds its ceiling after twice as many responses as it takes to reach it. After a refusal,
the rate begins half of this share below the one that was served, so that an empty token bucket gets a token."""

DOUBLED_AFTER = 16
"""Responses after which a guessed rate has doubled. With 12 there were more refusals, and the rates were the same."""

UNLIMITED_RATE = 500.0
"""Requests per second from which on an interval delays nothing and is dropped."""

RESPONSES_TO_CEILING = 150
"""Answers from a cut until the measured rate is reached. The probe beyond finds the limit after about half as many
again, so about one request in a hundred is refused."""

COOL_DOWNS_TO_CEILING = 30
"""The same in time: as many times the parking that a refusal costs, so that parkings take a thirtieth of the time."""

MAX_SECONDS_TO_CEILING = 300.0
"""Maximum of that in seconds, where ``RESPONSES_TO_CEILING`` take less: a host's limit is retried every few minutes."""

OUTGROWN_BY = 4.0
"""Times the rate that was once refused, from which on the interval is given up: that limit is gone."""

STEP_AFTER_REFUSAL = 50
"""Answers before one request more is in flight, after a refusal: one in fifty refused is the most that we cost."""

FIRST_STEP = 16
"""The same while it is found out whether the host serves only so many at a time."""

MAX_STEP = 800
"""Responses before that at most, where the host was seen to serve no more at a time: each try doubles them."""

STEP_AFTER_STRAIN = 10
"""The same after a timeout, a refused connection or a risen latency: a restarted host is soon asked as before."""

FEW_RESPONSES = 8
"""With fewer responses between two refusals, the rate at which they came may still be only a guess."""

RATE_TOLERANCE = 1e-6
"""Relative difference up to which two rates count as equal."""

MIN_SERVED = 10
"""Answers from a refusal on that prove the rate at which they came."""

MAX_ANCHORS = 4
"""Refusals from which on answers are counted for that."""

NEAR_CAPACITY = 0.85
"""Share of what a host could serve, from which on down scattered failures may be those of a rate limit."""

MIN_FAILURE_SHARE = 0.1
"""Share of the requests that must fail, in addition, for that."""

SUSPICION_TIMEOUT = 10.0
"""After so many seconds and three intervals, another failure may be suspected, even if the page of the last one was not
requested again."""

TRIAL_RESPONSES = 60
TRIAL_FAILURES = 3
"""Answers for which a host is slowed down to see whether that helps, and failures meanwhile that say that it does
not."""

EXPECTED_PER_FAILURE = 4
"""One failure of so many that were to be expected, at most, shows that slowing down helped."""

REFUSAL_MEMORY = 1800.0
"""Seconds after which a first refusal says nothing of the rate that a second one ends."""

MIN_RATE_KEPT = 0.5
"""What one refusal leaves of a rate at least: the host may have been asked less of late for other reasons."""

MAX_INTERVAL = 60.0
"""Seconds between two starts at most. Hosts that allow less say so, or are found by the parkings alone."""

MANY_RESPONSES = 20
"""Answers between two refusals from which on the rate that was refused counts for more than the one that was served."""

RECOVERED_AFTER = 500
"""Answers after which a refusal is forgotten: one in so many is no reason to ask for less."""

LATENCY_FACTOR = 2.0
LATENCY_MARGIN = 0.5
"""A latency counts as risen from twice its calm value on, and half a second above it: below that lies what a busy
machine, a garbage collection or a large page does."""


def alarm_threshold(baseline: float) -> float:
    """The mean latency in seconds from which a host that answers in ``baseline`` otherwise counts as strained."""
    return max(baseline * LATENCY_FACTOR, baseline + LATENCY_MARGIN)


class RateController:
    """What one host bears and allows.

    most: the window at its widest. limit: requests that may be in flight. interval: seconds between two starts, 0.0
    for none. is_flaky: whether requests failed just as often when they were slowed down.
    is_limited: whether hardly any failed then, so that the host refuses what is too much.
    suspected_at: when a failure came that may be a refusal, until its page is requested again; negative infinity for no
    such time. Every ``started`` is when a request was handed out, in monotonic seconds as ``now``.
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
        self._adjusted_at = -inf  # when a retry last changed the rate: what failed before was requested at another one
        self._since_refusal = 0  # answers since then
        self._responses_at_rate = 0  # answers at the rate that was tried, since the interval was set
        self._responses = 0  # answers so far
        self._anchors: list[tuple[float, int]] = []  # refusals, the first and the last, and answers until then
        self._proven = 0.0  # requests a second that were served since one of them, at best
        self._trial_start: int | None = None  # answers until then, when it was slowed down to see whether that helps
        self._suspect_failures = 0  # requests that failed since the first of them, and may have been refused
        self._failure_share = 0.0  # the share of such requests when it was slowed down
        self._trial_failures = 0  # failures at a proven rate,
        self._counted_from = 0  # since there were so many answers
        self._lowered_at = -inf  # answers until the rate was last lowered because pages were refused at a proven rate
        self._ceiling = inf  # requests a second that the host was measured to allow; infinite for unknown
        self._start_rate = 0.0  # requests a second at which the interval was set
        self._last_start = -inf  # when the last request began
        self._refused_alone = False  # whether a request was refused that was the only one in flight
        self._one_at_a_time = False  # whether requests were sent one at a time to find that out
        self._widened = 0  # responses until the window last grew by one
        self._is_untried = False  # whether that was far later than the interval allows, so that the rate is not tried
        self._plateau = 1.0  # answers after which the ceiling is reached

    def __repr__(self) -> str:
        return f"<RateController {self.limit}/{self.most} in flight, {self.interval:.3f} s apart>"

    @property
    def limit(self) -> int:
        """Requests that may be in flight."""
        return int(self._window)

    @property
    def recovered(self) -> bool:
        """Whether the host is asked as one that never failed, and its last refusal is long past."""
        long_past = self._refused_at == -inf or self._since_refusal >= RECOVERED_AFTER
        return long_past and self._window >= self.most and not self.interval

    @property
    def expected(self) -> int:
        """The window that it comes to: the whole one after a strain, which passes; the present one after a refusal."""
        return self.most if self._step == STEP_AFTER_STRAIN else self.limit

    @property
    def steady(self) -> float:
        """The interval that it comes back to, 0.0 for none: the present one, or that of the rate last measured."""
        return min(self.interval, 1 / self._ceiling) if self.interval and self._ceiling < inf else self.interval

    def resume(self, limit: int | None, interval: float, now: float) -> None:
        """Go on where another run was. limit: None for the window at its widest. interval: seconds, 0.0 for none."""
        if limit is not None:
            self._window = float(max(1, min(limit, self.most)))
        if interval:
            self._set((1 - PROBE_SHARE) / interval, 1 / interval, RESPONSES_TO_CEILING)
        self._refused_at = now  # for the next refusal to tell a rate

    def on_request(self, now: float, ready_since: float) -> None:
        """Note that a request begins, and that the host could have been requested since ``ready_since``."""
        self._unused += now - ready_since
        self._is_untried = now - self._last_start > 2 * self.interval
        self._last_start = now

    def on_refusal(self, started: float, now: float, *, out: int, wait: float, clear: bool = True) -> None:
        """The host refused a request for being one too many; called once a parking.

        out: requests in flight on it, that one included. wait: seconds that it is parked for. clear: whether the host
        has said so by a 429 or a wait, and not by a 503 that could be a broken page's.
        """
        self._forget_proven()  # it may allow less than before
        self._trial_start = None
        self.suspected_at = -inf
        crowded = clear and self._is_crowded(out)
        if out == 1 and (
            self.interval or self._one_at_a_time
        ):  # no smaller window would help, so the rate was too high
            self._window = float(self.most)
        elif out >= self.limit and not crowded:
            self._step = STEP_AFTER_REFUSAL
            self._shrink(started, now)
        if self._refused_at > -inf and not self._since_refusal:
            return  # nothing was served: from the refusal before on, the parkings measure the rate
        if crowded:
            self._window = float(max(1, out - 1)) if self._one_at_a_time else 1.0
            self._step = min(max(2 * self._step, STEP_AFTER_REFUSAL), MAX_STEP) if self._one_at_a_time else FIRST_STEP
            self._one_at_a_time = True
            self._refused_at, self._unused, self._since_refusal = now, 0.0, 0
            return
        self._measure(now, wait)

    def _is_crowded(self, out: int) -> bool:
        """Whether a refusal may be for how many requests were in flight, and not for how many began in a while.

        Until one request alone is refused, that is found out: one at a time is let through, and then one more. Where
        that is refused at once, the host serves no more at a time.
        """
        if out == 1:
            self._refused_alone = True
        if out < 2 or self._refused_alone or self.interval or self._refused_at == -inf:
            return False
        return not self._one_at_a_time or self._was_widened(out)

    def restart(self) -> None:
        """The host was sent less than it could serve: measure anew what it serves, unless that is known already."""
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
        """Take in that a request failed, and may have been refused; True where its page should be requested again.

        The page of one failure at a time is, where starts are spaced at a rate that is not proven. Where starts are not
        spaced, and many requests fail, they are slowed down for a while to see whether that helps. capacity: requests
        per second that the host would serve, by slots and latency alone. limits: whether it is known to limit requests.
        broken: whether most pages that failed like this were found to be broken.
        """
        self._suspect_failures += 1
        limits |= self.is_limited
        if not self.interval:
            self._prove(now)
            if self.is_flaky:
                self.is_flaky = (
                    self._failures(TRIAL_RESPONSES // 3) < TRIAL_RESPONSES // 2
                )  # most fail: that is no chance
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
        """Slow down to the rate at which requests were served, if enough of them failed."""
        others = self._suspect_failures - 1  # responses are counted from the first failure on
        share = others / (others + self._responses - self._anchors[0][1])
        if share >= MIN_FAILURE_SHARE:
            self._set(self._proven, self._proven, TRIAL_RESPONSES)
            self._refused_at, self._since_refusal = now, 0
            self._failure_share = share
            self._trial_start = self._counted_from = self._responses
            self._trial_failures = 0

    def _failures(self, within: int, *, count: bool = True) -> int:
        """Failures within so many answers, with this one where it is to ``count``."""
        if self._responses - self._counted_from > within:
            self._counted_from, self._trial_failures = self._responses, 0
        self._trial_failures += count
        return self._trial_failures

    def on_retry_response(self, at: float, now: float) -> bool:
        """Take in that a page which failed at the time ``at`` is answered now, so that it was refused.

        True where that failure was suspected. If it came at a proven rate, the rate is lowered after several of them.
        If as many come soon after that, the rate was not the reason, and it is no longer limited.
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
            self._adjusted_at = now
        return False

    def _give_up(self) -> None:
        """Undo all: slowing down did not help, so the failures do not come from a limit."""
        self.is_flaky, self._trial_start, self.interval, self._refused_at = True, None, 0.0, -inf
        self.is_limited = False
        self._window = float(self.most)

    def on_retry_failure(self, at: float) -> None:
        """Take in that a page which failed at the time ``at`` failed again: it is broken, and the rate not too high."""
        if self.suspected_at == at:
            self.suspected_at = -inf

    def on_strain(self, started: float, now: float) -> None:
        """A timeout, a refused connection, a latency that rose: too much is in flight."""
        if started > self._cut_at:
            at_once = self._widened > 0 and self._was_widened(self.limit)
            self._step = min(2 * self._step, MAX_STEP) if at_once else STEP_AFTER_STRAIN
        self._shrink(started, now)

    def _was_widened(self, out: int) -> bool:
        """Whether the window was just widened to ``out`` requests."""
        return self._responses - self._widened <= 2 * out

    def on_response(self, count: int) -> None:
        """Take in ``count`` answers that were no refusals."""
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
        """Requests per second, after ``_answers`` answers."""
        if self._ceiling == inf:
            return self._start_rate * 2 ** (self._responses_at_rate / DOUBLED_AFTER)
        left = 1 - self._responses_at_rate / self._plateau
        if left > 0:
            return self._ceiling - (self._ceiling - self._start_rate) * left**3
        return self._ceiling * (1 - PROBE_SHARE * left**3)

    def _measure(self, at: float, wait: float) -> None:
        """Set the rate anew by a refusal at the time ``at``, for which the host is parked for ``wait`` seconds."""
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
        """Begin at a rate, to reach a ceiling after ``plateau`` answers. Without a ceiling, the rate doubles."""
        least = max(self._proven, 1 / MAX_INTERVAL)
        self._start_rate = max(rate, least)
        self._ceiling = max(ceiling, self._start_rate)
        self._plateau = plateau
        self._responses_at_rate = 0
        self.interval = 1 / self._start_rate

    def _prove(self, now: float) -> None:
        """Take note of the rate at which answers came since one of the last refusals, and of this one."""
        for at, total in self._anchors:
            served = self._responses - total - 1  # a token may have been there by halves
            if served >= MIN_SERVED and now > at:
                self._proven = max(self._proven, served / (now - at))
        if len(self._anchors) == MAX_ANCHORS:
            del self._anchors[1]
        self._anchors.append((now, self._responses))

    def _shrink(self, started: float, now: float) -> None:
        if started > self._cut_at:
            self._cut_at = now
            self._window = max(1.0, self._window * BETA)
