"""A chain of leases that follows the redirects of one attempt to other hosts, without a scheduler.

Decides only that the next lease is on the host that the redirect leads to.
"""

from __future__ import annotations

from ...model import Attempt, Redirected
from ...ports import Done, Work
from ...schedule.lease import Lease
from ..net.steps import Resume
from .context import LeaseContext
from .lease import RunningLease


class FollowRedirects:
    """Fetches an attempt and follows its redirects to other hosts. Implements ``task.Chain``."""

    def __init__(self, context: LeaseContext, attempt: Attempt) -> None:
        self._context = context
        self._attempt = attempt
        self._resume: Resume = lambda: None

    def first(self, resume: Resume) -> RunningLease:
        """Return the lease on the attempt's own host."""
        self._resume = resume
        return self._run(self._attempt)

    def next(self, done: Done) -> RunningLease | Done:
        """Return the lease on the host that a redirect leads to, or the ``Done`` if the result is no redirect."""
        result = done.results[0] if done.results else None
        return self._run(result.attempt) if isinstance(result, Redirected) else done

    def _run(self, attempt: Attempt) -> RunningLease:
        return RunningLease(self._context, Work(Lease(attempt.host, attempt=attempt), [attempt]), self._resume)
