"""The attempts that wait at one host: lists, redirect hops, returned attempts and retries.

Decides their order: lists first, then urgent attempts, then retries in the order in which they come due. The host table
decides when a delayed attempt is released. Time is an argument.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from math import inf
from typing import Generic, NamedTuple, TypeVar

from ...model import Attempt, HostKey, WaitReason

Owner = TypeVar("Owner")


class PendingAttempt(NamedTuple, Generic[Owner]):
    """An attempt that waits. Times are monotonic seconds.

    since: when the wait began. due: from when the attempt may be leased. owner: the queue of the host that the target
    belongs to, None if that was forgotten. why: what the attempt waits for until ``due``.
    """

    attempt: Attempt
    since: float
    due: float
    owner: Owner | None
    why: WaitReason = WaitReason.TURN


class PendingAttempts(Generic[Owner]):
    """The pending attempts of one host. Each container is None before it is first needed.

    lists: attempts at lists that may go, for which the reader waits. They wait for no robots.txt.
    urgent: attempts that go before any fresh target: redirect hops, and leases that were returned.
    retries: attempts that are due; they go after the fresh targets. delayed: attempts that are not due, by number.
    """

    __slots__ = ("delayed", "lists", "retries", "urgent")

    def __init__(self) -> None:
        self.lists: deque[PendingAttempt[Owner]] | None = None
        self.urgent: deque[PendingAttempt[Owner]] | None = None
        self.retries: deque[PendingAttempt[Owner]] | None = None
        self.delayed: dict[int, PendingAttempt[Owner]] | None = None

    def __repr__(self) -> str:
        return f"<PendingAttempts: {len(self)} of them>"

    def __len__(self) -> int:
        return len(self.lists or ()) + len(self.urgent or ()) + self.retry_count

    def __bool__(self) -> bool:
        return bool(self.lists or self.urgent or self.retries or self.delayed)

    @property
    def retry_count(self) -> int:
        """Number of retries, due or not."""
        return len(self.retries or ()) + len(self.delayed or ())

    @property
    def list_count(self) -> int:
        """Number of attempts at lists, due or not."""
        return len(self.lists or ()) + sum(pending.attempt.of_list for pending in (self.delayed or {}).values())

    def put_first(self, pending: PendingAttempt[Owner]) -> None:
        """Put an attempt before all others: one at a list, a redirect hop, or one that was returned."""
        if pending.attempt.of_list:
            self.lists = self.lists or deque()
            self.lists.append(pending)
            return
        if self.urgent is None:
            self.urgent = deque()
        self.urgent.appendleft(pending)

    def add_retry(self, pending: PendingAttempt[Owner]) -> None:
        """Put an attempt after all others that are due, or before them if its page is not known to have failed."""
        if pending.attempt.of_list:
            self.put_first(pending)
            return
        if self.retries is None:
            self.retries = deque()
        earlier = pending.attempt.earlier
        if earlier is None or earlier.tries:
            self.retries.appendleft(pending)
        else:
            self.retries.append(pending)

    def delay(self, number: int, pending: PendingAttempt[Owner]) -> None:
        """Let an attempt wait under a number until ``release``."""
        if self.delayed is None:
            self.delayed = {}
        self.delayed[number] = pending

    def cancel(self, number: int) -> PendingAttempt[Owner] | None:
        """Take out the attempt that is delayed under a number, None if it is not delayed any more."""
        return self.delayed.pop(number, None) if self.delayed is not None else None

    def release(self, number: int) -> bool:
        """Make the attempt with that number due; return False if it is not delayed any more."""
        if self.delayed is None or number not in self.delayed:
            return False
        self.add_retry(self.delayed.pop(number))
        return True

    def next_due(self) -> float:
        """Return when the first delayed attempt comes due; there must be one."""
        return min(pending.due for pending in (self.delayed or {}).values())

    def take(self, most: int, *, lists: bool = True) -> list[PendingAttempt[Owner]]:
        """Take out up to ``most`` attempts, due or not, to refuse them. lists: also those at lists."""
        taken: list[PendingAttempt[Owner]] = []
        for due in (self.lists if lists else None, self.urgent, self.retries):
            while due and len(taken) < most:
                taken.append(due.popleft())
        delayed = self.delayed or {}
        for number in [number for number, one in delayed.items() if lists or not one.attempt.of_list]:
            if len(taken) == most:
                break
            taken.append(delayed.pop(number))
        return taken

    def find_suspect(self, host: HostKey, since: float) -> PendingAttempt[Owner] | None:
        """Return the retry whose page failed last at ``host``, not after ``since``: a test requests it next."""
        retries = (*(self.retries or ()), *(self.delayed or {}).values())
        suspects = [pending for pending in retries if _failed_here(pending.attempt, host, since)]
        return max(suspects, key=_failed_at, default=None)

    def retry_suspect(self, host: HostKey, since: float) -> None:
        """Move the retry of another page that failed at ``host`` before ``since`` to the front, if there is one."""
        pending = self.find_suspect(host, since)
        if pending is None or (earlier := pending.attempt.earlier) is None:
            return
        if self.retries and pending in self.retries:
            self.retries.remove(pending)
        elif self.delayed:
            del self.delayed[next(number for number, other in self.delayed.items() if other is pending)]
        attempt = replace(pending.attempt, earlier=earlier._replace(tries=True))
        self.add_retry(pending._replace(attempt=attempt))

    def refund(self, said: str, most: int) -> None:
        """Stop counting the attempts so far of pages that failed with ``said``, up to ``most`` per page."""
        if self.retries:
            self.retries = deque(_refunded(pending, said, most) for pending in self.retries)
        if self.delayed:
            self.delayed = {number: _refunded(pending, said, most) for number, pending in self.delayed.items()}


def _refunded(pending: PendingAttempt[Owner], said: str, most: int) -> PendingAttempt[Owner]:
    """Return the attempt with its number set back if its page failed with ``said``; see ``refund``."""
    attempt = pending.attempt
    back = min(attempt.number - 1, most - attempt.refunds)
    if attempt.earlier is None or attempt.earlier.said != said or back <= 0:
        return pending
    return pending._replace(attempt=replace(attempt, number=attempt.number - back, refunds=attempt.refunds + back))


def _failed_at(pending: PendingAttempt[Owner]) -> float:
    """Return when the page failed last, in monotonic seconds; negative infinity for never."""
    earlier = pending.attempt.earlier
    return -inf if earlier is None else earlier.at


def _failed_here(attempt: Attempt, host: HostKey, since: float) -> bool:
    """Whether the page failed at ``host`` and not after ``since``."""
    earlier = attempt.earlier
    return earlier is not None and earlier.host == host and earlier.at <= since
