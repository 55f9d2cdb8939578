"""The loop that owns the scheduler: carries values between the stages, and decides nothing else.

One thread runs it. It takes what the reader found and what the workers bring back, asks the
scheduler what may start, hands leases to workers, and yields final outcomes. Whoever iterates
over it sets its pace: while outcomes are not taken, nothing new is handed out, so what was
fetched and not yet written is bounded by what was in flight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .model import Attempt, Deferred, ErrorKind, Failed, Outcome, Redirected, Result, Skipped, Target
from .ports import Archive, Clock, Crew, Done, Feed, Fetch, HostMemory, NoMemory, Resting, Snapshot, Unbegun, View, Work
from .schedule.bottleneck import Bottleneck
from .schedule.headcount import Headcount
from .schedule.lease import Lease, Refusal
from .schedule.robots import Rules
from .schedule.scheduler import Scheduler
from .text import brief

GRACE = 5.0  # seconds that requests in flight are given after a stop was asked for
LOOK = 0.1  # seconds between two looks at the clock while a stop is under way
BATCHES = 8  # of the reader's, taken at once
AT_ONCE = 1000  # outcomes without a worker (deferrals, lines that have gone) after which they are given away
SLOWEST = 5  # hosts that the last snapshot names as slow
ROWS = 60  # hosts in a snapshot: more than any terminal is high
HANGING = 0.25  # seconds between two looks at whether some of the leases that keep all workers busy hang
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
    """One run over one scheduler.

    workers: leases at work at once, at most. most_out: the same with those that are resting or hang; None for as many.
    """

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
        most_out: int | None = None,
        stop: Stop,
        memory: HostMemory | None = None,
    ) -> None:
        self._scheduler = scheduler
        self._tally = scheduler.tally
        self._feed = feed
        self._fetch = fetch
        self._crew = crew
        self._view = view
        self._clock = clock
        self._memory = memory or NoMemory()
        self._workers = workers
        self._most_out = most_out or workers
        self._headcount = Headcount(workers)
        self._stop = stop
        self._busy = 0  # leases at work
        self._resting = 0  # and hanging
        self._hanging: set[int] = set()  # the identities of their works
        self._looked = float("-inf")  # at these
        self._rest: dict[int, Lease] = {}  # by the identity of a work: the lease of what has no result yet
        self._more = False  # the reader has more than was taken
        self._looked_up: dict[int, Target | Skipped] = {}  # by ticket, until its result comes: a feed tells each once
        self._began = clock.monotonic()
        self._bottleneck = Bottleneck(self._began, clock.cpu())
        self._shown = float("-inf")
        self._drained_at: float | None = None

    def run(self, archive: Archive | None = None) -> Iterator[Sequence[Outcome]]:
        """Yield final outcomes, in order of completion, until every target has one or a stop was asked for.

        Yields none where nothing ended for ``IDLE`` seconds: who writes outcomes down may have some to write by then.
        archive: gets the exchanges that led to an outcome before that is yielded. Raises what it raises.
        """
        while True:
            now = self._clock.monotonic()
            if now >= self._memory.due:
                self._memory.exchange(self._scheduler, now)
            outcomes = self._read()
            outcomes += self._hand_out(now)
            if outcomes:
                yield from self._give(outcomes)
                now = self._clock.monotonic()  # whoever takes the outcomes may take hours
            self._look(now)
            if self._over():
                return
            back = self._crew.wait(self._patience(now))
            done, unbegun = self._take_in(back)
            if archive is not None:
                self._keep(archive, [*unbegun, *done])
            outcomes = self._take_back(unbegun) if unbegun else []
            yield from self._give(outcomes + self._settle(done) if done or outcomes else ())

    @staticmethod
    def _keep(archive: Archive, back: Sequence[Done | Unbegun]) -> None:
        transcripts = [one for part in back if not part.work.lease.probe for one in part.transcripts]
        if transcripts:
            archive.keep(transcripts)

    def close(self) -> None:
        """Stop reading, cut what is still in flight, let the workers go."""
        self._fetch.drain()
        if self._out:
            self._fetch.abort()
        self._feed.close()
        self._crew.close()
        self._memory.close(self._scheduler, self._clock.monotonic())

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

    @property
    def network_lost(self) -> bool:
        """Whether the network has looked down for longer than the run waits for it."""
        outage = self._scheduler.outage
        return outage is not None and self._clock.monotonic() >= outage.until

    @property
    def lost(self) -> str | None:
        """Why nothing more could be fetched, which another run may do: a network, or a proxy. None where nothing is."""
        if self._scheduler.lost:
            return self._scheduler.spent
        outage = self._scheduler.outage
        return outage.lost if outage is not None and self.network_lost else None

    @property
    def spent(self) -> str | None:
        """Which limit of the run was reached, None while none was."""
        return self._scheduler.spent

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
        if self._is_full and now >= self._looked + HANGING:
            self._looked = now
            self._make_room()
        while self._has_room and len(outcomes) < AT_ONCE and not self._stop.asked:
            decision = self._scheduler.next(now)
            if decision is None:
                break
            if isinstance(decision, Refusal):
                outcomes += self._refused(decision, now)
                continue
            attempts, skipped = self._attempts(decision)
            if skipped:
                self._forget(decision, len(skipped))
                outcomes += self._scheduler.settle(decision, skipped, now, wall=self._clock.wall())
            else:
                self._busy += 1
                self._crew.hand(Work(decision, attempts))
        return outcomes

    @property
    def _out(self) -> int:
        """Leases that have not come back."""
        return self._busy + self._resting

    @property
    def _has_room(self) -> bool:
        return self._busy < self._headcount.allowed and self._out < self._most_out

    @property
    def _is_full(self) -> bool:
        """Whether nothing more may begin only because all workers are busy."""
        return self._busy >= self._headcount.allowed and self._out < self._most_out

    def _make_room(self) -> None:
        """Count leases that hang as resting, so that others may begin; their hosts' slots stay taken."""
        for work in self._fetch.hanging():
            if id(work) not in self._hanging and self._busy:
                self._hanging.add(id(work))
                self._resting += 1
                self._busy -= 1

    @property
    def _idle(self) -> int:
        """Workers that would have work, were there more to be asked for now: none where fewer are quicker."""
        return self._workers - self._busy if self._has_room and self._headcount.allowed == self._workers else 0

    def _take_in(self, back: Sequence[Done | Resting | Unbegun]) -> tuple[list[Done], list[Unbegun]]:
        """Count the workers that are free again; what is done, and what will not be begun."""
        done: list[Done] = []
        unbegun: list[Unbegun] = []
        for one in back:
            if isinstance(one, Unbegun):
                unbegun.append(one)
                continue
            hung = bool(self._hanging) and id(one.work) in self._hanging
            if hung:
                self._hanging.discard(id(one.work))
            if not isinstance(one, Done):
                if not hung:
                    self._resting += 1
                    self._busy -= 1
                continue
            if one.rested or hung:
                self._resting -= 1
            else:
                self._busy -= 1
            done.append(one)
        return done, unbegun

    def _take_back(self, unbegun: Sequence[Unbegun]) -> list[Outcome]:
        """Take back what leases that are still out will not begin, and settle what they have."""
        now, wall = self._clock.monotonic(), self._clock.wall()
        outcomes: list[Outcome] = []
        for one in unbegun:
            lease = one.work.lease
            if not one.results:
                self._scheduler.shorten(lease, one.begun, now)
                continue
            final, self._rest[id(one.work)] = self._scheduler.split(
                lease,
                one.begun,
                one.results,
                now,
                wall=wall,
                opened=one.opened,
                requests=one.requests,
                idle=one.idle,
            )
            outcomes += final
        return outcomes

    def _settle(self, back: Sequence[Done]) -> list[Outcome]:
        now, wall = self._clock.monotonic(), self._clock.wall()
        outcomes: list[Outcome] = []
        for done in back:
            lease, counts = done.work.lease, {"opened": done.opened, "requests": done.requests, "idle": done.idle}
            if lease.robots:
                self._scheduler.settle_robots(lease.host, done.robots, now, elapsed=done.elapsed, **counts)
                continue
            self._forget(lease, len(done.results))
            results: Sequence[Result] = done.results
            if self._rest and (rest := self._rest.pop(id(done.work), None)) is not None:
                lease = rest
                if (
                    results
                    and not isinstance(results[0], Redirected)
                    and results[0].target is done.work.attempts[0].target
                ):
                    results = ()  # a bug cost the lease its end, and is told of a target that has a record already
            outcomes += self._scheduler.settle(
                lease,
                results,
                now,
                wall=wall,
                opened=done.opened,
                requests=done.requests,
                idle=done.idle,
            )
        return outcomes

    def _attempts(self, lease: Lease) -> tuple[list[Attempt], list[Skipped]]:
        """What a lease is about: the targets that may be fetched, or those before them that may not.

        The first are all of one kind, and what follows them is left for another lease.
        """
        rules = self._scheduler.rules_for(lease.host)
        if lease.attempt is not None:
            refused = None if rules is None else _disallowed(lease.attempt, rules)
            return [lease.attempt], [] if refused is None else [refused]
        attempts: list[Attempt] = []
        skipped: list[Skipped] = []
        for ticket in lease.tickets:
            target = self._looked_up.get(ticket) or self._looked_up.setdefault(ticket, self._feed.target(ticket))
            end: Skipped | None = None
            if isinstance(target, Skipped):
                end = target
            elif target.host != lease.host:
                detail = "the list was changed during the run"
                end = Skipped(target=target, error=ErrorKind.INVALID_URL, detail=detail)
            else:
                attempt = Attempt(target)
                end = None if rules is None else _disallowed(attempt, rules)
                if end is None and not skipped:
                    attempts.append(attempt)
                    continue
            if end is None or attempts:
                break
            skipped.append(end)
        return attempts, skipped

    def _forget(self, lease: Lease, begun: int) -> None:
        """Drop the targets whose results came: only what was not begun is leased by its ticket again."""
        for ticket in lease.tickets[:begun]:
            self._looked_up.pop(ticket, None)

    def _give(self, outcomes: Sequence[Outcome]) -> Iterator[Sequence[Outcome]]:
        given = self._clock.monotonic()
        yield outcomes
        self._bottleneck.held += self._clock.monotonic() - given

    def _look(self, now: float) -> None:
        if now - self._shown >= self._view.interval:
            self._shown = now
            self._view.show(self.snapshot())

    def _over(self) -> bool:
        if self._stop.asked:
            self._stopped_at()
            return self._out == 0 or self.out_of_patience
        if self._scheduler.spent is not None or self.network_lost:
            return self._out == 0
        return self._feed.exhausted and self._scheduler.idle and self._out == 0

    def _patience(self, now: float) -> float:
        """Seconds that the loop may sleep unless a worker, the reader or a signal wakes it."""
        if self._drained_at is not None:
            return max(0.0, min(LOOK, self._drained_at + GRACE - now))
        if self._more:
            return 0.0
        due: float | None = None
        if self._has_room:
            due = self._scheduler.wake_at(now)
        elif self._headcount.allowed <= self._busy < self._workers:
            due = self._headcount.due
        elif self._is_full:
            due = self._looked + HANGING
        due = self._memory.due if due is None else min(due, self._memory.due)
        return min(IDLE, max(0.0, due - now))

    # -- what ends without a worker ----------------------------------------------------------------

    def _refused(self, refusal: Refusal, now: float) -> list[Outcome]:
        wall = self._clock.wall()
        refused: list[Attempt | Skipped] = [*refusal.attempts]
        for ticket in refusal.tickets:
            target = self._looked_up.pop(ticket, None) or self._feed.target(ticket)
            refused.append(target if isinstance(target, Skipped) else Attempt(target, history=refusal.waits))
        outcomes: list[Outcome] = []
        for one in refused:
            if isinstance(one, Skipped):
                outcomes.append(one)
            elif not self._scheduler.goes_on(one, refusal, now):
                outcomes.append(_refused(one, refusal, wall))
        self._tally.count_refused(refusal.host, outcomes)
        return outcomes

    # -- what a view sees --------------------------------------------------------------------------

    def snapshot(self, *, last: bool = False) -> Snapshot:
        """The run at this moment; the last one tells more."""
        now = self._clock.monotonic()
        tally, scheduler = self._tally, self._scheduler
        left, rate = scheduler.queued + scheduler.parked + scheduler.out, tally.rate(now)
        forecast = scheduler.forecast(now, self._workers, idle=self._idle)
        forecast = self._bottleneck.correct(forecast, now, self._clock.cpu(), left=left, rate=rate)
        return Snapshot(
            elapsed=now - self._began,
            done=tally.done,
            total=tally.done + left,
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
            rate=rate,
            eta=forecast.seconds,
            eta_reason=None if forecast.host is None else f"{forecast.host.netloc}: {forecast.reason}",
            trouble=None if scheduler.outage is None else forecast.reason,
            hint=forecast.hint,
            hosts=tuple(scheduler.rows(now, ROWS)),
            host_count=scheduler.host_count,
            grace=None if self._drained_at is None else max(0.0, self._drained_at + GRACE - now),
            slowest=tuple(scheduler.slowest(now, SLOWEST)) if last else (),
        )


def _disallowed(attempt: Attempt, rules: Rules) -> Skipped | None:
    """The record of an attempt whose next URL its host's robots.txt keeps to itself; None where it may be fetched."""
    rule = rules.refusing(attempt.target.path if attempt.hop is None else attempt.hop.path)
    if rule is None:
        return None
    ended = attempt.ended(f"robots.txt of {attempt.host.netloc}: Disallow: {brief(rule)}")
    return Skipped(**ended, error=ErrorKind.ROBOTS)


def _refused(attempt: Attempt, refusal: Refusal, wall: float) -> Outcome:
    """The record of a target that its host has no time for."""
    ended = attempt.ended(refusal.detail)
    if refusal.not_before is not None:
        return Deferred(**ended, not_before=wall + refusal.not_before)
    error = refusal.error or ErrorKind.CIRCUIT_OPEN
    end = Skipped if error is ErrorKind.ROBOTS_UNREACHABLE else Failed
    return end(**ended, error=error)
