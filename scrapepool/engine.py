"""The loop that owns the scheduler: carries values between the stages, and decides nothing else.

One thread runs it. It takes what the reader found and what the transport brings back, asks the scheduler what may
start, submits leases to the transport, and yields final outcomes. Whoever iterates over it sets its pace: while
outcomes are not taken, nothing new is submitted, so what was fetched and not yet written is bounded by what was in
flight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .model import Attempt, Deferred, ErrorKind, Failed, Outcome, Redirected, Result, Skipped, Target
from .ports import Archive, Clock, Done, Feed, HostMemory, NoMemory, Snapshot, Transport, Unbegun, View, Work
from .schedule.forecast.bottleneck import Bottleneck
from .schedule.lease import Lease, Refusal
from .schedule.robots import Rules
from .schedule.scheduler import Scheduler
from .schedule.tally import HostRow
from .text import brief

GRACE = 5.0  # seconds that requests in flight are given after a stop was asked for
STOP_CHECK = 0.1  # seconds between two checks of the grace period while the run is stopping
BATCHES = 8  # of the reader's, taken at once
AT_ONCE = 1000  # outcomes without a request (deferrals, lines that have gone) after which they are given away
SLOWEST = 5  # hosts that the last snapshot names as slow
ROWS = 60  # hosts in a snapshot: more than any terminal is high
SURVEY_EVERY = 5.0  # seconds between two looks for the largest hosts, which takes 25 ms where there are 50,000
SUBMITTED = 64  # leases begun at once, before those in flight have a turn
HANGING = 0.25  # seconds between two looks at whether some of the leases in flight hang, where no more may begin
IDLE = 1.0  # seconds that the loop sleeps at most, so that clocks on the screen move


@dataclass(slots=True, repr=False, eq=False)
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

    workers: leases in flight at once, at most. most_out: the same with those that are quarantined or hang; None for as
    many. full: whether so many outcomes are not taken that nothing is to be begun. gather: seconds for which outcomes
    are gathered before they are yielded together.
    """

    def __init__(
        self,
        *,
        scheduler: Scheduler,
        feed: Feed,
        transport: Transport,
        view: View,
        clock: Clock,
        workers: int,
        most_out: int | None = None,
        stop: Stop,
        memory: HostMemory | None = None,
        full: Callable[[], bool] = lambda: False,
        gather: float = 0.0,
        largest: int = 0,
    ) -> None:
        self._scheduler = scheduler
        self._tally = scheduler.tally
        self._feed = feed
        self._transport = transport
        self._view = view
        self._clock = clock
        self._memory = memory or NoMemory()
        self._workers = workers
        self._most_out = most_out or workers
        self._stop = stop
        self._full = full
        self._gather = gather
        self._most_largest = largest
        self._largest: tuple[HostRow, ...] = ()
        self._surveyed = float("-inf")  # when these were looked for
        self._halted = False
        self._held_since: float | None = None  # nothing is begun since this look, because outcomes are not taken
        self._out = 0  # leases that have not come back
        self._looked = float("-inf")  # at whether some of them hang
        self._turn_over = False  # more may be begun than was
        self._rest: dict[int, Lease] = {}  # by the identity of a work: the lease of what has no result yet
        self._more = False  # the reader has more than was taken
        self._looked_up: dict[int, Target | Skipped] = {}  # by ticket, until its result comes: a feed tells each once
        self._began = clock.monotonic()
        self._bottleneck = Bottleneck(self._began, clock.cpu())
        self._shown = float("-inf")
        self._stopped_at: float | None = None  # since when ``GRACE`` runs

    def run(self, archive: Archive | None = None) -> Iterator[Sequence[Outcome]]:
        """Yield final outcomes, in order of completion, until every target has one or a stop was asked for.

        Yields none where nothing ended for ``IDLE`` seconds: who writes outcomes down may have some to write by then.
        archive: gets the exchanges that led to an outcome before that is yielded. Raises what it raises.
        """
        gathered: list[Outcome] = []
        given = self._clock.monotonic()
        while not self._halted:
            now = self._clock.monotonic()
            if now >= self._memory.due:
                self._memory.exchange(self._scheduler, now)
            if not self._held_up(now):
                gathered += self._read()
                gathered += self._submit(now)
            self._look(now)
            over = self._over()
            if gathered and (over or now >= given + self._gather or len(gathered) >= AT_ONCE):
                yield from self._give(gathered)
                gathered, given = [], self._clock.monotonic()  # whoever takes the outcomes may take hours
            if over:
                return
            wait = self._patience(now)
            back = self._transport.wait(min(wait, self._gather) if gathered else wait)
            if back:
                gathered += self._take_in(back, archive)
            elif not gathered:
                yield ()

    def _take_in(self, back: Sequence[Done | Unbegun], archive: Archive | None) -> list[Outcome]:
        """Settle what has come back; the outcomes that are final."""
        done = [one for one in back if isinstance(one, Done)]
        unbegun = [one for one in back if isinstance(one, Unbegun)]
        self._out -= len(done)
        if archive is not None:
            transcripts = [one for part in back if not part.work.lease.probe for one in part.transcripts]
            if transcripts:
                archive.keep(transcripts)
        outcomes = self._take_back(unbegun) if unbegun else []
        return outcomes + self._settle(done)

    def _held_up(self, now: float) -> bool:
        """Whether nothing is to be begun, because whoever takes the outcomes is behind."""
        if self._held_since is not None:
            self._bottleneck.held += now - self._held_since
        full = self._full()
        self._held_since = now if full else None
        return full

    def wake(self) -> None:
        """End a wait. May be called from any thread and from a signal handler."""
        self._transport.wake()

    def halt(self) -> None:
        """End ``run`` soon, whatever is in flight. May be called from any thread."""
        self._halted = True
        self._transport.wake()

    def close(self) -> None:
        """Stop reading, and cut what is still in flight."""
        self._transport.drain()
        if self._out:
            self._transport.abort()
        self._feed.close()
        self._memory.close(self._scheduler, self._clock.monotonic())

    @property
    def out_of_patience(self) -> bool:
        """Whether a stop was asked for so long ago, or so urgently, that nothing may be waited for any more.

        May be asked from any thread.
        """
        if not self._stop.asked:
            return False
        if self._stopped_at is None:
            self._stopped_at = self._clock.monotonic()
        return self._stop.now or self._clock.monotonic() >= self._stopped_at + GRACE

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

    def _submit(self, now: float) -> list[Outcome]:
        outcomes: list[Outcome] = []
        if self._is_full and now >= self._looked + HANGING:
            self._looked = now
            self._transport.discount_hanging()
        submitted = 0
        while self._has_room and len(outcomes) < AT_ONCE and submitted < SUBMITTED and not self._stop.asked:
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
                submitted += 1
                self._out += 1
                self._transport.submit(Work(decision, attempts))
        self._turn_over = submitted == SUBMITTED or len(outcomes) >= AT_ONCE
        return outcomes

    @property
    def _has_room(self) -> bool:
        return self._transport.in_flight < self._workers and self._out < self._most_out

    @property
    def _is_full(self) -> bool:
        """Whether nothing more may begin only because as many as may be are in flight."""
        return self._transport.in_flight >= self._workers and self._out < self._most_out

    @property
    def _idle(self) -> int:
        """How many leases more would be in flight, were there more to be asked for now."""
        return max(0, self._workers - self._transport.in_flight) if self._has_room else 0

    def _take_back(self, unbegun: Sequence[Unbegun]) -> list[Outcome]:
        """Take back what leases that are still out will not begin, and settle what they have."""
        now, wall = self._clock.monotonic(), self._clock.wall()
        outcomes: list[Outcome] = []
        for one in unbegun:
            lease = one.work.lease
            if not one.results:
                self._scheduler.shorten(lease, one.begun, now)
                continue
            self._forget(lease, len(one.results))
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
            results: Sequence[Result] = done.results
            if self._rest and (rest := self._rest.pop(id(done.work), None)) is not None:
                lease = rest
                if (
                    results
                    and not isinstance(results[0], Redirected)
                    and results[0].target is done.work.attempts[0].target
                ):
                    results = ()  # a bug cost the lease its end, and is told of a target that has a record already
            self._forget(lease, len(results))
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
            self._transport.drain()
            self._scheduler.drain()
            return self.out_of_patience or self._out == 0
        if self._scheduler.spent is not None or self.network_lost:
            return self._out == 0
        return self._feed.exhausted and self._scheduler.idle and self._out == 0

    def _patience(self, now: float) -> float:
        """Seconds that the loop may sleep unless a response, the reader or a signal wakes it."""
        if self._stopped_at is not None:
            return max(0.0, min(STOP_CHECK, self._stopped_at + GRACE - now))
        if self._held_since is not None:
            return IDLE
        if self._more or self._turn_over:
            return 0.0
        due: float | None = None
        if self._has_room:
            due = self._scheduler.wake_at(now)
        elif self._is_full:
            due = self._looked + HANGING
        due = self._memory.due if due is None else min(due, self._memory.due)
        return min(IDLE, max(0.0, due - now))

    # -- what ends without a request ---------------------------------------------------------------

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
            busy=min(self._transport.in_flight, self._workers),
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
            grace=None if self._stopped_at is None else max(0.0, self._stopped_at + GRACE - now),
            slowest=tuple(scheduler.slowest(now, SLOWEST)) if last else (),
            largest=self._largest_hosts(now, last=last),
        )

    def _largest_hosts(self, now: float, *, last: bool) -> tuple[HostRow, ...]:
        if self._most_largest and (last or now - self._surveyed >= SURVEY_EVERY):
            self._surveyed = now
            self._largest = tuple(self._scheduler.largest(now, self._most_largest))
        return self._largest


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
