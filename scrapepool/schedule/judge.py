"""What one failing result comes to: for its target, for its host, and for the run.

Decides, with the policies, whether the target is asked for again, when, and at whose cost; whether its host is asked
less, parked, probed or given up; and whether it was the network. Successes never come here. Time, and the dice's throw
for the jitter, are arguments or handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

from ..model import Attempt, ErrorKind, Failed, Fetched, Outcome, Result, Unchanged, Why
from ..settings import PolitenessSettings, PoolSettings, RetryPolicy
from . import budget
from . import retry as again
from .breaker import GIVEN_UP_FOR, STRAIN, UNKNOWN, Cause, Verdict, cause_of
from .fallback import falls_back
from .host_queue import HostQueue
from .hosts import Hosts
from .lease import Lease
from .outage import OutageGuard, looks_down, site_of
from .robots import RobotsGate, RobotsVerdict
from .trouble import Trouble


@dataclass(slots=True)
class Suspect:
    """A failure that may turn out to be the network's: the host that was asked, and where the retry waits, if any.

    counted: whether that was taken off the budget for retries.
    """

    asked: HostQueue
    waits_at: HostQueue | None = None
    number: int = 0
    counted: bool = False


def is_answer(result: Result) -> TypeGuard[Fetched | Unchanged]:
    """Whether a result is final as it is and speaks well of its host, which may ask for a pause with it."""
    if isinstance(result, Unchanged):
        return True
    return isinstance(result, Fetched) and not again.may_help(result) and cause_of(result) is None


class Judge:
    """Judges failures. guard: the run's outage guard. retried: retries so far that count against the budget.

    fallback: whether bare names go on over http.
    """

    def __init__(
        self,
        hosts: Hosts,
        pool: PoolSettings,
        policy: RetryPolicy,
        politeness: PolitenessSettings,
        dice: Callable[[], float],
        *,
        fallback: bool = False,
    ) -> None:
        self.guard: OutageGuard[Suspect] = OutageGuard(policy.max_outage)
        self.retried = 0
        self._hosts = hosts
        self._policy = policy
        self._max_crawl_delay = politeness.max_crawl_delay
        self._dice = dice
        self._fallback = fallback
        self._adapt = pool.pace == "auto"

    def heard(self, queue: HostQueue, lease: Lease, answers: int, now: float) -> None:
        """Take in answers of a host to a lease; none are news where it never failed and nobody does."""
        if not answers:
            return
        if not queue.answered:
            queue.answered = True
            self.guard.met()
        if self.guard.alert:
            self.guard.answered(lease.since)
        trouble = queue.trouble
        if trouble is not None:
            if trouble.answered(answers, lease.since):
                queue.trouble = None
            queue.set_limits()
            queue.reopen(now)

    def heed(self, queue: HostQueue, answer: Fetched | Unchanged, now: float) -> None:
        """Leave a host alone that asks for it with an answer: it was the last one of what a limit allows.

        Not for longer than ``max_park``, as it is no refusal, and not at all where the pace is fixed.
        """
        after = again.asked_to_wait(answer)
        if after and self._adapt:
            queue.park(now + min(after, self._policy.max_park))

    def alarmed(self, queue: HostQueue, lease: Lease, results: Sequence[Result], now: float) -> None:
        """A host's mean latency has risen. Less is asked of it, unless it is the bodies that take their time."""
        first = [result.timings.ttfb for result in results if isinstance(result, Fetched) and result.timings]
        waits = [ttfb for ttfb in first if ttfb is not None]
        if waits and sum(waits) / len(waits) <= queue.alarm:
            return
        trouble = self._trouble(queue)
        if trouble.pace is not None:
            trouble.pace.strained(lease.since, now)
        queue.get_used_to()
        queue.set_limits()

    def robots(self, queue: HostQueue, gate: RobotsGate, verdict: RobotsVerdict, since: float, now: float) -> None:
        """Take in what came of a host's robots.txt. ``queue`` is placed by the caller."""
        queue.hold(Why.ROBOTS, since, now)
        queue.row.asked_robots = True
        if verdict.unreachable is None:
            self._obey(queue, verdict, since)
            if not queue.answered:
                queue.answered = True
                self.guard.met()
            if self.guard.alert:
                self.guard.answered(since)
            return
        queue.row.robots = "unreachable"
        if verdict.failure is not None and looks_down(verdict.failure):
            if self.suspect(Suspect(queue), now):
                self.guard.refunded += 1
                return
        elif self.guard.alert:
            self.guard.answered(since)
        after = verdict.after or 0.0
        if after > self._policy.max_park:
            queue.refuse(now + after, None)
            return
        ends = self._fallback and falls_back(verdict.failure)  # its bare names need not wait for http
        pause = None if ends else gate.failed(self._policy.retries)
        if pause is None and gate.older is not None:
            self._obey(queue, gate.older, since)
        elif pause is None:
            queue.refuse(now + GIVEN_UP_FOR, verdict.refusal())
        else:
            queue.park(now + max(pause, after))
            queue.hold(Why.ROBOTS, now, now + max(pause, after))

    def _obey(self, queue: HostQueue, verdict: RobotsVerdict, since: float) -> None:
        queue.obey(verdict, self._max_crawl_delay)
        if queue.floor:
            queue.not_before = max(queue.not_before, since + queue.floor)

    def judge(  # noqa: PLR0911, PLR0912 - the order of the questions is the policy
        self, queue: HostQueue, lease: Lease, outcome: Outcome, now: float, wall: float
    ) -> Outcome | None:
        """The final outcome, or None where the target is asked for again. ``queue`` is placed by the caller."""
        suspect = None
        if looks_down(outcome):
            suspect = Suspect(queue)
            if self.suspect(suspect, now) and again.may_help(outcome):
                self.guard.refunded += 1
                self._again(queue, lease, outcome, 0.0, now, refunded=True)
                return None
        elif self.guard.alert:
            self.guard.answered(lease.since)
        after = again.asked_to_wait(outcome)
        host_wide = outcome.status in again.HOST_WIDE and isinstance(outcome, Fetched)
        if after is not None and after > self._policy.max_park:
            if host_wide:
                queue.refuse(now + after, None)
            return again.deferred(outcome, lease.host, after, wall) if again.may_help(outcome) else outcome
        cause = cause_of(outcome)
        verdict = Verdict.COUNTED
        if cause is not None:
            if host_wide:
                verdict = self._refused(queue, lease, outcome, cause, after, now)
            else:
                verdict = self._failed(queue, lease, outcome, cause, now)
        elif queue.trouble is not None:
            was_open = queue.trouble.breaker.opened is not None
            queue.trouble.breaker.answered()
            queue.set_limits()
            if was_open:
                queue.reopen(now)
        if not again.may_help(outcome) or verdict is Verdict.GIVEN_UP:
            return outcome
        if verdict is Verdict.PROBED and (self._policy.retries or not host_wide):
            self._again(queue, lease, outcome, after or 0.0, now, refunded=True)
            return None
        if not again.may_repeat(self._policy, _made(lease, outcome)):
            return outcome
        counts = not host_wide and not (suspect is not None and queue.answered)
        if counts:
            share = self._policy.retry_budget
            for scope, retried, targets in (
                ("host", queue.retried, max(queue.row.total, queue.row.requests)),
                ("run", self.retried, self._hosts.known),
            ):
                if not budget.affordable(retried, targets, share):
                    detail = "; ".join(filter(None, (outcome.detail, budget.exhausted(scope, share))))
                    return replace(outcome, detail=detail)
            queue.retried += 1
            self.retried += 1
        waits_at, number = self._again(queue, lease, outcome, after, now)
        if suspect is not None:
            suspect.waits_at, suspect.number, suspect.counted = waits_at, number, counts
        return None

    def suspect(self, suspect: Suspect, now: float) -> bool:
        """Take in a failure that ``looks_down``; True while the network counts as down, from this one on at least.

        The host that was asked is placed by the caller.
        """
        guard, queue = self.guard, suspect.asked
        if not guard.down:
            new = not (queue.answered or queue.row.errors or (queue.gate and queue.gate.failures))
            if guard.failed(site_of(queue.key), suspect, now, answered=queue.answered, new=new):
                self._forgive(queue, now)
        return guard.down

    def _forgive(self, current: HostQueue, now: float) -> None:
        """Give back the attempts that the outage cost before it was found out, and what it made of the hosts.

        current: the host that is being settled; placed now, with its last target in nobody's books, it were forgotten.
        """
        for suspect in self.guard.take():
            queue = suspect.asked
            if queue.gate is not None:
                queue.gate.failures = 0
            if queue.trouble is not None:
                queue.trouble = None
                queue.set_limits()
                queue.reopen(now)
                if queue is not current:
                    self._hosts.place(queue, now)
            if suspect.waits_at is not None and self._hosts.refund(suspect.waits_at, suspect.number, now):
                self.guard.refunded += 1
                queue.retried -= suspect.counted
                self.retried -= suspect.counted

    def _refused(
        self, queue: HostQueue, lease: Lease, outcome: Outcome, cause: Cause, after: float | None, now: float
    ) -> Verdict:
        """The host said 429 or 503: it is parked, and asked less from then on."""
        trouble = self._trouble(queue)
        parked = trouble.parking.refused(after, lease.since, now, most=self._policy.max_park)
        queue.park(now + parked.wait)
        queue.hold(Why.RETRY_AFTER if after else Why.PARKED, now, now + parked.wait)
        verdict = Verdict.PROBED  # unless it is the first of its window, it is not this target's fault
        if parked.counts:
            if trouble.pace is not None:
                trouble.pace.refused(lease.since, now, out=queue.out + 1, wait=parked.wait)
            verdict = self._break(queue, trouble, lease, outcome, cause, now)
            if verdict is Verdict.COUNTED and trouble.parking.row > 1:
                verdict = Verdict.PROBED  # refused again, with no answer in between: nor is that
        queue.set_limits()
        return verdict

    def _failed(self, queue: HostQueue, lease: Lease, outcome: Outcome, cause: Cause, now: float) -> Verdict:
        """The host did not answer, or answered that it is broken."""
        trouble = self._trouble(queue)
        if cause in STRAIN and trouble.pace is not None:
            trouble.pace.strained(lease.since, now)
        verdict = self._break(queue, trouble, lease, outcome, cause, now)
        queue.set_limits()
        return verdict

    def _break(
        self, queue: HostQueue, trouble: Trouble, lease: Lease, outcome: Outcome, cause: Cause, now: float
    ) -> Verdict:
        breaker = trouble.breaker
        patience = self._policy.max_park if queue.answered else min(UNKNOWN, self._policy.max_park)
        verdict = breaker.failed(cause, _words(outcome, cause), lease.since, now, patience=patience)
        if breaker.opened is not None:
            queue.longest = 1
            queue.hold(Why.CIRCUIT, now, breaker.probe_at)
        if verdict is Verdict.GIVEN_UP:
            queue.refuse(now + GIVEN_UP_FOR, (ErrorKind.CIRCUIT_OPEN, breaker.why()))
            queue.trouble = None
        return verdict

    def _trouble(self, queue: HostQueue) -> Trouble:
        if queue.trouble is None:
            queue.trouble = Trouble(queue.most, self._policy.break_after, adapt=self._adapt)
        return queue.trouble

    def _again(
        self,
        queue: HostQueue,
        lease: Lease,
        outcome: Outcome,
        wait: float | None,
        now: float,
        *,
        refunded: bool = False,
    ) -> tuple[HostQueue, int]:
        """Let the target wait for its next attempt; wait: seconds, None for the policy's backoff."""
        made = _made(lease, outcome)
        why = Why.RETRY_AFTER if wait else Why.BACKOFF
        if wait is None:
            wait = again.backoff(self._policy, made, self._dice())
        waited = 0.0 if lease.attempt is None else lease.attempt.waited
        attempt = Attempt(
            outcome.target,
            made if refunded else made + 1,
            waited=waited,
            started=outcome.started,
            history=outcome.history,
        )
        return self._hosts.ask_later(attempt, wait, queue, now, why)


def _made(lease: Lease, outcome: Outcome) -> int:
    """Attempts made; the scheduler goes by its own count where an outcome tells a lower one."""
    return max(outcome.attempts, 1 if lease.attempt is None else lease.attempt.number)


def _words(outcome: Outcome, cause: Cause) -> str:
    """A failure in a few words, for the records of those that were not asked for because of it."""
    if isinstance(outcome, Failed):
        return f"{outcome.error}: {outcome.detail}" if outcome.detail else outcome.error
    return f"status {outcome.status}" if outcome.status else cause
