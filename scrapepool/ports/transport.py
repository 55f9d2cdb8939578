"""Between the engine and what fetches: leases go in, results come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..model import Attempt, Result, Transcript
from ..named_tuple import NamedTuple
from ..schedule.lease import NO_USE, ConnectionUse, Lease
from ..schedule.robots import RobotsVerdict

LEASES_OUT = 2
"""Most leases that are out for each one in flight: itself, and one that is quarantined or hangs. Each holds a
connection."""


class Work(NamedTuple):
    """A lease together with the attempts at its targets: what the transport is given."""

    lease: Lease
    attempts: Sequence[Attempt]


class Done(NamedTuple):
    """What the transport returns for a lease that has ended.

    results: one for each attempt that was begun, in order, except those in an earlier ``Unbegun``. There are fewer
    results than attempts if the other attempts are handed back.
    use: what it did with connections, since an earlier ``Unbegun``.
    robots: what a lease on a robots.txt found out, which has no results; None if it found out nothing.
    elapsed: seconds that a lease on a robots.txt took.
    transcripts: of all exchanges that can be trusted, with retries, redirects and robots.txt, if there is an archive.
    """

    work: Work
    results: Sequence[Result]
    use: ConnectionUse = NO_USE
    transcripts: Sequence[Transcript] = ()
    robots: RobotsVerdict | None = None
    elapsed: float = 0.0


class Unbegun(NamedTuple):
    """What the transport returns for a lease that is still out: its request takes long, so it begins no further target.

    begun: number of the lease's targets that it has begun. The other targets are free for other leases from now on, and
    the ``Done`` of this lease has no results for them.
    results: the first results, which the ``Done`` does not repeat.
    again: number of targets behind those of ``results`` that must be requested again, because the responses to them
    cannot be verified soon. They are free for other leases, too.
    use, transcripts: as for ``Done``, until now.
    """

    work: Work
    begun: int
    results: Sequence[Result] = ()
    use: ConnectionUse = NO_USE
    transcripts: Sequence[Transcript] = ()
    again: int = 0


class Transport(Protocol):
    """Fetches; it alone uses sockets. Only ``wake`` may be called from another thread.

    in_flight: leases that count as such. Two kinds do not count: those whose responses have all come and whose
    connections are only watched for a while, and those that ``discount_hanging`` found.
    processes: worker processes that run them; 1 if this process does.
    """

    @property
    def processes(self) -> int:
        """The number of worker processes; see the class."""

    @property
    def in_flight(self) -> int:
        """Leases that count as in flight; see the class."""

    @property
    def receiving(self) -> int:
        """Bytes of bodies that leases have received and that are in no result yet."""

    def submit(self, work: Work) -> None:
        """Begin work. Like ``wait``, it never raises for anything that a server or a URL causes."""

    def wait(self, timeout: float | None) -> Sequence[Done | Unbegun]:
        """Carry on with what is in flight, and return what has ended or will not be begun.

        Returns at the first of these, after ``timeout`` seconds (None for no limit), or when ``wake`` is called. It
        also returns, with nothing, when a lease no longer counts as in flight.
        """

    def wake(self) -> None:
        """End a ``wait`` early. May be called from any thread and from a signal handler."""

    def discount_hanging(self) -> None:
        """Stop counting leases as in flight that have waited for a first byte for much longer than their host takes.

        The wait includes name look-up, connect and TLS handshake.
        """

    def drain(self) -> None:
        """Begin nothing more: work that was submitted comes back with what it has begun."""

    def abort(self) -> None:
        """Close every connection at once, so that everything in flight ends."""
