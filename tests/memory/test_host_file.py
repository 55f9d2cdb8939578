"""The file of a host memory: what it keeps, who shares it, and what is wrong with others."""

from __future__ import annotations

import sqlite3
from math import inf
from pathlib import Path

import pytest

from scrapepool.errors import OutputError, UsageError
from scrapepool.memory.host_file import EXPIRY, REMEMBERED, VERSION, HostFile, Report
from scrapepool.memory.host_rows import known_in
from scrapepool.model import HostKey
from scrapepool.schedule.robots import RobotsVerdict
from scrapepool.schedule.sharing.host_quota import QuotaRequest
from scrapepool.schedule.sharing.host_state import HostState
from scrapepool.transport.robots.rules import Rules

A, B = HostKey("https", "a.test", 443), HostKey("http", "b.test", 8080)
NOW = 1_900_000_000.0


def known_of(file: HostFile, host: HostKey, agent: str = "scrapepool") -> HostState | None:
    row = file.row(host)
    return None if row is None else known_in(row, Rules, lambda: agent)


def claim(**values: float) -> QuotaRequest:
    return QuotaRequest(**{"most": 4, "wants": 4, "held": 0, **values})  # type: ignore[arg-type]


def test_what_was_found_out_is_there_again(tmp_path: Path) -> None:
    """Every value of a host, through a file that was closed in between."""
    known = HostState(0.25, 2, 0.5, NOW + 1, NOW + 2, NOW - 3)
    file = HostFile(str(tmp_path / "hosts"))
    file.exchange(Report(alone=True, known={A: known}), NOW)
    file.close()
    file = HostFile(str(tmp_path / "hosts"))
    assert known_of(file, A) == known
    assert known_of(file, B) is None
    file.close()


def test_a_robots_txt_is_kept_for_its_agent(tmp_path: Path) -> None:
    """Its rules decide as they did; another agent does not go by them; a missing one holds for all."""
    rules = Rules([("/a*z", False), ("/abcz$", True), ("/x", False)], 2.0)
    file = HostFile(str(tmp_path / "hosts"))
    robots = {A: (RobotsVerdict(rules, 2.0, agent="scrapepool"), NOW - 5), B: (RobotsVerdict(), NOW)}
    file.exchange(Report(alone=True, known={A: HostState(0.1)}, robots=robots), NOW)
    known = known_of(file, A, "ScrapePool")
    assert known is not None
    assert known.robots is not None
    assert (known.robots.crawl_delay, known.robots_at, known.latency) == (2.0, NOW - 5, 0.1)
    again = known.robots.rules
    assert again is not None
    for path in ("/abz", "/abcz", "/x/y", "/other", "/abcz?"):
        assert again.refusing(path) == rules.refusing(path)
    other = known_of(file, A, "other")
    assert other is not None
    assert (other.robots, other.latency) == (None, 0.1)
    missing = known_of(file, B, "other")
    assert missing is not None
    assert missing.robots == RobotsVerdict()
    file.exchange(Report(alone=True, known={A: HostState(0.3)}), NOW)
    kept = known_of(file, A)
    assert kept is not None
    assert kept.robots is not None, "what a run has not asked for, it does not forget"
    file.close()


def test_a_host_is_dead_since_it_was_first_found_so(tmp_path: Path) -> None:
    """A run that finds it down again changes nothing; one that finds it up forgets it; parkings only grow."""
    file = HostFile(str(tmp_path / "hosts"))
    for dead_since, parked, expected in [(NOW, 7.0, NOW), (NOW + 9, 5.0, NOW), (None, -inf, None), (NOW, 0.0, NOW)]:
        file.exchange(Report(alone=True, known={A: HostState(parked_until=parked, dead_since=dead_since)}), NOW)
        known = known_of(file, A)
        assert known is not None
        assert (known.dead_since, known.parked_until) == (expected, 7.0)
    file.close()


def test_a_run_that_joins_waits_until_the_other_has_named_its_claims(tmp_path: Path) -> None:
    """Alone nobody names any; with two, each gets its half once the first has said what it holds, and let go of it."""
    first, second = HostFile(str(tmp_path / "hosts")), HostFile(str(tmp_path / "hosts"))
    assert first.exchange(Report(alone=False, claims={A: claim()}), NOW).alone
    assert second.exchange(Report(alone=False, claims={A: claim()}), NOW) == (False, {})
    assert first.exchange(Report(alone=True), NOW) == (False, {})
    assert second.exchange(Report(alone=False, claims={A: claim()}), NOW) == (False, {})
    assert first.exchange(Report(alone=False, claims={A: claim(held=3), B: claim(held=1)}), NOW).grants[A].slots == 2
    assert second.exchange(Report(alone=False, claims={A: claim()}), NOW).grants[A].slots == 1
    assert first.exchange(Report(alone=False, claims={A: claim(held=2)}), NOW).grants[A].slots == 2
    assert second.exchange(Report(alone=False, claims={A: claim(held=1)}), NOW).grants[A].slots == 2
    first.exchange(Report(alone=False, leaving=True), NOW)
    shares = second.exchange(Report(alone=False, claims={A: claim(held=2)}), NOW)
    assert (shares.alone, shares.grants[A].slots) == (True, 4)
    first.close()
    second.close()


def test_the_share_of_a_run_that_was_killed_is_free_when_it_expires(tmp_path: Path) -> None:
    """Not sooner; and with a delay, only after the delay: nobody knows when it last started."""
    killed, other = HostFile(str(tmp_path / "hosts")), HostFile(str(tmp_path / "hosts"))
    slow = claim(delay=5.0, parked_until=NOW + 99)
    killed.exchange(Report(alone=False), NOW)
    other.exchange(Report(alone=False, claims={A: slow, B: claim()}), NOW)
    killed.exchange(Report(alone=False, claims={A: slow._replace(held=4), B: claim(held=4)}), NOW)
    shares = other.exchange(Report(alone=False, claims={A: slow, B: claim()}), NOW + EXPIRY)
    assert (shares.alone, shares.grants[A].slots, shares.grants[B].slots) == (False, 0, 0)
    gone = NOW + EXPIRY + 0.1
    shares = other.exchange(Report(alone=False, claims={A: slow, B: claim()}), gone)
    assert (shares.alone, shares.grants[A], shares.grants[B].slots) == (True, (4, gone + 5.0, NOW + 99), 4)
    back = killed.exchange(Report(alone=False, claims={A: slow, B: claim()}), gone)
    assert (back.alone, back.grants) == (False, {}), "who was taken for gone begins anew"
    killed.close()
    other.close()


def test_hosts_that_nobody_asks_any_more_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a month, when the file is next opened."""
    file = HostFile(str(tmp_path / "hosts"))
    file.exchange(Report(alone=True, known={A: HostState(0.1)}), NOW)
    file.exchange(Report(alone=True, known={B: HostState(0.1)}), NOW + 10)
    file.close()
    monkeypatch.setattr("time.time", lambda: NOW + REMEMBERED + 5)
    file = HostFile(str(tmp_path / "hosts"))
    assert (known_of(file, A), known_of(file, B)) == (None, HostState(0.1, free_at=0.0, parked_until=0.0))
    file.close()


def foreign(path: Path) -> None:
    path.write_text("https://example.org/\n")


def somebody_elses(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE host (name)")
    db.close()


def newer(path: Path) -> None:
    HostFile(str(path)).close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()


def damaged(path: Path) -> None:
    HostFile(str(path)).close()
    path.write_bytes(path.read_bytes()[:100] + bytes(range(256)) * 16)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (foreign, "not a host memory of scrapepool; name another file"),
        (somebody_elses, "not a host memory of scrapepool; name another file"),
        (newer, "written by a newer version of scrapepool"),
        (damaged, "not a host memory of scrapepool, or a damaged one"),
    ],
)
def test_what_is_no_host_memory_is_refused_and_not_touched(spoil, says: str, tmp_path: Path) -> None:
    """The error names the file and says what is wrong with it."""
    path = tmp_path / "hosts"
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(UsageError, match=f"^{path}: {says}"):
        HostFile(str(path))
    assert path.read_bytes() == before


def test_a_file_that_cannot_be_made_or_written_is_an_output_error(tmp_path: Path) -> None:
    """A folder that is not there, a folder for a file, and a file whose pages fail later."""
    with pytest.raises(OutputError, match="its folder does not exist"):
        HostFile(str(tmp_path / "missing" / "hosts"))
    with pytest.raises(OutputError, match="Is a directory"):
        HostFile(str(tmp_path))
    file = HostFile(str(tmp_path / "hosts"))
    file._db.execute("PRAGMA query_only = 1")  # as a disk that was mounted anew would be
    with pytest.raises(OutputError, match="attempt to write a readonly database"):
        file.exchange(Report(alone=True), NOW)
    file.close()


def test_another_run_may_create_the_file_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs that begin at the same moment find the same file, whichever of them writes it."""
    path = str(tmp_path / "hosts")
    read = HostFile._pragma
    others: list[HostFile] = []

    def read_while_another_run_begins(file: HostFile, name: str) -> int:
        value = read(file, name)
        if not others:
            others.append(file)
            others.append(HostFile(path))
        return value

    monkeypatch.setattr(HostFile, "_pragma", read_while_another_run_begins)
    HostFile(path).close()
    others[1].close()
