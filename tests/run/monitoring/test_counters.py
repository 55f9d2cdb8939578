"""The figures of a run, as ``--fail-if`` reads them."""

from __future__ import annotations

from scrapepool.fail_conditions import parsed
from scrapepool.model import ErrorKind, Failed, Fetched, HostKey, Skipped, Target
from scrapepool.ports import NoView, Snapshot
from scrapepool.read.seen.finished import Finished
from scrapepool.run.monitoring.counters import ChangesView, Counters
from scrapepool.run.monitoring.fail_if import FAIL_CHECK_INTERVAL, Alarm
from scrapepool.settings import AlarmSettings

HOST = HostKey("http", "a", 80)


def target(number: int = 0) -> Target:
    return Target(f"http://a/{number}", HOST, f"/{number}")


def snapshot(outcomes: dict[str, int], errors: dict[str, int] | None = None, **fields: object) -> Snapshot:
    done = sum(outcomes.values())
    usual = {
        "elapsed": 5.0, "done": done, "total": done, "reading": False, "busy": 0, "workers": 1, "parked": 0, "bytes": 0,
        "outcomes": outcomes, "errors": errors or {}, "requests": 0, "opened": 0, "retried": 3, "rate": 0.0,
        "eta": None, "hosts": (), "host_count": 2,
    }  # fmt: skip
    return Snapshot(**{**usual, **fields})  # type: ignore[arg-type]


def test_figures_of_outcomes() -> None:
    """Repeats are no targets; what --resume passed over are some."""
    counted, finished = Counters(), Finished()
    finished.passed_over, finished.failures = 90, 2
    counted.take(
        [
            Fetched(target=target(), status=200, elapsed=0.2),
            Fetched(target=target(), status=404, elapsed=0.2),
            Failed(target=target(), error=ErrorKind.CIRCUIT_OPEN),
            Failed(target=target(), error=ErrorKind.CIRCUIT_OPEN),
            Failed(target=target(), error=ErrorKind.DEADLINE, elapsed=9.0),
            Skipped(target=target(), error=ErrorKind.INVALID_URL),
        ]
    )
    outcomes = {"ok": 1, "http_error": 1, "failed": 3, "skipped": 2}
    errors = {"http_4xx": 1, "circuit_open": 2, "deadline": 1, "invalid_url": 1, "duplicate": 1}
    figures = counted.figures(snapshot(outcomes, errors), finished)
    assert (figures.targets, figures.hosts, figures.left) == (96, 2, 0)
    expected = {
        "failures": 7, "failed": 3, "status_404": 1, "timeout": 1, "network": 1, "http": 1, "rejected": 1,
        "hosts_down": 1, "retries": 3,
    }  # fmt: skip
    assert {name: figures.counts.get(name) for name in expected} == expected
    assert figures.times["seconds"] == 5.0
    assert 9.0 <= (figures.times["p95"] or 0) < 9.3


def test_a_run_that_is_certain_to_fail_is_stopped_once() -> None:
    """And fails, though its figures at the end are others; they are looked at twice a second."""
    now = [0.0]
    alarm = Alarm(AlarmSettings(("dns>=2", "ok<1"), fail_fast=True), Counters(), Finished(), lambda: now[0])
    looks = []

    def look(errors: int) -> Snapshot:
        looks.append(errors)
        return snapshot({"failed": errors}, {"dns": errors}, total=9)

    assert alarm.look(lambda: look(1)) is None
    assert alarm.look(lambda: look(2)) is None  # too soon
    now[0] += FAIL_CHECK_INTERVAL
    assert alarm.look(lambda: look(2)) == parsed("dns>=2")
    now[0] += FAIL_CHECK_INTERVAL
    assert alarm.look(lambda: look(3)) is None
    assert looks == [1, 2]
    verdicts = alarm.checked(snapshot({"ok": 1}, {"dns": 0})).checks
    assert [verdict.holds for verdict in verdicts] == [True, False]


def test_without_expressions_nothing_is_counted() -> None:
    """A run that does not ask pays nothing."""
    counted = Counters(wanted=False)
    counted.take([Fetched(target=target(), status=200, elapsed=1.0)])
    assert (counted.statuses, counted.latencies.percentile(0.5)) == ({}, None)
    last = snapshot({"ok": 1})
    assert Alarm(AlarmSettings(), counted, Finished()).checked(last) == last


def test_changes_are_counted_and_shown() -> None:
    """Where outcomes say what changed: while the run goes on, and in the end."""
    counted = Counters(wanted=False, compares=True)
    new = Fetched(target=target(), change="new", elapsed=1.0)
    counted.take([new, new, Fetched(target=target())])
    assert (counted.statuses, counted.latencies.percentile(0.5)) == ({}, None)  # for which nobody asked
    shown: list[Snapshot | None] = []

    class Screen(NoView):
        def show(self, snapshot: Snapshot) -> None:
            shown.append(snapshot)

        def close(self, snapshot: Snapshot | None) -> None:
            shown.append(snapshot)

    view = ChangesView(Screen(), counted)
    view.show(snapshot({"ok": 3}))
    last = Alarm(AlarmSettings(), counted, Finished()).checked(snapshot({"ok": 3}))
    view.close(last)
    for one in shown:
        assert one is not None
        assert {word: number for word, number in one.changes.items() if number} == {"new": 2}
    assert counted.figures(last, Finished()).counts["new"] == 2
