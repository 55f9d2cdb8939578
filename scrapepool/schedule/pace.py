"""How hard one host may be asked: what is in flight, and, once it has refused us twice, how far starts are apart.

Two controllers, for the two ways in which hosts are limited.

* *What they can bear at a time* is found by additive increase and multiplicative decrease of a window of requests in
  flight, 1 to ``--per-host``. It begins full, so that a healthy host is served at once. A refusal, a timeout, a refused
  connection or a risen latency takes 30 % off it, once for all requests that were in flight together.
* *What they allow a second* cannot be met by a window: three in flight may be too little where four are too much, and
  one may be too much. From one refusal of a token bucket or a counted window to the next, what was served over the time
  is what the host allows, or less where tokens went unused; the rate that was refused is as much, or more. So the
  second refusal sets an interval between starts to 0.9 of a rate between the two, and the interval is made shorter as
  CUBIC (RFC 9438) grows its window: quickly up to the known rate, level there, then probing ever faster for a rate that
  has risen. From a cut to the known rate it takes ``REQUESTS`` answers at least.

Decides from what it is told; knows no queue, and time only as an argument.
"""

from __future__ import annotations

from math import inf

BETA = 0.7
"""What a cut leaves, of a window or of a rate (RFC 9438 section 4.6)."""

DIP = 0.1
"""How far below the measured rate an interval starts: 0.975 of it on the average until it is reached."""

REQUESTS = 75
"""Answers from a cut until the measured rate is reached. The probe beyond finds the limit after about half as many
again, so about one request in a hundred is refused."""

PARKINGS = 30
"""The same in time: as many times the parking that a refusal costs, so that parkings take a thirtieth of the time."""

LONGEST = 300.0
"""Seconds of that at most, where ``REQUESTS`` take less: a host's limit is tried again every few minutes."""

OUTGROWN = 4.0
"""Times the rate that was once refused, from which on the interval is given up: that limit is gone."""

AFTER_REFUSAL = 50
"""Answers before one request more is in flight, after a refusal: one in fifty refused is the most that we cost."""

AFTER_STRAIN = 10
"""The same after a timeout, a refused connection or a risen latency: a restarted host is soon asked as before."""

FORGOTTEN = 1800.0
"""Seconds after which a first refusal says nothing of the rate that a second one ends."""

STEEPEST = 0.5
"""What one refusal leaves of a rate at least: the host may have been asked less of late for other reasons."""

SLOWEST = 60.0
"""Seconds between two starts at most. Hosts that allow less say so, or are found by the parkings alone."""

SOON = 20
VAIN = 6
"""Where refusals keep coming within ``SOON`` answers, after more than ``VAIN`` cuts of the rate, 1/64 of it, they have
another reason than the rate: a backend that fails now and then. The interval is given up then, for ``DEAF`` answers;
the parkings remain."""

DEAF = 200

REMEMBERED = 500
"""Answers after which a refusal is forgotten: one in so many is no reason to ask for less."""

RISEN = 2.0
RISEN_BY = 0.5
"""A latency counts as risen from twice its calm value on, and half a second above it: below that lies what a busy
machine, a garbage collection or a large page does."""


def alarm(calm: float) -> float:
    """The mean latency in seconds from which a host that answers in ``calm`` otherwise counts as strained."""
    return max(calm * RISEN, calm + RISEN_BY)


class Pace:
    """What one host bears and allows.

    most: the window at its widest. limit: requests that may be in flight. interval: seconds between two starts, 0.0
    for none. Every ``started`` is when a request was handed out, in monotonic seconds as ``now``.
    """

    __slots__ = (
        "_answers", "_ceiling", "_cut", "_deaf", "_insisted", "_plateau", "_proved", "_refused", "_since_refusal",
        "_soon", "_step", "_window", "interval", "limit", "most",
    )  # fmt: skip

    def __init__(self, most: int) -> None:
        self.most = self.limit = most
        self.interval = 0.0
        self._window = float(most)
        self._step = AFTER_STRAIN
        self._cut = -inf  # when the window was last cut
        self._refused = -inf  # when a refusal last counted
        self._since_refusal = 0  # answers since then
        self._answers = 0  # answers since the interval was set or grew last
        self._insisted = False  # whether it refused again right after a parking since then
        self._soon = 0  # refusals in a row that came within SOON answers
        self._deaf = 0  # answers until refusals are taken for a word about the rate again
        self._ceiling = 0.0  # requests a second that the host was measured to allow; 0.0 for unknown
        self._proved = 0.0  # requests a second at which an interval was given up
        self._plateau = 1.0  # answers after which the ceiling is reached

    def __repr__(self) -> str:
        return f"<Pace {self.limit}/{self.most} in flight, {self.interval:.3f} s apart>"

    @property
    def recovered(self) -> bool:
        """Whether the host is asked as one that never failed, and its last refusal is long past."""
        long_past = self._refused == -inf or self._since_refusal >= REMEMBERED
        return long_past and self._window >= self.most and not self.interval

    @property
    def expected(self) -> int:
        """The window that it comes to: the whole one after a strain, which passes; the present one after a refusal."""
        return self.most if self._step == AFTER_STRAIN else self.limit

    @property
    def steady(self) -> float:
        """The interval that it comes back to, 0.0 for none: the present one, or that of the rate last measured."""
        return min(self.interval, 1 / self._ceiling) if self.interval else 0.0

    def resume(self, limit: int | None, interval: float, now: float) -> None:
        """Go on where another run was. limit: None for the window at its widest. interval: seconds, 0.0 for none."""
        if limit is not None:
            self.limit = max(1, min(limit, self.most))
            self._window = float(self.limit)
        if interval:
            self._set(1 / interval, REQUESTS)
        self._refused = now  # for the next refusal to tell a rate

    def refused(self, started: float, now: float, *, out: int, wait: float) -> None:
        """The host refused a request for being one too many; called once a parking.

        out: requests in flight on it, that one included. wait: seconds that it is parked for.
        """
        if out >= self.limit:
            self._step = AFTER_REFUSAL
            self._shrink(started, now)
        if self._refused > -inf and not self._since_refusal:
            self._insisted = True
            return  # nothing was served: from the refusal before on, the parkings measure the rate
        self._measure(now - self._refused, wait)
        self._refused = now
        self._since_refusal = 0
        self._insisted = False

    def strained(self, started: float, now: float) -> None:
        """A timeout, a refused connection, a latency that rose: too much is in flight."""
        self._shrink(started, now)

    def answered(self, count: int) -> None:
        """Take in ``count`` answers that were no refusals."""
        self._since_refusal += count
        self._deaf = max(0, self._deaf - count)
        if self._window < self.most:
            self._window = min(self.most, self._window + count / self._step)
            self.limit = int(self._window)
            if self.limit == self.most:
                self._step = AFTER_STRAIN
        if self.interval:
            self._answers += count
            rate = self._ceiling * (1 + DIP * (self._answers / self._plateau - 1) ** 3)
            self.interval = 1 / rate
            if rate >= OUTGROWN * self._ceiling:
                self.interval, self._proved = 0.0, rate

    def _measure(self, span: float, wait: float) -> None:
        """Set the rate that was served for ``span`` seconds, from a refusal to a refusal, after a parking."""
        self._soon = self._soon + 1 if self._since_refusal < SOON else 0
        if self._deaf > 0:
            return
        if self._soon > VAIN:
            self._soon, self._deaf, self.interval = 0, DEAF, 0.0
        elif self.interval or span < FORGOTTEN:
            seen = self._since_refusal / max(span, 0.001)
            if not self.interval:
                # A first guess, most of the time of which may be the parking; or a limit that was outgrown came back.
                self._set(max(seen, self._proved), REQUESTS / 2)
                return
            refused = 1 / self.interval
            if self._insisted:
                rate = min(seen, refused)
            else:
                rate = min(max(seen, STEEPEST * refused), refused)
                if self._since_refusal >= SOON:
                    rate = (rate + 2 * refused) / 3  # what was served is too low a mark: below it, tokens went unused
            self._set(rate, max(REQUESTS, rate * min(PARKINGS * wait, LONGEST)))

    def _set(self, rate: float, plateau: float) -> None:
        rate = self._ceiling = max(rate, 1 / SLOWEST)
        self._plateau = plateau
        self._answers = 0
        self.interval = 1 / (rate * (1 - DIP))

    def _shrink(self, started: float, now: float) -> None:
        if started > self._cut:
            self._cut = now
            self._window = max(1.0, self._window * BETA)
            self.limit = int(self._window)
