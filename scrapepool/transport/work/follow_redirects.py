"""One attempt from host to host, without a scheduler that queues redirects: a chain of leases.

Decides only that the next lease goes where the redirect leads.
"""

from __future__ import annotations

from ...model import Attempt, Redirected
from ...ports import Done, Work
from ...schedule.lease import Lease
from ..net.steps import Resume
from .context import LeaseContext
from .lease import RunningLease


class FollowRedirects:
    """Fetches an attempt, redirects to other hosts included. Keeps ``loop.Chain``."""

    def __init__(self, context: LeaseContext, attempt: Attempt) -> None:
        self._context = context
        self._attempt = attempt
        self._resume: Resume = lambda: None

    def first(self, resume: Resume) -> RunningLease:
        """The lease on the attempt's own host."""
        self._resume = resume
        return self._run(self._attempt)

    def next(self, done: Done) -> RunningLease | Done:
        """The lease on the host that a redirect leads to; the end where there is none, whose result is no redirect."""
        result = done.results[0] if done.results else None
        return self._run(result.attempt) if isinstance(result, Redirected) else done

    def _run(self, attempt: Attempt) -> RunningLease:
        return RunningLease(self._context, Work(Lease(attempt.host, attempt=attempt), [attempt]), self._resume)
