"""A run's side of a host memory: when it speaks, what it does with the answers, and with none."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from scrapepool.errors import OutputError
from scrapepool.memory import host_file, host_store
from scrapepool.memory.host_file import EXPIRY
from scrapepool.memory.host_store import BEAT, SUSPENDED, HostStore
from scrapepool.model import HostKey
from scrapepool.schedule.sharing.host_quota import Allocations, QuotaRequest
from scrapepool.schedule.sharing.host_state import HostState
from scrapepool.transport.robots.rules import Rules

A = HostKey("https", "a.test", 443)
WALL = 1_900_000_000.0
TIMEOUT = 60.0
"""Seconds after which a thread that does not answer fails its test."""


class Clock:
    """Stands still until it is set."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return WALL + self.now

    def cpu(self) -> float:
        return 0.0


class Run:
    """A run at one host. allocations: the shares that it was given."""

    def __init__(self) -> None:
        self.allocations: list[Allocations] = []

    def quota_requests(self) -> dict[HostKey, QuotaRequest]:
        return {A: QuotaRequest(4, 4, 0)}

    def host_states(self, now: float) -> dict[HostKey, HostState]:
        return {A: HostState(0.5, parked_until=now + 7.0)}

    def apply(self, shares: Allocations, now: float) -> None:
        self.allocations.append(shares)


class Desk:
    """A store with its clock; ``turn`` is one look of the engine."""

    def __init__(self, path: Path) -> None:
        self.clock, self.run, self.woken = Clock(), Run(), threading.Event()
        self.store = HostStore(
            str(path), self.clock, make_rules=Rules, agent_of=lambda _: "scrapepool", wake=self.woken.set
        )

    def turn(self, seconds: float = 0.0) -> None:
        self.clock.now += seconds
        if self.clock.now >= self.store.due:
            self.store.exchange(self.run, self.clock.now)

    def answered(self) -> None:
        assert self.woken.wait(TIMEOUT)
        self.woken.clear()
        self.turn()

    def close(self) -> None:
        self.store.close(self.run, self.clock.now)


def test_a_run_hears_that_it_is_alone_and_speaks_four_times_a_second(tmp_path: Path) -> None:
    """At once at its beginning, then at its beat, and not in between."""
    desk = Desk(tmp_path / "hosts")
    desk.turn()
    desk.answered()
    assert [shares.alone for shares in desk.run.allocations] == [True]
    desk.turn(BEAT / 2)
    assert not desk.woken.is_set()
    desk.turn(BEAT / 2)
    desk.answered()
    assert len(desk.run.allocations) == 2
    desk.close()


def test_what_is_known_at_the_end_is_there_for_the_next_run_by_its_own_clock(tmp_path: Path) -> None:
    """A parking is as far away as it was, whatever the new clock's zero means."""
    desk = Desk(tmp_path / "hosts")
    desk.turn()
    desk.close()
    later = Desk(tmp_path / "hosts")
    later.clock.now += 3.0
    known = later.store.recall(A, later.clock.now)
    assert known is not None
    assert (known.latency, known.parked_until) == (0.5, pytest.approx(later.clock.now + 4.0))
    later.close()


def test_a_run_that_was_silent_for_too_long_begins_anew(tmp_path: Path) -> None:
    """It was stopped: before anything else it lets go of all its shares, and asks for them again."""
    desk = Desk(tmp_path / "hosts")
    desk.turn()
    desk.answered()
    desk.turn(EXPIRY)
    assert desk.run.allocations[-1] == SUSPENDED
    desk.answered()
    assert desk.run.allocations[-1].alone
    desk.close()


@pytest.fixture
def impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk that has its share, and whose file waits only a moment for another process."""
    monkeypatch.setattr(host_file, "BUSY_TIMEOUT", 0.02)
    desk = Desk(tmp_path / "hosts")
    desk.turn()
    desk.answered()
    return desk


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process was stopped amid its report."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def test_a_locked_file_is_waited_for_without_shares(tmp_path: Path, impatient: Desk) -> None:
    """The run goes on as soon as the other process does."""
    with locked(tmp_path / "hosts"):
        impatient.turn(BEAT)
        assert not impatient.woken.wait(0.2)
        impatient.turn(EXPIRY)
        assert impatient.run.allocations[-1] == SUSPENDED
    impatient.answered()  # its claims may have expired since that try began
    impatient.answered()
    assert impatient.run.allocations[-1].alone
    impatient.close()


def test_a_file_that_stays_locked_ends_the_run(
    tmp_path: Path, impatient: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says what may have locked it."""
    monkeypatch.setattr(host_store, "LOCKED_FOR", 0.0)
    with locked(tmp_path / "hosts"):
        impatient.turn(BEAT)
        with pytest.raises(OutputError, match="another process has locked it"):
            impatient.answered()
        impatient.close()


def test_a_locked_file_does_not_hold_up_the_end(tmp_path: Path, impatient: Desk) -> None:
    """The run says that what it learned is lost."""
    with locked(tmp_path / "hosts"), pytest.raises(OutputError, match="another process has locked it"):
        impatient.close()


def test_a_file_that_cannot_be_written_any_more_ends_the_run_once(tmp_path: Path) -> None:
    """The engine gets an OutputError, and closing does not raise it again."""
    desk = Desk(tmp_path / "hosts")
    desk.store._file._db.execute("PRAGMA query_only = 1")
    desk.turn()
    with pytest.raises(OutputError, match="readonly"):
        desk.answered()
    desk.close()


def test_a_last_word_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """What a run found out and could not keep is an output that failed."""
    desk = Desk(tmp_path / "hosts")
    desk.turn()
    desk.answered()
    desk.store._file._db.execute("PRAGMA query_only = 1")
    with pytest.raises(OutputError, match="readonly"):
        desk.close()
