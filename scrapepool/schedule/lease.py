"""What the scheduler hands out: leases to work on, and refusals to record; and what a lease costs. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from ..frozen import Compared
from ..model import Attempt, ErrorKind, HostKey, Wait
from ..named_tuple import NamedTuple


@dataclass(slots=True, repr=False, eq=False)
class Lease(Compared):
    """One slot on one host, with the targets that are fetched over it one after another. It is not changed.

    host: the host whose slot is taken until ``Scheduler.settle``, or ``settle_robots`` for a lease on robots.txt.
    tickets: fresh targets, by the numbers under which they were added; empty if ``attempt`` or ``robots`` is set.
    attempt: a retry or a redirect hop, which is the only target of the lease.
    budget: seconds after which targets that have not begun are returned to the queue.
    since: monotonic time of the lease; a response describes the state of the host at that time or later.
    robots: whether the lease fetches the host's robots.txt and nothing else; then it has no targets.
    waits: what its fresh targets waited for, if histories are recorded.
    probe: whether ``attempt`` requests a target that has its outcome already, to find out whether the host responds;
    nothing is recorded of it.
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
        return len(self.tickets) or (0 if self.robots or self.of_list else 1)

    @property
    def of_list(self) -> bool:
        """Whether a list is to be fetched, which does not count as a target."""
        return self.attempt is not None and self.attempt.of_list


class ConnectionUse(NamedTuple):
    """What a lease did with the connections to its host.

    opened: connections that were opened for it.
    opening: seconds that opening these took together: look-up, connect, tunnel and TLS handshake.
    requests: requests that were sent, redirects included.
    delayed: seconds for which this process did not look at its connection while responses were waited for. The times of
    its results may be too long by so much together.
    idle: connections to the host that are open and unused now.
    """

    opened: int = 0
    opening: float = 0.0
    requests: int = 0
    delayed: float = 0.0
    idle: int = 0

    def since(self, earlier: ConnectionUse) -> ConnectionUse:
        """Return what was done after an earlier moment."""
        return ConnectionUse(
            self.opened - earlier.opened,
            self.opening - earlier.opening,
            self.requests - earlier.requests,
            self.delayed - earlier.delayed,
            self.idle,
        )

    def plus(self, other: ConnectionUse) -> ConnectionUse:
        """Return what two leases did together. idle: as before, since the other one may be on another host."""
        return ConnectionUse(
            self.opened + other.opened,
            self.opening + other.opening,
            self.requests + other.requests,
            self.delayed + other.delayed,
            self.idle,
        )


NO_USE = ConnectionUse()


class Refusal(NamedTuple):
    """Targets that end without a request: each of them only needs a record.

    not_before: seconds from now after which the host may be requested again; set for a deferral.
    error: why they are skipped (``robots_unreachable``) or failed (``circuit_open``), if it is no deferral.
    detail: one line for the record. waits: what the tickets waited for, if histories are recorded.
    """

    host: HostKey
    tickets: tuple[int, ...]
    attempts: tuple[Attempt, ...]
    detail: str
    not_before: float | None = None
    error: ErrorKind | None = None
    waits: tuple[Wait, ...] | None = None
