"""What follows from a lease that comes back: final outcomes, retries, and what they say about the host.

Decides which results are final, and counts them. The failure policy decides what failures mean. Time is an argument.
The file exceeds 300 lines by its signatures: all ways back of a lease keep the same counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..model import (
    Attempt,
    ErrorKind,
    Failed,
    Fetched,
    HostKey,
    Outcome,
    Redirected,
    Result,
    Skipped,
)
from .failures.outcome_facts import is_success
from .health.circuit_breaker import cause_of
from .http_fallback import FALLS_BACK, HttpFallback, falls_back
from .lease import NO_USE, ConnectionUse, Lease, Refusal
from .queue.host_queue import HostQueue
from .robots import ROBOTS_FIRST, RobotsVerdict
from .run_state import RunState


class Settlement:
    """Takes the leases of one run back.

    fallback: how bare names are requested over http, None if they are not. verifies: whether a page may be requested a
    second time, to see whether its host is up.
    """

    def __init__(self, run: RunState, fallback: HttpFallback | None, *, verifies: bool) -> None:
        self._run = run
        self._fallback = fallback
        self._verifies = verifies
        self._shortened: dict[int, int] = {}  # targets left, by the identity of a lease in flight

    def settle(
        self,
        lease: Lease,
        results: Sequence[Result],
        now: float,
        *,
        wall: float,
        use: ConnectionUse = NO_USE,
    ) -> list[Outcome]:
        """Take a lease back, and return the final outcomes among its results.

        results: in the lease's order; if there are fewer, the rest returns to the front unbegun. wall: Unix time.
        """
        run = self._run
        run.now = now
        results = results if run.recorder is None else run.recorder.record(lease, results, now, wall)
        tally, hosts = run.tally, run.hosts
        queue = hosts.begun[lease.host]
        row = queue.tally
        size, begun = len(lease), len(results)
        if self._shortened:
            size = self._shortened.pop(id(lease), size)
        run.in_flight -= 1
        run.out -= size
        queue.out -= 1
        hosts.unanswered -= not queue.answered
        row.idle = use.idle
        if lease.attempt is not None and (lease.probe or lease.attempt.of_list):
            return self._settle_uncounted(queue, lease, lease.attempt, results, use, now, wall)
        queue.retrying -= lease.attempt is not None and lease.attempt.hop is None
        row.opening += use.opening
        alarmed = self._note_latencies(queue, results, size - begun, use, now)
        if begun < size:
            self._return_unbegun(queue, lease, begun, size, now)
        done = tally.done
        final: list[Outcome] = []
        others: list[Result] = []  # failures, hops, skips: a fetcher ends a lease at the first
        received = 0
        for result in results:
            if (
                isinstance(result, Fetched)
                and result.retry is None
                and result.status is not None
                and result.status < 400
            ):
                received += result.wire_bytes
                final.append(result)
            elif is_success(result):
                row.errors += tally.count(result)
                final.append(result)
                run.failure_policy.host.apply_rate_limit(queue, lease, result, now, wall)
            else:
                others.append(result)
        tally.count_ok(len(final) - (tally.done - done), received)
        self._note_responses(queue, lease, final, others, now)
        if alarmed:
            run.failure_policy.host.on_latency_alarm(queue, lease, results, now)
        if others:
            final += self._settle_others(queue, lease, others, use.requests, now, wall)
        if lease is run.probe:
            self._end_outage_probe(begun, now)
        if lease.attempt is None:
            row.done += len(final)
        elif final and (own := tally.hosts.get(lease.attempt.target.host)) is not None:
            own.done += 1
        hosts.place(queue, now)
        return final

    def split(
        self,
        lease: Lease,
        begun: int,
        results: Sequence[Result],
        now: float,
        *,
        wall: float,
        use: ConnectionUse = NO_USE,
        again: int = 0,
    ) -> tuple[list[Outcome], Lease]:
        """Settle what a lease has so far, whose request takes long; and the lease of that request, which goes on.

        begun: how many of its targets, the first so many, were begun; more than there are results. again: how many
        behind the results are to be requested again. These, and what is not begun, go to the front, for the host's
        other slots. Else as ``settle``.
        """
        run = self._run
        final = self.settle(lease, results, now, wall=wall, use=use)
        queue = run.hosts.begun[lease.host]
        tickets = queue.take(begun - len(results))
        rest = replace(lease, tickets=tickets[again:])
        if again:
            queue.repeat(tickets[:again])
        size = len(rest)
        run.queued -= size
        if run.quota is not None:
            run.quota.fresh -= size
        run.hosts.unanswered += not queue.answered
        run.out += size
        run.in_flight += 1
        queue.out += 1
        run.hosts.place(queue, now)
        return final, rest

    def _note_latencies(
        self, queue: HostQueue, results: Sequence[Result], unbegun: int, use: ConnectionUse, now: float
    ) -> bool:
        """Take in how long a lease's requests took; return True if the host has become slower."""
        run = self._run
        elapsed: list[float] = []
        failed = False
        for result in results:
            if result.elapsed > 0:
                elapsed.append(result.elapsed)
            if type(result) is Failed:
                failed = True
        run.tally.settle(queue.tally, elapsed, use.opened, use.requests, now)
        run.tally.latencies.add_all(elapsed)
        run.hosts.update_typical()
        if failed:  # a timeout says nothing of what the host takes
            elapsed = [result.elapsed for result in results if result.elapsed > 0 and type(result) is not Failed]
        return queue.latency.update(queue.tally, elapsed, unbegun, use.delayed)

    def _note_responses(
        self, queue: HostQueue, lease: Lease, final: Sequence[Outcome], others: Sequence[Result], now: float
    ) -> None:
        """Take in the responses of a host, if there were any."""
        run = self._run
        responses = len(final) + sum(type(result) is Redirected for result in others) if others else len(final)
        queue.responses += responses
        if queue.advertised is not None and queue.advertised.is_over(now):
            queue.update_limits()
        if final and lease.attempt is None and self._verifies:
            last = final[-1]
            if (last.status or 0) < 400 and (last.target.request is None or last.target.request.plain):
                queue.good = run.good = last.target
        if queue.health is not None or not queue.answered or run.guard.alert or run.proxy.alert:
            failed = bool(others) and any(
                not isinstance(result, Redirected) and cause_of(result) is not None for result in others
            )
            run.failure_policy.on_success(queue, lease, responses, now, failed=failed)

    def shorten(self, lease: Lease, begun: int, now: float) -> None:
        """Take the targets of a lease back that it will not begin, while the request that it is at goes on.

        begun: how many of its targets, the first so many, it keeps; ``settle`` expects results for these only. The
        others go to the front, for the host's other slots.
        """
        run = self._run
        run.now = now
        size = self._shortened.get(id(lease), len(lease))
        if lease.attempt is not None or begun >= size:
            return
        queue = run.hosts.begun[lease.host]
        self._shortened[id(lease)] = begun
        run.out -= size - begun
        self._return_unbegun(queue, lease, begun, size, now)
        run.hosts.place(queue, now)

    def settle_robots(
        self,
        host: HostKey,
        verdict: RobotsVerdict | None,
        now: float,
        *,
        elapsed: float = 0.0,
        use: ConnectionUse = NO_USE,
    ) -> None:
        """Take a lease on a host's robots.txt back; ``robots`` says what the verdict does. None: it was not begun."""
        run = self._run
        run.now = now
        queue = run.hosts.begun[host]
        gate = queue.gate
        if gate is None or not gate.asked:
            raise ValueError(f"no lease on the robots.txt of {host} is out")
        run.in_flight -= 1
        queue.out -= 1
        run.hosts.unanswered -= not queue.answered
        queue.tally.idle = use.idle
        since, gate.asked = gate.since, False
        queue.tally.opening += use.opening
        run.tally.settle(queue.tally, (elapsed,) if elapsed else (), use.opened, use.requests, now)
        run.proxy.others = run.in_flight
        if verdict is not None:
            run.failure_policy.robots.on_robots(queue, gate, verdict, since, now)
            if run.host_states is not None and verdict.unreachable is None:
                run.host_states.memory.keep_robots(host, verdict, now)
        if run.probe is not None and run.probe.robots and run.probe.host == host:
            self._end_outage_probe(0 if verdict is None else 1, now)
        run.hosts.place(queue, now)

    def _settle_uncounted(
        self,
        queue: HostQueue,
        lease: Lease,
        attempt: Attempt,
        results: Sequence[Result],
        use: ConnectionUse,
        now: float,
        wall: float,
    ) -> list[Outcome]:
        """Take a lease back whose attempt is not at a target: a probe or a list. Its latency says nothing of pages."""
        run = self._run
        run.tally.settle(queue.tally, (), use.opened, use.requests, now)
        final: list[Outcome] = []
        if attempt.of_list:
            final = self._settle_list(queue, lease, attempt, results, now, wall)
        else:
            self._settle_probe(queue, lease, results, now)
        if lease is run.probe:
            self._end_outage_probe(len(results), now)
        run.hosts.place(queue, now)
        return final

    def _settle_probe(self, queue: HostQueue, lease: Lease, results: Sequence[Result], now: float) -> None:
        """Take in the results of a probe, which are no target's outcome."""
        if queue.health is not None and queue.health.test is not None:
            queue.health.test.out = False
        for result in results:
            if isinstance(result, Skipped):
                queue.good = None
            else:
                self._run.failure_policy.host.on_probe_result(queue, lease, result, now)

    def _settle_list(
        self, queue: HostQueue, lease: Lease, attempt: Attempt, results: Sequence[Result], now: float, wall: float
    ) -> list[Outcome]:
        """Take in the results of a lease on a list, which is retried, and tells of its host, as a target does."""
        run, policy = self._run, self._run.failure_policy
        queue.retrying -= attempt.hop is None
        if not results:
            run.hosts.put_first(attempt, queue, now)
        final: list[Outcome] = []
        for result in results:
            if isinstance(result, Redirected):
                run.hosts.put_first(result.attempt, queue, now)
                policy.on_success(queue, lease, 1, now, failed=False)
            elif is_success(result):
                policy.host.apply_rate_limit(queue, lease, result, now, wall)
                policy.on_success(queue, lease, 1, now, failed=False)
                final.append(result)
            elif isinstance(result, Skipped):
                final.append(result)
            else:
                run.proxy.others = run.in_flight
                outcome = policy.decide(queue, lease, result, now, wall)
                final += [] if outcome is None else [outcome]
        return final

    def _settle_others(
        self, queue: HostQueue, lease: Lease, others: Sequence[Result], requests: int, now: float, wall: float
    ) -> list[Outcome]:
        """Settle failures, redirects and skipped targets, and return the final outcomes among them."""
        run = self._run
        tally, row = run.tally, queue.tally
        final: list[Outcome] = []
        run.proxy.others = run.in_flight
        for result in others:
            if isinstance(result, Redirected):
                run.hosts.put_first(result.attempt, queue, now)
                continue
            if (onward := self._over_http(lease, result)) is not None:
                run.hosts.put_first(onward, queue, now)
                continue
            outcome: Outcome | None = result
            if not isinstance(result, Skipped):
                outcome = run.failure_policy.decide(queue, lease, result, now, wall)
            elif result.error is ErrorKind.ROBOTS:
                row.disallowed += 1
            if outcome is None:
                row.errors += 1
                tally.repeat(result)
                continue
            row.errors += tally.count(outcome)
            final.append(outcome)
        if not requests and len(final) == len(lease) and all(isinstance(outcome, Skipped) for outcome in final):
            self._undo_start(queue, lease)
        return final

    def _over_http(self, lease: Lease, result: Result) -> Attempt | None:
        """Return the attempt over http that follows a result, None if there is none."""
        if self._fallback is None or not isinstance(result, Failed) or not falls_back(result):
            return None
        before = lease.attempt or Attempt(result.target)
        attempt = replace(before, started=result.started, history=result.history)
        return self._fallback.over_http(attempt, result.detail, result.elapsed)

    def goes_on(self, attempt: Attempt, refusal: Refusal, now: float) -> bool:
        """Whether a refused attempt goes on over http instead; then it is queued there."""
        run = self._run
        onward = None
        if self._fallback is not None and refusal.error in FALLS_BACK:
            onward = self._fallback.over_http(attempt, refusal.detail.removesuffix(f"; {ROBOTS_FIRST}"))
        if onward is None:
            return False
        queue = run.hosts.queue_of(onward.host, now)
        run.hosts.put_first(onward, queue, now)
        run.hosts.place(queue, now)
        if (own := run.tally.hosts.get(attempt.target.host)) is not None:
            own.done -= 1
        return True

    def _undo_start(self, queue: HostQueue, lease: Lease) -> None:
        """Give the start of a lease back that sent no request: it costs no delay."""
        run = self._run
        if queue.started == lease.since:
            queue.not_before = max(lease.since, queue.parked_until)
        if run.next_start == lease.since + run.spacing:
            run.next_start = lease.since

    def _return_unbegun(self, queue: HostQueue, lease: Lease, begun: int, size: int, now: float) -> None:
        run = self._run
        if lease.attempt is not None:
            run.hosts.put_first(lease.attempt, queue, now)
            return
        unbegun = lease.tickets[begun:size]
        queue.give_back(unbegun)
        run.queued += len(unbegun)
        if run.quota is not None:
            run.quota.fresh += len(unbegun)

    def _end_outage_probe(self, begun: int, now: float) -> None:
        run = self._run
        run.probe = None
        if begun and run.guard.down:
            run.guard.on_probe_failure(now)
