"""What a target waited for and what its attempts came to, if records are to show it.

Decides what is kept of an attempt. It changes no decision of the scheduler, and costs nothing if it is not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf

from ...model import AttemptRecord, Redirected, Result, Skipped, Step, Wait, WaitReason, error_of
from ..lease import Lease
from .host_queue import HostQueue
from .pending import PendingAttempt
from .wait_spans import WaitSpans, divide_wait


class TraceRecorder:
    """Tells histories for one run; all times are monotonic seconds.

    outage: when the network looked down. began: when the run began to hand out.
    """

    def __init__(self) -> None:
        self.outage = WaitSpans()
        self._began: float | None = None
        self._down = False

    def note_network(self, now: float, *, down: bool) -> None:
        """Take note of whether the network looks down; called before anything is handed out."""
        if self._began is None:
            self._began = now
        if down and not self._down:
            self.outage.add(WaitReason.OUTAGE, now, inf)
        elif self._down and not down:
            self.outage.end(WaitReason.OUTAGE, now)
        self._down = down

    def waits_of_fresh(self, queue: HostQueue, now: float) -> tuple[Wait, ...]:
        """What a fresh target of a host waited for since the run began."""
        return self._divide(queue, -inf, now, now - (now if self._began is None else self._began))

    def waits_of_attempt(self, queue: HostQueue, pending: PendingAttempt[HostQueue], now: float) -> tuple[Wait, ...]:
        """What an attempt waited for: its own pause first, then its host."""
        due = min(pending.due, now)
        own = divide_wait(due - pending.since, (), pending.why)
        return own + self._divide(queue, due, now, now - due)

    def record(self, lease: Lease, results: Sequence[Result], now: float, wall: float) -> list[Result]:
        """The results with their histories up to now. wall: Unix time of ``now``."""
        return [self._record(lease, result, now, wall) for result in results]

    def _record(self, lease: Lease, result: Result, now: float, wall: float) -> Result:
        if lease.attempt is None:
            steps: tuple[Step, ...] = lease.waits
            started = result.attempt.started if isinstance(result, Redirected) else result.started
        else:
            steps = lease.attempt.history or ()
            started = wall - (now - lease.since)
        if isinstance(result, Redirected):
            return result._replace(attempt=replace(result.attempt, history=(*steps, _hop(result, started))))
        if isinstance(result, Skipped):  # by robots.txt, or for its address: nothing was asked
            return replace(result, history=steps)
        attempt = AttemptRecord(
            number=result.attempts,
            url=result.final_url or result.target.url,
            started=started,
            elapsed=result.elapsed,
            status=result.status,
            error=error_of(result),
            detail=result.detail,
            remote=result.remote,
            reused=result.reused,
            timings=result.timings,
            retry_after=None if result.retry is None else result.retry.after,
        )
        return replace(result, history=(*steps, attempt))

    def _divide(self, queue: HostQueue, since: float, now: float, seconds: float) -> tuple[Wait, ...]:
        reasons = [] if queue.wait_spans is None else [*queue.wait_spans.within(since, now)]
        reasons += self.outage.within(since, now)
        return divide_wait(seconds, reasons, WaitReason.DELAY if queue.delay else WaitReason.TURN)


def _hop(result: Redirected, started: float | None) -> AttemptRecord:
    attempt = result.attempt
    hop = attempt.hop
    assert hop is not None  # noqa: S101 - that is what a redirect is
    return AttemptRecord(
        number=attempt.number,
        url=hop.redirects[-1],
        started=started,
        elapsed=result.elapsed,
        status=hop.hops[-1].status if hop.hops else None,
        redirected_to=hop.url,
    )
