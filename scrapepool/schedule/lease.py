"""What the scheduler hands out: leases to be worked, refusals to be recorded. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import Attempt, ErrorKind, HostKey


@dataclass(frozen=True, slots=True)
class Lease:
    """One slot on one host, with what is to be fetched over it, one after another.

    host: whose slot is taken until ``Scheduler.settle``.
    tickets: fresh targets, as the numbers they were added under; empty where ``attempt`` is set.
    attempt: a retry or a redirect's hop that comes back; then it is alone.
    budget: seconds after which the worker gives back what it has not begun.
    """

    host: HostKey
    tickets: tuple[int, ...] = ()
    attempt: Attempt | None = None
    budget: float = 0.05

    def __len__(self) -> int:
        return len(self.tickets) or 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """Targets that end without being asked for: no worker is needed, only a record.

    not_before: Unix-clock offset in seconds from now after which the host may be asked; set for a deferral.
    error: why they are skipped or failed, where it is not a deferral.
    detail: one human line.
    """

    host: HostKey
    tickets: tuple[int, ...]
    attempts: tuple[Attempt, ...]
    detail: str
    not_before: float | None = None
    error: ErrorKind | None = None
