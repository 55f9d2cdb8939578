"""The counts of a run, and of each host.

Counts are kept and never recomputed: the tally takes one settled lease or one outcome at a time. It decides nothing,
and knows time only as an argument. Percentiles are computed when they are shown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from heapq import nlargest

from ..histogram import LogHistogram
from ..model import HostKey, Outcome, error_of, verdict
from ..named_tuple import NamedTuple

MAX_FINISHED_HOSTS = 10_000
"""Finished hosts whose numbers are kept, about 1 kB each. When there are more, the less busy half is forgotten; what
they did stays in the run's totals."""

RECENT = 64
"""Number of latencies that are kept per host, for its percentiles."""

LATENCY_MEMORY = 1024
"""Number of latencies of one host after which the older ones count half."""

RATE_WINDOW = 10.0
"""Seconds over which ``Tally.rates`` looks back."""

RATE_SAMPLE = 0.1
"""Minimum number of seconds between two samples of the rate, so that there are at most about a hundred."""

STATES = (
    "ok",
    "slowed",
    "robots",
    "shared",
    "waiting",
    "parked",
    "backoff",
    "circuit open",
    "half-open",
    "deferred",
    "given up",
    "done",
)
"""The values of ``HostRow.state``."""


class HostRow(NamedTuple):
    """One host at one moment.

    done, total: targets. in_flight, limit: requests. opened, idle: connections. requests: sent over them.
    p50, p95: seconds of recent requests, None before the first. errors: targets and attempts that failed.
    mean: seconds per request. state: ``ok``, ``slowed`` (it gets fewer requests since it refused, failed or slowed
    down), ``robots`` (robots.txt comes first), ``shared`` (it is the turn of another run), ``waiting``, ``parked`` (it
    asked for a pause), ``backoff``, ``circuit open``, ``half-open``, ``deferred`` (it asked for too long a pause),
    ``given up``, ``done``.
    until: seconds until the state ends, if that is known.
    robots: the state of its robots.txt: ``asked``, ``ok``, ``disallow 3`` (URLs so far), ``unreachable``; empty if it
    is not consulted. delay: current seconds between two starts, for whatever reason.
    held_up: what delays it, by URL and status; None if only its pace does.
    """

    host: HostKey
    done: int
    total: int
    in_flight: int
    limit: int
    opened: int
    idle: int
    requests: int
    p50: float | None
    p95: float | None
    errors: int
    mean: float
    state: str
    until: float | None = None
    robots: str = ""
    delay: float = 0.0
    held_up: str | None = None


class HostTally:
    """The numbers of one host. Those that ``HostRow`` has, too, mean the same here.

    mean: 0.0 before the first latency. recent: the last latencies, in seconds. robots: as in ``HostRow``, without the
    number, which is ``disallowed``. asked_robots: whether this run requested robots.txt. opening:
    seconds that opening all its connections took together.
    """

    __slots__ = (
        "_spent", "_timed", "asked_robots", "disallowed", "done", "errors", "host", "idle", "mean", "opened", "opening",
        "recent", "requests", "robots", "total",
    )  # fmt: skip

    def __init__(self, host: HostKey) -> None:
        self.host = host
        self.total = self.done = self.errors = 0
        self.opened = self.requests = self.idle = 0
        self.mean = self.opening = 0.0
        self.robots = ""
        self.asked_robots = False
        self.disallowed = 0
        self._spent = 0.0
        self._timed = 0.0
        self.recent: Sequence[float] = ()

    def __repr__(self) -> str:
        return f"<HostTally {self.host}: {self.done}/{self.total} done, {self.errors} errors, {self.requests} requests>"

    @property
    def latency(self) -> float:
        """Seconds that a request takes, as of the last thousand or so; 0.0 for unknown. Calmer than ``mean``."""
        return self._spent / self._timed if self._timed else self.mean

    @property
    def saved(self) -> float:
        """Seconds that requests without a connection of their own would have taken to open one, by the host's mean."""
        return self.opening / self.opened * max(0, self.requests - self.opened) if self.opened else 0.0

    def note(self, elapsed: Sequence[float], together: float) -> None:
        """Keep latencies for the percentiles and the mean. together: their sum."""
        self._spent += together
        self._timed += len(elapsed)
        if self._timed > LATENCY_MEMORY:
            self._spent /= 2
            self._timed /= 2
        if not self.recent:
            self.recent = elapsed  # most hosts of a long list have no more, and a deque takes 600 bytes
            return
        if not isinstance(self.recent, deque):
            self.recent = deque(self.recent, RECENT)
        self.recent.extend(elapsed)

    def row(self, *, in_flight: int, limit: int, state: str, until: float | None, delay: float = 0.0) -> HostRow:
        """Return the numbers as a view wants them."""
        ranked = sorted(self.recent)
        return HostRow(
            host=self.host,
            done=self.done,
            total=self.total,
            in_flight=in_flight,
            limit=limit,
            opened=self.opened,
            idle=self.idle,
            requests=self.requests,
            p50=percentile(ranked, 0.50),
            p95=percentile(ranked, 0.95),
            errors=self.errors,
            mean=self.mean,
            state=state,
            until=until,
            robots=f"disallow {self.disallowed}" if self.disallowed else self.robots,
            delay=delay,
        )


def percentile(ranked: Sequence[float], share: float) -> float | None:
    """Return the value that ``share`` of the sorted values do not exceed (nearest rank); None where there are none."""
    if not ranked:
        return None
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


class Tally:
    """The counts of a run.

    done: final outcomes. outcomes, errors: the same by their words. requests, opened: sent, and connections.
    bytes: of bodies as received, over all attempts. retried: attempts that were not the last. host_count: hosts
    seen; one that comes back after it was forgotten counts anew. begun: those of them that work began on.
    latencies: seconds of all requests, retries included and robots.txt left out.
    """

    def __init__(self, hosts_kept: int = MAX_FINISHED_HOSTS) -> None:
        self.done = 0
        self.outcomes: dict[str, int] = {}
        self.errors: dict[str, int] = {}
        self.requests = self.opened = self.bytes = self.retried = 0
        self.host_count = self.begun = 0
        self.hosts: dict[HostKey, HostTally] = {}
        self._hosts_kept = hosts_kept
        self.latencies = LogHistogram()
        self._forgotten_saved = 0.0
        self._released: dict[HostKey, HostTally] = {}
        self._elapsed = 0.0
        self._timed = 0
        self._samples: deque[tuple[float, int, int]] = deque()

    def __repr__(self) -> str:
        return f"<Tally: {self.done} done {self.outcomes}, {self.requests} requests over {self.opened} connections>"

    @property
    def mean(self) -> float:
        """Seconds that a request takes, over the whole run; 0.0 before the first."""
        return self._elapsed / self._timed if self._timed else 0.0

    @property
    def saved(self) -> float:
        """Seconds that requests over kept connections did not spend on opening one, of all hosts: an estimate."""
        return self._forgotten_saved + sum(row.saved for row in self.hosts.values())

    def claim(self, host: HostKey) -> HostTally:
        """Return the numbers of a host that work begins on; they are kept until ``release``."""
        row = self.hosts.get(host)
        if row is None:
            row = self.hosts[host] = HostTally(host)
            self.begun += 1
        else:
            self._released.pop(host, None)
        return row

    def release(self, row: HostTally) -> None:
        """Work on a host ended: its numbers may be forgotten when there are too many."""
        self._released[row.host] = row
        if len(self._released) > self._hosts_kept:
            least_busy = sorted(self._released.values(), key=lambda kept: kept.requests)
            for forgotten in least_busy[: len(least_busy) - self._hosts_kept // 2]:
                self._forgotten_saved += forgotten.saved
                del self._released[forgotten.host]
                del self.hosts[forgotten.host]

    def count(self, outcome: Outcome) -> bool:
        """Count one final outcome in the run's totals; True where it is a failure of its host."""
        self.done += 1
        self.bytes += outcome.wire_bytes
        word = verdict(outcome)
        self.outcomes[word] = self.outcomes.get(word, 0) + 1
        error = error_of(outcome)
        if error is not None:
            self.errors[error] = self.errors.get(error, 0) + 1
        return word in {"http_error", "failed", "deferred"}

    def count_refused(self, host: HostKey, outcomes: Sequence[Outcome]) -> None:
        """Count what ended without a request, because of its host."""
        failed = sum(map(self.count, outcomes))
        if (row := self.hosts.get(host)) is not None:
            row.errors += failed

    def count_ok(self, count: int, received: int) -> None:
        """Count successes whose bodies weighed ``received`` bytes together."""
        self.done += count
        self.bytes += received
        if count:
            self.outcomes["ok"] = self.outcomes.get("ok", 0) + count

    def repeat(self, outcome: Outcome) -> None:
        """Count an attempt that was not the last."""
        self.retried += 1
        self.bytes += outcome.wire_bytes

    def settle(self, row: HostTally, elapsed: Sequence[float], opened: int, requests: int, now: float) -> None:
        """Count what a lease took, beside its outcomes. elapsed: seconds of each request that got that far."""
        if not self._samples:
            self._samples.append((now, self.done, self.bytes))
        self.opened += opened
        self.requests += requests
        row.opened += opened
        row.requests += requests
        if elapsed:
            together = sum(elapsed)
            self._elapsed += together
            self._timed += len(elapsed)
            row.note(elapsed, together)

    @property
    def any_fetched(self) -> bool:
        """Whether a target was fetched, or failed: until then all latencies are those of robots.txt."""
        return self.retried > 0 or any(word != "skipped" for word in self.outcomes)

    def rates(self, now: float, receiving: int = 0) -> tuple[float, float]:
        """Final outcomes and bytes per second over the last ten seconds, or since the first settle. It takes a sample.

        receiving: bytes of the bodies in flight, which ``bytes`` does not have yet.
        """
        samples, received = self._samples, self.bytes + receiving
        if not samples or now - samples[-1][0] >= RATE_SAMPLE:
            samples.append((now, self.done, received))
        while len(samples) > 1 and samples[1][0] <= now - RATE_WINDOW:
            samples.popleft()
        since, done, bytes_before = samples[0]
        seconds = now - since
        return ((self.done - done) / seconds, max(0, received - bytes_before) / seconds) if seconds > 0 else (0.0, 0.0)

    def busiest(self, most: int, among: Iterable[HostTally] | None = None) -> list[HostTally]:
        """Return the hosts with the most requests, first the busiest."""
        return self._top(most, lambda row: row.requests, among)

    def largest(self, most: int) -> list[HostTally]:
        """Return the hosts with the most targets, first the largest, of those that work began on."""
        return self._top(most, lambda row: row.total, None)

    def slowest(self, most: int) -> list[HostTally]:
        """Return the hosts with the highest mean latency, first the slowest; hosts that never answered are left out."""
        return self._top(most, lambda row: row.mean, (row for row in self.hosts.values() if row.mean))

    def _top(self, most: int, key: Callable[[HostTally], float], among: Iterable[HostTally] | None) -> list[HostTally]:
        return nlargest(most, self.hosts.values() if among is None else among, key=key)
