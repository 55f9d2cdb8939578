"""The metrics of a run for Prometheus, as a file for node_exporter's textfile collector: ``--metrics-file``.

Decides which metrics there are and what they are called (https://prometheus.io/docs/practices/naming/), and how often
the file is replaced. No metric has a label per URL, and none has one per host unless the snapshot names the largest.
prometheus_client is an extra, imported with this file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from threading import Thread
from typing import Any

from ...change import Change
from ...errors import OutputError, UsageError
from ...extras import how_to_install
from ...histogram import LogHistogram
from ...model import OUTCOMES, ErrorKind
from ...ports import Snapshot, View
from ...record.safe_io.atomic_replace import replaced
from ...record.safe_io.lock import is_ours
from ...render.summary import handshakes_saved
from ...schedule.tally import STATES, HostRow
from .counters import Counters
from .view_decorator import ViewDecorator

try:
    from prometheus_client import Metric, generate_latest
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
    from prometheus_client.parser import text_string_to_metric_families
    from prometheus_client.registry import Collector, CollectorRegistry
except ImportError as error:
    missing = f"--metrics-file and --metrics-port need prometheus_client: {how_to_install('metrics')}"
    raise UsageError(missing) from error

WRITE_INTERVAL = 15.0
"""Seconds between two files: Prometheus asks node_exporter as often by default."""

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Of the histogram, in seconds: those of Prometheus' clients, and up to the default of --timeout."""

PREFIX = "scrapepool_"
LAST_SUCCESS = f"{PREFIX}last_success_timestamp_seconds"


@dataclass(frozen=True, slots=True)
class Moment:
    """What the metrics are about.

    started: Unix time of the run's start. now: Unix time. code: exit code, None while the run goes on. succeeded: Unix
    time of the end of the last run with exit code 0, None for none.
    """

    snapshot: Snapshot
    counted: Counters
    started: float
    now: float
    code: int | None
    succeeded: float | None


class RunCollector(Collector):
    """The metrics of a moment."""

    def __init__(self, moment: Moment) -> None:
        self._moment = moment

    def collect(self) -> Iterator[Metric]:
        """As prometheus_client wants it."""
        moment, snapshot = self._moment, self._moment.snapshot
        errors = {error: snapshot.errors.get(error, 0) for error in ErrorKind}
        outcomes = {word: snapshot.outcomes.get(word, 0) for word in OUTCOMES}
        yield _counts("urls", "URLs that this run is through with, by outcome", "outcome", outcomes)
        yield _counts("errors", "URLs that did not succeed, by error", "error", errors)
        if moment.counted.changes:
            changes = {word: moment.counted.changes.get(word, 0) for word in Change}
            yield _counts("changes", "URLs by what became of their pages since the last run", "change", changes)
        for name, help_, count in (
            ("requests", "Requests sent", snapshot.requests),
            (
                "reused_connections",
                "Requests sent over a connection that had served before",
                handshakes_saved(snapshot),
            ),
            ("opened_connections", "Connections opened", snapshot.opened),
            ("retries", "Attempts that were not the last", snapshot.retried),
            ("received_bytes", "Bytes of bodies received", snapshot.bytes),
        ):
            yield CounterMetricFamily(PREFIX + name, f"{help_}, in this run.", value=count)
        yield _histogram(moment.counted.latencies)
        for name, help_, value in (
            ("left_urls", "URLs known so far that this run is not through with.", snapshot.total - snapshot.done),
            ("hosts", "Hosts of this run.", snapshot.host_count),
            ("down_hosts", "Hosts that this run gave up.", len(moment.counted.down)),
            ("run_active", "1 while the run goes on, 0 once it has ended.", int(moment.code is None)),
            ("run_start_timestamp_seconds", "When the run started, in Unix time.", moment.started),
            ("run_duration_seconds", "How long the run has taken so far, or took.", moment.now - moment.started),
            ("run_exit_code", "Exit code of the run.", moment.code),
            ("last_success_timestamp_seconds", "When a run ended with exit code 0, in Unix time.", moment.succeeded),
        ):
            if value is not None:
                yield GaugeMetricFamily(PREFIX + name, help_, value=value)
        if snapshot.largest:
            yield from _of_hosts(snapshot.largest)


class MetricsFile:
    """Writes the metrics of one run. clock: Unix time.

    Raises OutputError where the file cannot be written at the beginning; later ``finish`` does.
    """

    def __init__(self, path: str, counted: Counters, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._counted = counted
        self._clock = clock
        self._started = clock()
        try:
            ours = is_ours(path)
        except (OSError, ValueError) as error:
            raise OutputError.from_error(path, error) from error
        if not ours:
            raise UsageError(f"--metrics-file needs a regular file, and {path} is not one")
        self.succeeded = last_success(path)  # which is a file, and no device that never ends
        left = Path(path).read_bytes() if Path(path).exists() else b""
        with replaced(path) as file:  # a file that cannot be written is an error before anything is fetched
            file.write(left)

    def write(self, snapshot: Snapshot, code: int | None = None) -> None:
        """Replace the file by the metrics of now. code: exit code, where the run is over. Raises OutputError."""
        now = self._clock()
        if code == 0:
            self.succeeded = now
        registry = CollectorRegistry(auto_describe=False)
        registry.register(RunCollector(Moment(snapshot, self._counted, self._started, now, code, self.succeeded)))
        text = generate_latest(registry)
        with replaced(self._path) as file:
            file.write(text)


class MetricsView(ViewDecorator):
    """Has the metrics written while the run goes on, by a thread, as a disk may be slow. clock: monotonic seconds."""

    def __init__(self, view: View, metrics: MetricsFile, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(view)
        self._metrics = metrics
        self._clock = clock
        self._due = 0.0
        self._failed = False
        self._writing: Thread | None = None

    @property
    def interval(self) -> float:
        """As ``ports.View``."""
        return min(super().interval, WRITE_INTERVAL)

    def show(self, snapshot: Snapshot) -> None:
        """As ``ports.View``."""
        super().show(snapshot)
        if (now := self._clock()) >= self._due and (self._writing is None or not self._writing.is_alive()):
            self._due = now + WRITE_INTERVAL
            thread = Thread(target=self._write, args=(snapshot,), name="scrapepool-metrics", daemon=True)
            with suppress(RuntimeError):  # no thread can be started now; the next time is soon
                thread.start()
                self._writing = thread

    def close(self, snapshot: Snapshot | None) -> None:
        """As ``ports.View``; the file is not being written any more then."""
        self.settle()
        super().close(snapshot)

    def settle(self) -> None:
        """Wait for the file that is being written."""
        if self._writing is not None:
            self._writing.join()

    def _write(self, snapshot: Snapshot) -> None:
        try:
            self._metrics.write(snapshot)
        except OutputError as error:
            if not self._failed:  # and once more at the end, as the run's own error
                self.note(str(error))
            self._failed = True


def last_success(path: str) -> float | None:
    """Return when a run ended with exit code 0, by the metrics of an earlier run; None if they do not say."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == LAST_SUCCESS:
                    return float(sample.value)
    except (OSError, ValueError):
        return None  # there is none, or it is something else, which writing it will say
    return None


def _counts(name: str, help_: str, label: str, counts: Mapping[Any, int]) -> Metric:
    family = CounterMetricFamily(PREFIX + name, f"{help_}, in this run.", labels=[label])
    for word, count in counts.items():
        family.add_metric([str(word)], count)
    return family


def _of_hosts(rows: Sequence[HostRow]) -> Iterator[Metric]:
    requests = CounterMetricFamily(f"{PREFIX}host_requests", "Requests to this host, in this run.", labels=["host"])
    failures = CounterMetricFamily(
        f"{PREFIX}host_failures", "URLs and attempts that failed on this host, in this run.", labels=["host"]
    )
    latency = GaugeMetricFamily(f"{PREFIX}host_latency_seconds", "How long this host takes of late.", labels=["host"])
    state = GaugeMetricFamily(
        f"{PREFIX}host_state", "1 for the state that this host is in, 0 for others.", labels=["host", "state"]
    )
    for row in rows:
        host = row.host.origin
        requests.add_metric([host], row.requests)
        failures.add_metric([host], row.errors)
        if row.requests and row.mean:
            latency.add_metric([host], row.mean)
        for word in STATES:
            state.add_metric([host, word], int(word == row.state))
    yield from (requests, failures, latency, state)


def _histogram(latencies: LogHistogram) -> Metric:
    *within, whole = latencies.up_to((*BOUNDS, inf))
    buckets = [(repr(bound), float(count)) for bound, count in zip(BOUNDS, within, strict=True)]
    buckets.append(("+Inf", float(whole)))
    name = f"{PREFIX}attempt_duration_seconds"
    return HistogramMetricFamily(
        name, "Seconds that the last attempts of URLs took, in this run.", buckets=buckets, sum_value=latencies.total
    )
