"""The loop that owns the scheduler: it carries values between the stages, and decides nothing else.

One thread runs it. It takes targets from the reader and results from the transport, gets from the scheduler the leases
that may start, submits them to the transport, and yields final outcomes. The consumer of these outcomes sets the pace:
while it takes none, the engine submits nothing new. So the responses that are fetched and not yet written are bounded
by the requests that were in flight.

This file is long because the steps of one round of the loop share its state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from .model import Attempt, Deferred, ErrorKind, Failed, Outcome, Redirected, Result, Skipped, Target
from .ports import (
    LEASES_OUT,
    Archive,
    Clock,
    Controls,
    Done,
    Feed,
    HostMemory,
    ListRequests,
    NoMemory,
    Snapshot,
    Transport,
    Unbegun,
    View,
    Work,
)
from .schedule.forecast.bottleneck import Bottleneck
from .schedule.lease import Lease, Refusal
from .schedule.pause import Pause
from .schedule.robots import Rules
from .schedule.scheduler import Scheduler
from .schedule.tally import HostRow
from .text import brief

GRACE = 5.0  # seconds that requests in flight may take after a stop was requested
STOP_CHECK = 0.1  # seconds between two checks of the grace period while the run is stopping
MAX_BATCHES = 8  # batches of the reader that are taken in one round
READ_SHARE = 0.1  # share of the loop's time in which batches of the reader are taken while all workers are busy
READ_SLICE = 0.005  # seconds after which no further batch is taken in a round while they are
MAX_OUTCOMES = 1000  # outcomes that are gathered before they are yielded
SLOWEST_HOSTS = 5  # slow hosts that the last snapshot names
LARGEST_EVERY = 5.0  # seconds between two searches for the largest hosts; with 50,000 hosts one takes 25 ms
MAX_SUBMITTED = 64  # leases that are submitted in one round, so that those in flight do not wait for long
HANG_CHECK = 0.25  # seconds between two checks for hanging leases while the limit of leases in flight is reached
MAX_SLEEP = 1.0  # seconds that the loop sleeps at most, so that clocks on the screen move


class Stop:
    """Whether and how a run is to end early. Signal handlers set it, and the engine reads it.

    requested: the engine must begin nothing more. now: it must not wait for anything in flight either.
    wake: a function that ends the engine's sleep.
    """

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        self.requested = self.now = False
        self.wake = wake

    def request(self) -> None:
        """Request a stop; a second request stops the run at once. May be called from a signal handler."""
        self.now = self.requested
        self.requested = True
        self.wake()


class Engine:
    """One run over one scheduler.

    workers: maximum number of leases in flight.
    lists: the lists by URL that the reader waits for.
    most_out: maximum number of leases in flight, quarantined or hanging; None for the same number as ``workers``.
    full: returns whether so many outcomes wait for the consumer that nothing must be begun.
    gather: seconds for which outcomes are gathered before they are yielded together.
    largest: number of hosts that a snapshot names as the largest.
    controls: what a person changes while the run goes on.
    all_hosts: whether the last snapshot has all hosts.
    """

    def __init__(
        self,
        *,
        scheduler: Scheduler,
        feed: Feed,
        lists: ListRequests,
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
        controls: Controls | None = None,
        all_hosts: bool = False,
    ) -> None:
        self._scheduler = scheduler
        self._tally = scheduler.tally
        self._feed = feed
        self._lists = lists
        self._transport = transport
        self._view = view
        self._clock = clock
        self._memory = memory or NoMemory()
        self._workers = workers
        self._most_out = most_out or workers
        self._stop = stop
        self._controls = controls or Controls()
        self._full = full
        self._gather = gather
        self._most_largest = largest
        self._all_hosts = all_hosts
        self._largest: tuple[HostRow, ...] = ()
        self._largest_at = float("-inf")  # monotonic time when these were found
        self._halted = False
        self._full_since: float | None = None  # monotonic time of the last round, if ``full`` returned True in it
        self._out = 0  # leases that were submitted and have not ended
        self._lists_out = 0  # those of them that are on lists
        self._hang_checked_at = float("-inf")  # monotonic time
        self._submits_more = False  # the last round ended at a limit, so the next one must follow at once
        self._remainders: dict[int, Lease] = {}  # by the id of a work: the lease of its targets that have no result yet
        self._feed_has_more = False  # the reader may have another batch already
        self._read_from = float("-inf")  # monotonic time from which batches are taken while all workers are busy
        self._is_busy = False  # all workers had work at the end of the last round
        self._looked_up: dict[int, Target | Skipped] = {}  # by ticket, until its result comes: a feed returns each once
        self._began = clock.monotonic()
        self._ended_at: float | None = None  # monotonic time when ``run`` ended
        self._pause = Pause()
        self._bottleneck = Bottleneck(self._began, clock.cpu())
        self._shown_at = float("-inf")  # monotonic time of the last snapshot
        self._stopped_at: float | None = None  # monotonic time when ``GRACE`` began

    def run(self, archive: Archive | None = None) -> Iterator[Sequence[Outcome]]:
        """Yield final outcomes, in order of completion, until every target has one or a stop was requested.

        If nothing ended for ``MAX_SLEEP`` seconds, yield an empty sequence: the consumer may have records to flush.
        archive: gets the exchanges that led to an outcome, before that is yielded. Raises what ``archive`` raises.
        """
        self._began = self._clock.monotonic()  # earlier records may have been read for minutes
        self._bottleneck = Bottleneck(self._began, self._clock.cpu())
        try:
            yield from self._rounds(archive)
        finally:
            self._ended_at = self._clock.monotonic()  # outputs may be closed for minutes

    def _rounds(self, archive: Archive | None) -> Iterator[Sequence[Outcome]]:
        gathered: list[Outcome] = []
        yielded_at = self._clock.monotonic()
        while not self._halted:
            now = self._clock.monotonic()
            self._follow_controls(now)
            if now >= self._memory.due:
                self._memory.exchange(self._scheduler, now)
            if not self._is_behind(now):
                gathered += self._read()
                gathered += self._submit(now)
            self._show(now)
            over = self._is_over()
            if gathered and (over or now >= yielded_at + self._gather or len(gathered) >= MAX_OUTCOMES):
                yield from self._yield_measured(gathered)
                gathered, yielded_at = [], self._clock.monotonic()  # the consumer may have taken hours
            if over:
                return
            timeout = self._max_sleep(now)
            back = self._transport.wait(min(timeout, self._gather) if gathered else timeout)
            if back:
                gathered += self._settle_all(back, archive)
            elif not gathered:
                yield ()

    def _follow_controls(self, now: float) -> None:
        """Pause, go on, or change the number of workers, if a person said so."""
        controls = self._controls
        self._pause.follow(controls.paused, now)
        if controls.workers is not None and controls.workers != self._workers:
            self._workers = controls.workers
            self._most_out = max(self._workers, min(LEASES_OUT * self._workers, controls.most_workers))

    def _settle_all(self, back: Sequence[Done | Unbegun], archive: Archive | None) -> list[Outcome]:
        """Settle what the transport returned, and return the outcomes that are final."""
        done = [one for one in back if isinstance(one, Done)]
        unbegun = [one for one in back if isinstance(one, Unbegun)]
        self._out -= len(done)
        if archive is not None:
            transcripts = [one for part in back if not part.work.lease.probe for one in part.transcripts]
            if transcripts:
                archive.keep(transcripts)
        outcomes = self._settle_unbegun(unbegun) if unbegun else []
        return outcomes + self._settle_done(done)

    def _is_behind(self, now: float) -> bool:
        """Return whether nothing must be begun because the consumer of the outcomes is behind."""
        if self._full_since is not None:
            self._bottleneck.held += now - self._full_since
        full = self._full()
        self._full_since = now if full else None
        return full

    def wake(self) -> None:
        """End the engine's sleep. May be called from any thread and from a signal handler."""
        self._transport.wake()

    def halt(self) -> None:
        """End ``run`` soon, even if requests are in flight. May be called from any thread."""
        self._halted = True
        self._transport.wake()

    def close(self) -> None:
        """Stop reading, and abort the requests that are still in flight."""
        self._transport.drain()
        if self._out:
            self._transport.abort()
        self._lists.close()
        self._feed.close()
        self._memory.close(self._scheduler, self._clock.monotonic())

    @property
    def must_end_now(self) -> bool:
        """Whether a stop was requested twice, or longer ago than the grace period, so that nothing is waited for.

        May be read from any thread.
        """
        if not self._stop.requested:
            return False
        if self._stopped_at is None:
            self._stopped_at = self._clock.monotonic()
        return self._stop.now or self._clock.monotonic() >= self._stopped_at + GRACE

    @property
    def network_lost(self) -> bool:
        """Whether the network has seemed down for longer than the run waits for it."""
        outage = self._scheduler.outage
        return outage is not None and self._pause.is_waited_out(outage.since, outage.until, self._clock.monotonic())

    @property
    def lost(self) -> str | None:
        """Why nothing more could be fetched, if another run may succeed: the network or a proxy failed. Else None."""
        if self._scheduler.lost:
            return self._scheduler.spent
        outage = self._scheduler.outage
        return outage.lost if outage is not None and self.network_lost else None

    @property
    def spent(self) -> str | None:
        """The limit of the run that was reached; None if none was."""
        return self._scheduler.spent

    # -- the steps of the loop ---------------------------------------------------------------------

    def _read(self) -> list[Outcome]:
        """Take batches of the reader. While all workers are busy, take few, and so slow the reader down too."""
        outcomes: list[Outcome] = []
        if not self._stop.requested and (wanted := self._lists.take()) is not None:
            self._scheduler.add_list(wanted, self._clock.monotonic())
        began = self._clock.monotonic()
        if self._is_busy and began < self._read_from:
            self._feed_has_more = True
            return outcomes
        for _ in range(MAX_BATCHES):
            batch = None if self._stop.requested else self._feed.poll()
            self._feed_has_more = batch is not None
            if batch is None:
                break
            for host, tickets in batch.added.items():
                self._scheduler.add(host, tickets)
            for outcome in batch.rejected:
                self._tally.count(outcome)
            outcomes += batch.rejected
            took = self._clock.monotonic() - began
            self._read_from = began + min(took / READ_SHARE, MAX_SLEEP)
            if self._is_busy and took >= READ_SLICE:
                break
        return outcomes

    def _submit(self, now: float) -> list[Outcome]:
        outcomes: list[Outcome] = []
        if self._pause.active:
            return outcomes
        if self._is_at_limit and now >= self._hang_checked_at + HANG_CHECK:
            self._hang_checked_at = now
            self._transport.discount_hanging()
        submitted = 0
        while (
            self._has_room and len(outcomes) < MAX_OUTCOMES and submitted < MAX_SUBMITTED and not self._stop.requested
        ):
            decision = self._scheduler.next(now)
            if decision is None:
                break
            if isinstance(decision, Refusal):
                outcomes += self._outcomes_of_refusal(decision, now)
                continue
            attempts, skipped = self._attempts(decision)
            if skipped:
                self._forget(decision, len(skipped))
                outcomes += self._scheduler.settle(decision, skipped, now, wall=self._clock.wall())
            else:
                submitted += 1
                self._out += 1
                self._lists_out += decision.of_list
                self._transport.submit(Work(decision, attempts))
        self._submits_more = submitted == MAX_SUBMITTED or len(outcomes) >= MAX_OUTCOMES
        self._is_busy = self._submits_more or not self._has_room
        return outcomes

    @property
    def _has_room(self) -> bool:
        return self._transport.in_flight < self._workers and self._out < self._most_out

    @property
    def _is_at_limit(self) -> bool:
        """Whether nothing more may begin, and only because ``workers`` leases are in flight."""
        return self._transport.in_flight >= self._workers and self._out < self._most_out

    @property
    def _free_workers(self) -> int:
        """How many more leases could be in flight if more targets might be requested now."""
        if self._pause.active:
            return 0
        return max(0, self._workers - self._transport.in_flight) if self._has_room else 0

    def _settle_unbegun(self, unbegun: Sequence[Unbegun]) -> list[Outcome]:
        """Return to the scheduler the targets that leases will not begin, and settle the results of these leases."""
        now, wall = self._clock.monotonic(), self._clock.wall()
        outcomes: list[Outcome] = []
        for one in unbegun:
            lease = one.work.lease
            if not one.results and not one.again:
                self._scheduler.shorten(lease, one.begun, now)
                continue
            self._forget(lease, len(one.results))
            final, self._remainders[id(one.work)] = self._scheduler.split(
                lease, one.begun, one.results, now, wall=wall, use=one.use, again=one.again
            )
            outcomes += final
        return outcomes

    def _settle_done(self, back: Sequence[Done]) -> list[Outcome]:
        now, wall = self._clock.monotonic(), self._clock.wall()
        outcomes: list[Outcome] = []
        for done in back:
            lease = done.work.lease
            if lease.robots:
                self._scheduler.settle_robots(lease.host, done.robots, now, elapsed=done.elapsed, use=done.use)
                continue
            if lease.of_list:
                self._lists_out -= 1
                self._lists.end(self._scheduler.settle(lease, done.results, now, wall=wall, use=done.use))
                continue
            results: Sequence[Result] = done.results
            if self._remainders and (remainder := self._remainders.pop(id(done.work), None)) is not None:
                lease = remainder
                if (
                    results
                    and not isinstance(results[0], Redirected)
                    and results[0].target is done.work.attempts[0].target
                ):
                    results = ()  # a bug ended the lease, and it is reported for a target that has a record already
            self._forget(lease, len(results))
            outcomes += self._scheduler.settle(lease, results, now, wall=wall, use=done.use)
        return outcomes

    def _attempts(self, lease: Lease) -> tuple[list[Attempt], list[Skipped]]:
        """Return the attempts at a lease's first targets, and the outcomes of targets that must not be requested.

        If there are such outcomes, they come first, and the attempts do not count. What follows is for another lease.
        """
        rules = self._scheduler.rules_for(lease.host)
        if lease.attempt is not None:
            refused = None if rules is None or lease.of_list else _disallowed(lease.attempt, rules)
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
        """Drop the first ``begun`` targets, which have results; the other tickets will be leased again."""
        for ticket in lease.tickets[:begun]:
            self._looked_up.pop(ticket, None)

    def _yield_measured(self, outcomes: Sequence[Outcome]) -> Iterator[Sequence[Outcome]]:
        """Yield outcomes, and count the time that the consumer took."""
        yielded_at = self._clock.monotonic()
        yield outcomes
        self._bottleneck.held += self._clock.monotonic() - yielded_at

    def _show(self, now: float) -> None:
        if now - self._shown_at >= self._view.interval:
            self._shown_at = now
            self._view.show(self.snapshot())

    def _is_over(self) -> bool:
        if self._stop.requested:
            self._transport.drain()
            self._scheduler.drain()
            return self.must_end_now or self._out == self._lists_out
        if self._scheduler.spent is not None or self.network_lost:
            return self._out == self._lists_out
        return self._feed.exhausted and self._scheduler.idle and self._out == 0

    def _max_sleep(self, now: float) -> float:
        """Return for how many seconds the loop may sleep unless a response, the reader or a signal wakes it."""
        if self._stopped_at is not None:
            return max(0.0, min(STOP_CHECK, self._stopped_at + GRACE - now))
        if self._full_since is not None:
            return MAX_SLEEP
        if self._pause.active:
            return 0.0 if self._feed_has_more else MAX_SLEEP
        if self._submits_more or (self._feed_has_more and not self._is_busy):
            return 0.0
        due: float | None = None
        if self._has_room:
            due = self._scheduler.wake_at(now)
        elif self._is_at_limit:
            due = self._hang_checked_at + HANG_CHECK
        if self._feed_has_more:
            due = self._read_from if due is None else min(due, self._read_from)
        due = self._memory.due if due is None else min(due, self._memory.due)
        return min(MAX_SLEEP, max(0.0, due - now))

    # -- targets that end without a request -----------------------------------------------------------

    def _outcomes_of_refusal(self, refusal: Refusal, now: float) -> list[Outcome]:
        wall = self._clock.wall()
        refused: list[Attempt | Skipped] = [*refusal.attempts]
        for ticket in refusal.tickets:
            target = self._looked_up.pop(ticket, None) or self._feed.target(ticket)
            refused.append(target if isinstance(target, Skipped) else Attempt(target, history=refusal.waits))
        outcomes: list[Outcome] = []
        for one in refused:
            if isinstance(one, Skipped):
                outcomes.append(one)
            elif one.of_list:
                self._lists.end([refused_outcome(one, refusal, wall)])
            elif not self._scheduler.goes_on(one, refusal, now):
                outcomes.append(refused_outcome(one, refusal, wall))
        self._tally.count_refused(refusal.host, outcomes)
        return outcomes

    # -- the snapshot for a view ----------------------------------------------------------------------

    def snapshot(self, *, last: bool = False) -> Snapshot:
        """Return the state of the run at this moment. last: with the slowest hosts, for the end of the run."""
        now = self._clock.monotonic() if self._ended_at is None else self._ended_at
        tally, scheduler, controls = self._tally, self._scheduler, self._controls
        left = scheduler.queued + scheduler.parked + scheduler.out
        paused, paused_for = self._pause.active, self._pause.seconds(now)
        rate, byte_rate = tally.rates(now - paused_for, self._transport.receiving)
        forecast = scheduler.forecast(now, self._workers, idle=self._free_workers)
        forecast = self._bottleneck.correct(forecast, now, self._clock.cpu(), left=left, rate=rate)
        return Snapshot(
            elapsed=now - self._began,
            done=tally.done,
            total=tally.done + left,
            reading=not self._feed.exhausted,
            busy=min(self._transport.in_flight, self._workers),
            workers=self._workers,
            processes=self._transport.processes,
            parked=scheduler.parked,
            bytes=tally.bytes,
            outcomes=dict(tally.outcomes),
            errors=dict(tally.errors),
            requests=tally.requests,
            opened=tally.opened,
            retried=tally.retried,
            rate=rate,
            eta=None if paused else forecast.seconds,
            eta_reason=None if forecast.host is None else f"{forecast.host.netloc}: {forecast.reason}",
            outage=None if scheduler.outage is None else forecast.reason,
            hint=None if paused else forecast.hint,
            hosts=tuple(scheduler.rows(now, controls.rows, controls.query)),
            host_count=scheduler.host_count,
            grace=None if self._stopped_at is None else max(0.0, self._stopped_at + GRACE - now),
            slowest=tuple(scheduler.slowest(now, SLOWEST_HOSTS)) if last else (),
            largest=self._largest_hosts(now, last=last),
            byte_rate=byte_rate,
            matching=scheduler.matching(controls.query),
            paused=paused,
            paused_for=paused_for,
            latencies=tally.latencies.copy() if last else None,
            saved=tally.saved if last else 0.0,
            all_hosts=tuple(scheduler.largest(now, len(tally.hosts))) if last and self._all_hosts else (),
        )

    def _largest_hosts(self, now: float, *, last: bool) -> tuple[HostRow, ...]:
        if self._most_largest and (last or now - self._largest_at >= LARGEST_EVERY):
            self._largest_at = now
            self._largest = tuple(self._scheduler.largest(now, self._most_largest))
        return self._largest


def _disallowed(attempt: Attempt, rules: Rules) -> Skipped | None:
    """Return the outcome of an attempt whose next URL robots.txt disallows; None if the URL may be requested."""
    rule = rules.refusing(attempt.target.path if attempt.hop is None else attempt.hop.path)
    if rule is None:
        return None
    ended = attempt.ended(f"robots.txt of {attempt.host.netloc}: Disallow: {brief(rule)}")
    return Skipped(**ended, error=ErrorKind.ROBOTS)


def refused_outcome(attempt: Attempt, refusal: Refusal, wall: float) -> Outcome:
    """Return the outcome of a target whose host the scheduler refuses to request."""
    ended = attempt.ended(refusal.detail)
    if refusal.not_before is not None:
        return Deferred(**ended, not_before=wall + refusal.not_before)
    error = refusal.error or ErrorKind.CIRCUIT_OPEN
    end = Skipped if error is ErrorKind.ROBOTS_UNREACHABLE else Failed
    return end(**ended, error=error)
