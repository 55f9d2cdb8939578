"""What the scheduler hands out: leases to work on, and refusals to record. These are values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..model import Attempt, ErrorKind, HostKey, Wait


@dataclass(frozen=True, slots=True)
class Lease:
    """One slot on one host, with the targets that are fetched over it one after another.

    host: the host whose slot is taken until ``Scheduler.settle``, or ``settle_robots`` for a lease on robots.txt.
    tickets: fresh targets, as the numbers they were added under; empty where ``attempt`` or ``robots`` is set.
    attempt: a retry or a redirect's hop that comes back; then it is alone.
    budget: seconds after which what has not begun is given back.
    since: when it was handed out, in monotonic seconds: what a reply says of a host, it says of that time.
    robots: whether it is the host's robots.txt that is to be fetched, and nothing else; it has no targets then.
    waits: what its fresh targets waited for, where histories are told.
    probe: whether ``attempt`` is at a target that has had its outcome, to see whether its host answers; nothing is
    recorded of it.
    """

    host: HostKey
    tickets: tuple[int, ...] = ()
    attempt: Attempt | None = None
    budget: float = 0.05
    since: float = 0.0
    robots: bool = False
    waits: tuple[Wait, ...] = ()
    probe: bool = False

    def __len__(self) -> int:
        return len(self.tickets) or (0 if self.robots else 1)


class Refusal(NamedTuple):
    """Targets that end without a request: each of them only needs a record.

    not_before: Unix-clock offset in seconds from now after which the host may be asked; set for a deferral.
    error: why they are skipped (``robots_unreachable``) or failed (``circuit_open``), where it is not a deferral.
    detail: one human line. waits: what the tickets waited for, where histories are told.
    """

    host: HostKey
    tickets: tuple[int, ...]
    attempts: tuple[Attempt, ...]
    detail: str
    not_before: float | None = None
    error: ErrorKind | None = None
    waits: tuple[Wait, ...] | None = None
