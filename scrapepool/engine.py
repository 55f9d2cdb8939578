"""The loop that owns the scheduler: carries values between the stages, and decides nothing else.

One thread runs it. It takes what the reader found and what the workers bring back, asks the
scheduler what may start, hands leases to workers, and yields final outcomes. Whoever iterates
over it sets its pace: while outcomes are not taken, nothing new is handed out, so what was
fetched and not yet written is bounded by what was in flight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .model import Attempt, Deferred, ErrorKind, Failed, Outcome, Skipped
from .ports import Clock, Crew, Done, Feed, Fetch, Snapshot, View, Work
from .schedule.headcount import Headcount
from .schedule.lease import Lease, Refusal
from .schedule.scheduler import Scheduler

GRACE = 5.0  # seconds that requests in flight are given after a stop was asked for
LOOK = 0.1  # seconds between two looks at the clock while a stop is under way
BATCHES = 8  # of the reader's, taken at once
SLOWEST = 5  # hosts that the last snapshot names as slow
ROWS = 60  # hosts in a snapshot: more than any terminal is high
IDLE = 1.0  # seconds that the loop sleeps at most, so that clocks on the screen move


@dataclass(slots=True)
class Stop:
    """Whether and how a run is to end early. Set by signal handlers; read by the engine.

    asked: begin nothing more. now: wait for nothing more. wake: ends the engine's sleep.
    """

    asked: bool = False
    now: bool = False
    wake: Callable[[], None] = lambda: None

    def ask(self) -> None:
        """Stop; asked for a second time, at once. May be called from a signal handler."""
        self.now = self.asked
        self.asked = True
        self.wake()


class Engine:
    """One run over one scheduler."""

    def __init__(
        self,
        *,
        scheduler: Scheduler,
        feed: Feed,
        fetch: Fetch,
        crew: Crew,
        view: View,
        clock: Clock,
        workers: int,
        stop: Stop,
    ) -> None:
        self._scheduler = scheduler
        self._tally = scheduler.tally
        self._feed = feed
        self._fetch = fetch
        self._crew = crew
        self._view = view
        self._clock = clock
        self._workers = workers
        self._headcount = Headcount(workers)
        self._stop = stop
        self._busy = 0
        self._more = False  # the reader has more than was taken
        self._began = clock.monotonic()
        self._shown = float("-inf")
        self._drained_at: float | None = None

    def run(self) -> Iterator[Sequence[Outcome]]:
        """Yield final outcomes, in order of completion, until every target has one or a stop was asked for."""
        while True:
            now = self._clock.monotonic()
            outcomes = self._read()
            outcomes += self._hand_out(now)
            if outcomes:
                yield outcomes
            self._look(now)
            if self._over():
                return
            back = self._crew.wait(self._patience(now))
            if back and (settled := self._settle(back)):
                yield settled

    def close(self) -> None:
        """Stop reading, cut what is still in flight, let the workers go."""
        self._fetch.drain()
        if self._busy:
            self._fetch.abort()
        self._feed.close()
        self._crew.close()

    @property
    def out_of_patience(self) -> bool:
        """Whether a stop was asked for so long ago, or so urgently, that nothing may be waited for any more."""
        if not self._stop.asked:
            return False
        return self._stop.now or self._clock.monotonic() >= self._stopped_at() + GRACE

    def _stopped_at(self) -> float:
        if self._drained_at is None:
            self._drained_at = self._clock.monotonic()
            self._fetch.drain()
            self._scheduler.drain()
        return self._drained_at

    # -- the steps of the loop ---------------------------------------------------------------------

    def _read(self) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for _ in range(BATCHES):
            batch = None if self._stop.asked else self._feed.poll()
            self._more = batch is not None
            if batch is None:
                break
            for host, tickets in batch.added.items():
                self._scheduler.add(host, tickets)
            for outcome in batch.rejected:
                self._tally.count(outcome)
            outcomes += batch.rejected
        return outcomes

    def _hand_out(self, now: float) -> list[Outcome]:
        outcomes: list[Outcome] = []
        if now >= self._headcount.due:
            self._headcount.look(now, self._clock.cpu(), self._tally.requests)
        while self._busy < self._headcount.allowed and not self._stop.asked:
            decision = self._scheduler.next(now)
            if decision is None:
                break
            if isinstance(decision, Refusal):
                outcomes += self._refused(decision)
                continue
            attempts, gone = self._attempts(decision)
            if attempts:
                self._busy += 1
                self._crew.hand(Work(decision, attempts))
            elif gone is not None:
                outcomes += self._scheduler.settle(decision, [gone], now, wall=self._clock.wall())
        return outcomes

    def _settle(self, back: Sequence[Done]) -> list[Outcome]:
        now, wall = self._clock.monotonic(), self._clock.wall()
        outcomes: list[Outcome] = []
        for done in back:
            self._busy -= 1
            outcomes += self._scheduler.settle(
                done.work.lease,
                done.results,
                now,
                wall=wall,
                opened=done.opened,
                requests=done.requests,
                idle=done.idle,
            )
        return outcomes

    def _attempts(self, lease: Lease) -> tuple[list[Attempt], Skipped | None]:
        """What the lease's tickets stand for, up to the first that the list no longer holds."""
        if lease.attempt is not None:
            return [lease.attempt], None
        attempts: list[Attempt] = []
        for ticket in lease.tickets:
            target = self._feed.target(ticket)
            if isinstance(target, Skipped):
                return attempts, target
            if target.host != lease.host:
                detail = "the list was changed during the run"
                return attempts, Skipped(target=target, error=ErrorKind.INVALID_URL, detail=detail)
            attempts.append(Attempt(target))
        return attempts, None

    def _look(self, now: float) -> None:
        if now - self._shown >= self._view.interval:
            self._shown = now
            self._view.show(self.snapshot())

    def _over(self) -> bool:
        if self._stop.asked:
            self._stopped_at()
            return self._busy == 0 or self.out_of_patience
        return self._feed.exhausted and self._scheduler.idle and self._busy == 0

    def _patience(self, now: float) -> float:
        """Seconds that the loop may sleep unless a worker, the reader or a signal wakes it."""
        if self._drained_at is not None:
            return max(0.0, min(LOOK, self._drained_at + GRACE - now))
        if self._more:
            return 0.0
        due = None
        if self._busy < self._headcount.allowed:
            due = self._scheduler.wake_at(now)
        elif self._busy < self._workers:
            due = self._headcount.due
        return IDLE if due is None else min(IDLE, max(0.0, due - now))

    # -- what ends without a worker ----------------------------------------------------------------

    def _refused(self, refusal: Refusal) -> list[Outcome]:
        wall = self._clock.wall()
        outcomes: list[Outcome] = [_refused(attempt, refusal, wall) for attempt in refusal.attempts]
        for ticket in refusal.tickets:
            target = self._feed.target(ticket)
            outcomes.append(target if isinstance(target, Skipped) else _refused(Attempt(target), refusal, wall))
        for outcome in outcomes:
            self._tally.count(outcome)
        return outcomes

    # -- what a view sees --------------------------------------------------------------------------

    def snapshot(self, *, last: bool = False) -> Snapshot:
        """The run at this moment; the last one tells more."""
        now = self._clock.monotonic()
        tally, scheduler = self._tally, self._scheduler
        return Snapshot(
            elapsed=now - self._began,
            done=tally.done,
            total=tally.done + scheduler.queued + scheduler.parked + scheduler.out,
            reading=not self._feed.exhausted,
            busy=self._busy,
            workers=self._workers,
            parked=scheduler.parked,
            bytes=tally.bytes,
            outcomes=dict(tally.outcomes),
            errors=dict(tally.errors),
            requests=tally.requests,
            opened=tally.opened,
            retried=tally.retried,
            rate=tally.rate(now),
            eta=scheduler.eta(now, self._workers),
            hosts=tuple(scheduler.rows(now, ROWS)),
            host_count=scheduler.host_count,
            grace=None if self._drained_at is None else max(0.0, self._drained_at + GRACE - now),
            slowest=tuple(scheduler.slowest(now, SLOWEST)) if last else (),
        )


def _refused(attempt: Attempt, refusal: Refusal, wall: float) -> Outcome:
    """The record of a target that its host has no time for."""
    target, started, waited = attempt.target, attempt.started, attempt.waited
    made = attempt.number - 1
    if refusal.not_before is None:
        error = refusal.error or ErrorKind.CIRCUIT_OPEN
        return Failed(target=target, attempts=made, started=started, waited=waited, detail=refusal.detail, error=error)
    not_before = wall + refusal.not_before
    return Deferred(
        target=target, attempts=made, started=started, waited=waited, detail=refusal.detail, not_before=not_before
    )
