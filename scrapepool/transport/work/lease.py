"""A running lease: its attempts are made one after another over one connection, step by step.

Decides how long the lease runs, which targets it gives back before its end, and which ones are fetched again because
the connection was desynchronized. ``attempt`` decides what is requested, ``held_connection`` and ``desync`` decide when
responses are verified, and ``loop`` runs the steps of many leases. This file is long because what is begun, given back
and requested again share the list of results.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ...model import Attempt, Fetched, Redirected, Result, Retryable, Transcript
from ...ports import Done, Unbegun, Work
from ...running_clock import RUNNING_CLOCK, monotonic
from ...schedule.lease import NO_USE
from ...schedule.queue.latency import MAX_LEASE
from ..classify import IDEMPOTENT, classify
from ..exchange.exchange import Exchange
from ..exchange.route import Route
from ..net.bandwidth import Bandwidth
from ..net.connection import Connection
from ..net.phase import Phase
from ..net.pool import HostPool
from ..net.steps import POLL_NOW, Offload, Resume, Steps, pause
from .attempt import RunningAttempt
from .held_connection import NEVER, HeldConnection

if TYPE_CHECKING:
    from .context import LeaseContext

RECHECK = 0.1  # seconds between two checks of a condition that no event reports
REPEAT_AFTER = 0.35  # seconds that a body may take to arrive until earlier responses are requested again
RECHECK_DECODING = 0.005  # seconds between two checks whether a response that is being decoded has arrived whole
STUCK = 4  # a request counts as stuck once it takes this many times as long as the host's slowest recent one
HANGS = 1.0  # seconds without a byte before a request can count as hanging
NAME_HANGS = 0.2  # seconds of a look-up before its lease can count as hanging: it is no request to anybody's server
STUCK_FROM = 0.25  # seconds before a request can count as stuck, about as long as a lease on a nearby host takes


class RunningLease:
    """One lease, and the results that it has so far.

    steps: the generator of its steps, which returns its ``Done``. It waits for ``conn`` unless it yields a ``Watch``.
    starts: monotonic times at which its attempts began. given: number of attempts that ``unbegun`` has returned.
    stuck_at: monotonic time from which the current request counts as stuck, infinite if no target waits behind it.
    At that time the loop calls ``unbegun``.
    """

    pool: HostPool
    conn: Connection

    def __init__(self, context: LeaseContext, work: Work, resume: Resume) -> None:
        self.work = work
        self.resume = resume
        self.starts = [monotonic()]
        self._stood = RUNNING_CLOCK.stood
        self.given = 0
        self.stuck_at = NEVER
        self.held = HeldConnection(context, work.lease.host, resume, self.starts[0])
        self.desync = self.held.desync
        self.steps = self._steps()
        self._context = context
        self._running: RunningAttempt | None = None  # the last attempt
        self._results: list[Result] = []
        self._given_use = NO_USE  # what ``unbegun`` has returned
        self._begins = len(work.attempts)  # it may begin this many of its first attempts
        self._usual = max(STUCK_FROM, STUCK * self.desync.slowest)
        self._redone = 0  # the targets below this index were requested twice already
        self._transcripts: list[tuple[int, Transcript]] = []  # each with the index of its result
        self._offload = Offload(context.body_executor, resume)

    @property
    def exchange(self) -> Exchange | None:
        """The last exchange of the current attempt; None before there is one."""
        return None if self._running is None else self._running.exchange

    @property
    def quarantined(self) -> bool:
        """Whether all responses have arrived, and the connection is only watched until they are verified."""
        return self.held.quarantined

    # -- what the loop calls ----------------------------------------------------------------------------

    def unbegun(self) -> Unbegun | None:
        """Begin no further target; return the targets for other leases, and the results.

        Results that cannot be verified soon are discarded, and their targets are returned to be requested again. Return
        None if there is nothing new to return.
        """
        self.stuck_at = NEVER
        begins, self._begins = self._begins, len(self.starts)
        held, exchange, size = self.held, self.exchange, len(self._results)
        first: int | None = None  # the index of the first result that is not verified
        if size and not self.given:
            first = size if self._are_verified() else self._discard_held_up()
        if first is None:
            return None if begins == self._begins else Unbegun(self.work, self._begins)
        if first == size:
            held.mark_verified()
        else:
            held.reset_unverified()
        if exchange is not None and exchange.reused:
            held.first_unverified = size
        self.given, self._given_use = size, held.use
        transcripts = [transcript for at, transcript in self._transcripts if at < first]
        self._transcripts = []
        return Unbegun(self.work, self._begins, self._results[:first], held.use, transcripts, again=size - first)

    def _discard_held_up(self) -> int | None:
        """Discard the results that a slow body keeps from being verified; return the index of the first one.

        The beginning of a response verifies nothing: if an earlier response had been unsolicited, it would look the
        same. Only the end of its body would show that, and that may be far. So they are requested over another
        connection. Return None if they are kept: because the body has not been slow for long, or is kept back by
        ``--bandwidth``, or because they must not be requested twice or so many were already.
        """
        exchange, held, context = self.exchange, self.held, self._context
        first, size = held.first_unverified, len(self._results)
        if first is None or exchange is None or not exchange.headed or exchange.computes or exchange.parser.done:
            return None  # the response has not begun, or silence will verify them
        if monotonic() - exchange.headed < REPEAT_AFTER or held.conn.bandwidth is not None:
            return None
        attempts = self.work.attempts[first:size]
        if not all(context.method_of(attempt) in IDEMPOTENT for attempt in attempts):
            return None
        if not held.desync.repeat(len(attempts)):
            return None
        for attempt, result in zip(attempts, self._results[first:], strict=True):
            self._discard_file(attempt, result)
        return first

    def _are_verified(self) -> bool:
        """Return whether the results are verified by silence during the current request.

        If an earlier response had been unsolicited, the true one would by now have been taken for the response to the
        current request, and the true response to that would still follow. So silence counts before the first byte of
        its response, and after the last.
        """
        exchange, now, held = self.exchange, monotonic(), self.held
        if not held.unverified or held.desync.is_distant(held.quickest):
            return True
        if exchange is None or not exchange.sent:
            since = NEVER
        elif not exchange.parser.started:
            since = exchange.sent + exchange.delayed
        else:
            since = exchange.quiet_since(held.conn, now, self._context.state.allowance)
        silent_until = since + held.delay(now)
        if silent_until == NEVER:
            self.stuck_at = now + (RECHECK_DECODING if exchange is not None and exchange.computes else RECHECK)
        elif now < silent_until:
            self.stuck_at = silent_until
        return now >= silent_until

    def hangs(self, now: float) -> bool:
        """Return whether the current request has had no byte for much longer than its host usually takes.

        Before it there may be a look-up, which hangs much earlier.
        """
        conn: Connection | None = getattr(self, "conn", None)  # there is none before the check-out
        opening = None if conn is None else conn.opening_phase
        if opening is not None and opening[0] is Phase.NAME:
            return now - opening[1] >= NAME_HANGS
        if self.quarantined or now - self.starts[-1] < max(HANGS, STUCK * self.desync.slowest):
            return False
        exchange = self.exchange
        return exchange is None or not exchange.parser.started

    def postpone(self, seconds: float) -> None:
        """Move the ends of all waits by the seconds during which the loop did not check the connection."""
        self.stuck_at += seconds
        self.starts[-1] += seconds
        exchange = self.exchange
        if exchange is not None and exchange.sent and not exchange.ended:
            exchange.delayed += seconds
        conn = getattr(self, "conn", None)  # there is none before the check-out
        if conn is not None:
            conn.postpone(seconds)

    # -- steps -------------------------------------------------------------------------------------

    def _steps(self) -> Steps[Done]:
        context, work, held = self._context, self.work, self.held
        first = work.attempts[0]
        if context.session.bandwidth is not None:
            yield from self._await_bandwidth(context.session.bandwidth)
        if context.state.draining:
            return Done(work, ())
        method = first.hop.method if first.hop else context.method  # of targets without a method of their own
        try:
            foreign = first.hop is not None and first.hop.host != first.target.host
            route = context.routes.get(work.lease.host, method, foreign=foreign)
            yield from held.check_out(route)
        except Exception as error:  # noqa: BLE001 - one boundary per target catches all
            return Done(work, [self._not_begun(first, error)])
        self.conn, self.pool = held.conn, held.pool
        context.state.live[held.conn] = self
        try:
            yield from self._run_attempts(route, method)
        finally:
            context.state.live.pop(held.conn, None)
            held.check_in()
        use = held.use if self._given_use is NO_USE else held.use.since(self._given_use)
        return Done(work, self._results[self.given :], use, [transcript for _, transcript in self._transcripts])

    def _not_begun(self, first: Attempt, error: Exception) -> Result:
        """Return the outcome of an attempt for which no connection could be checked out."""
        return self._context.report.failed(
            first,
            classify(error),
            method=self._context.method_of(first),
            started=first.started or time.time(),
            elapsed=monotonic() - self.starts[0],
        )

    def _await_bandwidth(self, bandwidth: Bandwidth) -> Steps[None]:
        """Wait until earlier downloads are within the bandwidth limit, so that later waits are caused by the server."""
        while not self._context.state.draining and (left := bandwidth.next_read_at - time.monotonic()) > 0:
            yield from pause(min(left, RECHECK))
        self.starts[0] = self.held.began = monotonic()

    def _run_attempts(self, route: Route, method: str) -> Steps[None]:
        """Make the attempts in order; repeat those on a desynchronized connection over a new one."""
        attempts, results, held = self.work.attempts, self._results, self.held
        until = self.starts[0] + self.work.lease.budget
        while True:
            at = len(results)
            if held.conn.bandwidth is not None:
                yield from held.conn.throttle()  # before the request, so that it does not count as stuck
            running = self._begin_attempt(attempts[at], at, method)
            results.append((yield from running.run(route)))
            for transcript in running.transcripts:
                self._transcripts.append((at, transcript))
            self.stuck_at = NEVER
            over = self._is_over(running, at, until)
            if over or held.must_verify:
                yield from held.verify(last=over)
            elif held.conn.sock is not None and ((yield POLL_NOW) is not False or held.conn.pending()):
                held.check()
            if held.desynchronized and self._discard_unverified(results):
                continue
            if over:
                return

    def _begin_attempt(self, attempt: Attempt, at: int, method: str) -> RunningAttempt:
        """Begin or repeat the attempt with this index, and record when it first began."""
        if attempt.target.request is not None:
            method = self._context.method_of(attempt)
        starts, lease = self.starts, self.work.lease
        if at == len(starts):
            starts.append(monotonic())
        if at + 1 == len(starts) and len(self.work.attempts) > 1 and not self.given:
            self.stuck_at = min(starts[at] + self._usual, starts[0] + lease.budget)
        again = at < self._redone
        running = self._running = RunningAttempt(
            self._context, self.held, self._offload, attempt, method, at, starts[at], again, lease.probe
        )
        return running

    def _is_over(self, running: RunningAttempt, at: int, until: float) -> bool:
        """Return whether the lease ends after an attempt. at: its index. until: the end of the lease's budget.

        It also ends if the process was stopped meanwhile: what the scheduler allowed before may be another run's now.
        """
        if at + 1 >= self._begins:
            return True
        if at + 1 < self._redone:
            return False
        if RUNNING_CLOCK.stood != self._stood:
            return True
        result = self._results[at]
        if type(result) is not Fetched or (result.retry is not None and _ends_lease(result.retry)):
            return True
        exchange = running.exchange
        return self._context.state.draining or exchange is None or exchange.ended > until

    # -- desynchronized connections ----------------------------------------------------------------

    def _discard_unverified(self, results: list[Result]) -> bool:
        """Discard results that may contain the response of another request; return whether to request them again."""
        first = self.held.discard()
        if first is None or first < self._redone:
            return False
        self._transcripts = [(at, transcript) for at, transcript in self._transcripts if at < first]
        attempts, context = self.work.attempts[first : len(results)], self._context
        for attempt, result in zip(attempts, results[first:], strict=True):
            self._discard_file(attempt, result)
        if all(context.method_of(attempt) in IDEMPOTENT for attempt in attempts):
            self._redone = len(results)
            del results[first:]
            return True
        for at, attempt in enumerate(attempts, first):
            method, started = context.method_of(attempt), attempt.started or time.time()
            results[at] = context.report.discarded(attempt, method, started, results[at].elapsed)
        return False

    def _discard_file(self, attempt: Attempt, result: Result) -> None:
        """Remove the saved file of a discarded response."""
        partial_files = self._context.partial_files
        if partial_files is None or isinstance(result, Redirected):
            return
        if result.saved is not None and result.saved.file is not None:
            partial_files.discard(result.saved.file)
        partial_files.forget(self._context.method_of(attempt), partial_files.name_of(attempt.target))


def _ends_lease(retry: Retryable) -> bool:
    """Return whether the host may require a pause, or has few requests left within a rate limit."""
    return retry.again or retry.after is not None or any(limit.left <= MAX_LEASE for limit in retry.limits)
