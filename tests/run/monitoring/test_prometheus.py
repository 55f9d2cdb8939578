"""The figures of a run for Prometheus."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from scrapepool.errors import OutputError, UsageError
from scrapepool.model import Fetched, HostKey, Target
from scrapepool.ports import NoView, Snapshot
from scrapepool.run.monitoring.counters import Counters
from scrapepool.run.monitoring.prometheus import BOUNDS, WRITE_INTERVAL, MetricsFile, MetricsView, last_success
from scrapepool.schedule.forecast import host_status
from scrapepool.schedule.tally import STATES

HOST = HostKey("http", "a", 80)


def snapshot(**fields: Any) -> Snapshot:
    usual = {
        "elapsed": 5.0, "done": 3, "total": 10, "reading": False, "busy": 0, "workers": 1, "parked": 0, "bytes": 700,
        "outcomes": {"ok": 2, "failed": 1}, "errors": {"dns": 1}, "requests": 4, "opened": 1, "retried": 3, "rate": 0.0,
        "eta": None, "hosts": (), "host_count": 2,
    }  # fmt: skip
    return Snapshot(**{**usual, **fields})


def samples(path: Path) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Everything in a file, as Prometheus reads it."""
    families = text_string_to_metric_families(path.read_text())
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def test_the_metrics_of_a_run(tmp_path: Path) -> None:
    """With the names that Prometheus wants: a prefix, base units, and _total for what only grows."""
    path = tmp_path / "a.prom"
    counted = Counters(compares=True)
    counted.take(
        [Fetched(target=Target("http://a/", HOST, "/"), elapsed=seconds, change="new") for seconds in (0.02, 0.3, 400)]
    )
    now = [1000.0]
    metrics = MetricsFile(str(path), counted, lambda: now[0])
    now[0] = 1005.0
    metrics.write(snapshot())
    found = samples(path)
    assert found["scrapepool_urls_total", (("outcome", "ok"),)] == 2
    assert found["scrapepool_urls_total", (("outcome", "deferred"),)] == 0
    assert found["scrapepool_errors_total", (("error", "dns"),)] == 1
    assert found["scrapepool_changes_total", (("change", "new"),)] == 3
    expected = {
        "requests_total": 4, "opened_connections_total": 1, "reused_connections_total": 3, "retries_total": 3,
        "received_bytes_total": 700, "left_urls": 7, "hosts": 2, "down_hosts": 0, "run_active": 1,
        "run_start_timestamp_seconds": 1000, "run_duration_seconds": 5, "attempt_duration_seconds_count": 3,
    }  # fmt: skip
    for name, value in expected.items():
        assert found[f"scrapepool_{name}", ()] == value, name
    assert ("scrapepool_run_exit_code", ()) not in found
    assert found["scrapepool_attempt_duration_seconds_sum", ()] == pytest.approx(400.32)
    buckets = [found["scrapepool_attempt_duration_seconds_bucket", (("le", repr(bound)),)] for bound in BOUNDS]
    assert buckets == [0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2]
    assert found["scrapepool_attempt_duration_seconds_bucket", (("le", "+Inf"),)] == 3
    metrics.write(snapshot(), 1)
    assert (samples(path)["scrapepool_run_exit_code", ()], samples(path)["scrapepool_run_active", ()]) == (1, 0)


def test_the_last_success_is_kept_over_runs(tmp_path: Path) -> None:
    """Also by one that fails, and by one that is killed before its first file."""
    path = tmp_path / "a.prom"
    assert last_success(str(path)) is None
    MetricsFile(str(path), Counters(), lambda: 1000.0).write(snapshot(), 0)
    assert last_success(str(path)) == 1000.0
    MetricsFile(str(path), Counters(), lambda: 2000.0)
    assert last_success(str(path)) == 1000.0
    MetricsFile(str(path), Counters(), lambda: 3000.0).write(snapshot(), 1)
    assert last_success(str(path)) == 1000.0
    path.write_text("rain {")
    assert last_success(str(path)) is None
    path.write_bytes(b"\xff")
    assert last_success(str(path)) is None


def test_the_file_is_written_now_and_then(tmp_path: Path) -> None:
    """At once, and each 15 seconds; a disk that is full for a while is reported once, and has no other effect."""
    path = tmp_path / "folder" / "a.prom"
    path.parent.mkdir()
    now, notes, shown = [0.0], [], []

    class Screen(NoView):
        def show(self, snapshot: Snapshot) -> None:
            shown.append(snapshot)

        def note(self, message: str) -> None:
            notes.append(message)

    view = MetricsView(Screen(), MetricsFile(str(path), Counters()), lambda: now[0])
    assert view.interval == WRITE_INTERVAL

    def show(now: Snapshot) -> None:
        view.show(now)
        view.settle()

    show(snapshot(done=1))
    assert samples(path)["scrapepool_left_urls", ()] == 9
    now[0] = WRITE_INTERVAL - 1
    show(snapshot(done=2))
    assert samples(path)["scrapepool_left_urls", ()] == 9
    now[0] = WRITE_INTERVAL
    show(snapshot(done=2))
    assert samples(path)["scrapepool_left_urls", ()] == 8
    path.unlink()
    path.parent.rmdir()
    for now[0] in (2 * WRITE_INTERVAL, 3 * WRITE_INTERVAL):
        show(snapshot(done=3))
    assert len(notes) == 1
    assert "cannot write" in notes[0]
    path.parent.mkdir()
    now[0] = 4 * WRITE_INTERVAL
    show(snapshot(done=4))
    assert samples(path)["scrapepool_left_urls", ()] == 6
    assert len(shown) == 6
    assert [one.name for one in path.parent.iterdir()] == ["a.prom"]


def test_a_slow_disk_holds_nothing_up() -> None:
    """The run goes on while the file is written, by one thread at a time; the end of the view waits for it."""
    goes_on, written, closed = Event(), [], []

    class SlowFile(MetricsFile):
        def __init__(self) -> None:
            pass

        def write(self, snapshot: Snapshot, code: int | None = None) -> None:
            goes_on.wait(10)
            written.append(snapshot.done)

    class Screen(NoView):
        def close(self, snapshot: Snapshot | None) -> None:
            closed.append(list(written))

    now = [0.0]
    view = MetricsView(Screen(), SlowFile(), lambda: now[0])
    for now[0] in (0.0, WRITE_INTERVAL, 2 * WRITE_INTERVAL):
        view.show(snapshot(done=int(now[0])))
    assert written == []
    goes_on.set()
    view.close(None)
    assert closed == [[0]]


def test_every_state_of_a_host_has_its_metric() -> None:
    """As the scheduler calls them."""
    words = re.findall(r'"([a-z -]+)"', inspect.getsource(host_status))
    assert set(words) | {"done"} == set(STATES)


def test_what_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    """Before anything is fetched."""
    with pytest.raises(OutputError, match="its folder does not exist"):
        MetricsFile(str(tmp_path / "nowhere" / "a.prom"), Counters())
    with pytest.raises(UsageError, match="needs a regular file"):
        MetricsFile("/dev/null", Counters())
