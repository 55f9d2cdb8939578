"""The seams: what the engine asks of its surroundings, as Protocols, and the Snapshot that views are given.

Decides the contracts between the stages and nothing else. Every stage can be replaced by a small
class that keeps one of these, which is how the engine is tested.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field, replace
from math import inf
from typing import TYPE_CHECKING, NamedTuple, Protocol

from .frozen import frozen
from .model import Attempt, HostKey, Outcome, Result, Skipped, Target, Transcript, Unchanged, error_of, verdict
from .schedule.lease import Lease
from .schedule.robots import RobotsVerdict
from .schedule.sharing.host_state import Known, Memory, Sharer
from .schedule.tally import HostRow

if TYPE_CHECKING:
    from .alarm import Verdict

__all__ = [
    "LEASES_OUT",
    "Archive",
    "Batch",
    "Clock",
    "Done",
    "Download",
    "Downloaded",
    "Ended",
    "Feed",
    "HostMemory",
    "HostRow",
    "Known",
    "NoMemory",
    "NoView",
    "Sink",
    "Snapshot",
    "Store",
    "SystemClock",
    "Transport",
    "Unbegun",
    "View",
    "Work",
]


LEASES_OUT = 2
"""For each lease in flight, at most: itself, and one that is quarantined or hangs. Each holds a connection."""


class Clock(Protocol):
    """Where time comes from."""

    def monotonic(self) -> float:
        """Seconds that never jump; the zero means nothing."""

    def wall(self) -> float:
        """Unix seconds."""

    def cpu(self) -> float:
        """Seconds of CPU that this process has used."""


class SystemClock:
    """The machine's clocks."""

    monotonic = staticmethod(time.monotonic)
    wall = staticmethod(time.time)
    cpu = staticmethod(time.process_time)


class Work(NamedTuple):
    """A lease with its targets looked up: what the transport is given."""

    lease: Lease
    attempts: Sequence[Attempt]


class Done(NamedTuple):
    """What the transport gives back.

    results: one for each attempt that was begun, in order, but for what ``Unbegun`` gave; shorter than the work where
    the rest is given back.
    opened: connections that were opened for it. requests: requests that were sent, hops included.
    idle: connections to the host that are open and unused now.
    robots, elapsed: what came of a lease on a robots.txt, which has no results, and the seconds that it took; None
    where nothing was found out.
    transcripts: of all exchanges that are to be believed, retries, redirects and robots.txt included; where they are
    archived.
    """

    work: Work
    results: Sequence[Result]
    opened: int = 0
    requests: int = 0
    idle: int = 0
    robots: RobotsVerdict | None = None
    elapsed: float = 0.0
    transcripts: Sequence[Transcript] = ()


class Unbegun(NamedTuple):
    """What the transport says of a lease that is still out: its request takes long, and it begins no further target.

    begun: how many of the lease's targets it has begun. The others are free for other leases from now on, and the
    ``Done`` of this one has no results for them.
    results: those that it has so far, the first ones; the ``Done`` has these no more. opened, requests, idle,
    transcripts: as for ``Done``, until now.
    """

    work: Work
    begun: int
    results: Sequence[Result] = ()
    opened: int = 0
    requests: int = 0
    idle: int = 0
    transcripts: Sequence[Transcript] = ()


class Transport(Protocol):
    """Fetches; the only one that touches sockets. For one thread, but for ``wake``.

    in_flight: leases that count as such: all but those whose responses have come and whose connections are only watched
    for a while, and those that ``discount_hanging`` found.
    """

    @property
    def in_flight(self) -> int:
        """See the class."""

    def submit(self, work: Work) -> None:
        """Begin work. Never raises for what a server or a URL does; nor does ``wait``."""

    def wait(self, timeout: float | None) -> Sequence[Done | Unbegun]:
        """Go on with what is in flight; what has ended, or will not be begun.

        Comes back with the first of these, after ``timeout`` seconds, None for never, or once ``wake`` is called; with
        nothing also where a lease has left those in flight.
        """

    def wake(self) -> None:
        """End a ``wait`` early. May be called from any thread and from a signal handler."""

    def discount_hanging(self) -> None:
        """Count no longer as in flight what has waited for a first byte for much longer than its host usually takes.

        Name look-up, connect and TLS handshake included.
        """

    def drain(self) -> None:
        """Begin nothing more: what was submitted comes back with what it has begun."""

    def abort(self) -> None:
        """Cut every open connection, so that everything in flight ends."""


Ended = Skipped | Unchanged
"""What may become of a line without a request."""


@frozen
class Batch:
    """What the reader found since it was last asked.

    added: tickets by host, each list in list order. rejected: lines that end here, as outcomes: those that are no
    targets, and pages that are still fresh.
    places: of these, numbers that lie among the tickets as the lines lie in the lists.
    """

    added: Mapping[HostKey, Sequence[int]] = field(default_factory=dict)
    rejected: Sequence[Ended] = ()
    places: Sequence[int] = ()


@frozen
class Downloaded:
    """A list that was fetched. url: where it was found at last. content_type: what the server called it."""

    url: str
    content_type: str | None


class Download(Protocol):
    """Fetches lists by their URLs. Called by the thread that reads lists."""

    def __call__(self, url: str, begin: Callable[[], Callable[[bytes | memoryview], object]]) -> Downloaded:
        """Fetch one whole, decoded. Raises ListError.

        begin: called where its body begins, and again where it begins anew; gives what takes the pieces.
        """


class Feed(Protocol):
    """The targets of all lists, without holding them. Tickets grow as the lists go on."""

    def poll(self) -> Batch | None:
        """The next batch, None where none is ready now. Raises ListError where a list cannot be read."""

    def target(self, ticket: int) -> Target | Skipped:
        """Look a ticket up again, once. Skipped where the list no longer says what it said."""

    @property
    def exhausted(self) -> bool:
        """Whether every list has been read to its end and every batch was polled."""

    def close(self) -> None:
        """Stop reading, close files, remove temporary ones."""


class Sink(Protocol):
    """Writes final outcomes. Called by one thread."""

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Write them as whole records, flushed. Raises OutputError, BrokenPipeError for a reader that left.

        Called with none now and then while nothing ends, at least each ``engine.IDLE`` seconds.
        """

    def close(self) -> None:
        """Finish the output. Raises OutputError."""


class Store(Sink, Protocol):
    """A sink of what records speak of: pages, archives, tables. It may gather outcomes and write them together.

    A record is written once every store holds what belongs to it.
    """

    @property
    def kept(self) -> int:
        """How many of the outcomes given to ``write``, the first so many, would outlive this process, killed now."""


class HostMemory(Memory, Protocol):
    """What runs know of hosts: kept between them, and shared by those under way. For one thread, and quick.

    due: monotonic time from which ``exchange`` has something to do; infinity for never.
    """

    @property
    def due(self) -> float:
        """See the class."""

    def exchange(self, run: Sharer, now: float) -> None:
        """Tell other runs what this one does, and this one what they leave it. Raises OutputError."""

    def close(self, run: Sharer, now: float) -> None:
        """Keep what is known now, and leave the hosts to others. Raises OutputError."""


class NoMemory:
    """Knows nothing, keeps nothing, and is alone."""

    due = inf

    def recall(self, host: HostKey, now: float) -> Known | None:
        """Nothing."""

    def keep(self, host: HostKey, known: Known) -> None:
        """Nothing."""

    def keep_robots(self, host: HostKey, verdict: RobotsVerdict, now: float) -> None:
        """Nothing."""

    def exchange(self, run: Sharer, now: float) -> None:
        """Nothing."""

    def close(self, run: Sharer, now: float) -> None:
        """Nothing."""


class Archive(Protocol):
    """Keeps what went over the wire. Called by one thread."""

    def keep(self, transcripts: Sequence[Transcript]) -> None:
        """Write the exchanges, or have them written. Raises OutputError."""

    def close(self) -> None:
        """Finish the archive. Raises OutputError."""


@frozen
class Snapshot:
    """The run at one moment: all that a view may know.

    elapsed: seconds since the start. done: targets with a final outcome. total: targets known so far.
    reading: whether lists are still being read. busy, workers: threads with work, threads there are.
    parked: targets waiting for a retry. bytes: of bodies as received, over all requests.
    outcomes, errors: final outcomes by their words. requests, opened: sent and connections over the run.
    retried: attempts that were not the last. rate: final outcomes a second of late. eta: seconds, None if unknown.
    hosts: the rows worth showing, the busiest first. host_count: hosts known.
    eta_reason: the host that decides the ETA and why; None where it is not one host. trouble: why nothing goes on,
    while nothing does. hint: what would make use of idle workers.
    grace: seconds that a stop still waits for what is in flight; None while no stop was asked for.
    changes: final outcomes by their word for the change, empty where nobody asked.
    slowest: the hosts with the highest latencies, only in the last snapshot of a run. largest: the hosts with the most
    URLs, some seconds old; empty where nobody asked. checks: what ``--fail-if``
    looked at, likewise.
    """

    elapsed: float
    done: int
    total: int
    reading: bool
    busy: int
    workers: int
    parked: int
    bytes: int
    outcomes: Mapping[str, int]
    errors: Mapping[str, int]
    requests: int
    opened: int
    retried: int
    rate: float
    eta: float | None
    hosts: tuple[HostRow, ...]
    host_count: int
    grace: float | None = None
    eta_reason: str | None = None
    trouble: str | None = None
    hint: str | None = None
    slowest: tuple[HostRow, ...] = ()
    largest: tuple[HostRow, ...] = ()
    checks: tuple[Verdict, ...] = ()
    changes: Mapping[str, int] = field(default_factory=dict)

    @property
    def failures(self) -> int:
        """Targets that did not succeed; lines that repeat one are no targets."""
        good = self.outcomes.get("ok", 0) + self.outcomes.get("unchanged", 0)
        return self.done - good - self.errors.get("duplicate", 0)

    def without(self, outcomes: Collection[Outcome]) -> Snapshot:
        """The same run, but that these outcomes of it were not final: what was sent and received for them stays."""
        words, errors = Counter(self.outcomes), Counter(self.errors)
        words.subtract(map(verdict, outcomes))
        errors.subtract(error for error in map(error_of, outcomes) if error is not None)
        return replace(self, done=self.done - len(outcomes), outcomes=+words, errors=+errors)


class View(Protocol):
    """Shows a run to a person. ``show`` and ``note`` return at once.

    interval: seconds between two snapshots that it wants.
    """

    @property
    def interval(self) -> float:
        """See the class."""

    def show(self, snapshot: Snapshot) -> None:
        """Show this moment. Called a few times a second."""

    def note(self, message: str) -> None:
        """One line that a person should see even when it scrolls by."""

    def close(self, snapshot: Snapshot | None) -> None:
        """The run is over: leave the screen tidy and the summary on it; None for no summary."""


class NoView:
    """Shows nothing."""

    interval = float("inf")

    def show(self, snapshot: Snapshot) -> None:
        """Nothing."""

    def note(self, message: str) -> None:
        """Nothing."""

    def close(self, snapshot: Snapshot | None) -> None:
        """Nothing."""
