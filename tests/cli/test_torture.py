"""The short forms of the scripts under ``tests/torture`` that run the whole program."""

from __future__ import annotations

import pytest

from tests.torture import bombs, descriptors, extraction, growth, hostile_lists, nights, pairs, processes, signals

SMALL_BOMB = 64 * 2**20
"""Bytes: what a coding's library would make of it at once would show."""


@pytest.mark.slow
def test_signals_end_runs_whose_workers_are_held() -> None:
    """With every worker stuck, at each point where one can be, a run ends as documented and its records are whole."""
    report = signals.in_a_folder(4, 3, beginning=(0.3, 0.6), again=(0.0, 0.5), once=5)
    assert report.wrong == []
    assert sum(report.codes.values()) == 4


@pytest.mark.slow
def test_bombs_and_endless_bodies_cost_little_memory() -> None:
    """Each ends with its error, and what they decode to is never in memory."""
    pytest.importorskip("brotli", reason="the extra brotli is not installed")
    kinds = bombs.behaviours(SMALL_BOMB)
    report = bombs.run(kinds, 2 * len(kinds), "--max-size", "20MiB", workers=2 * len(kinds))
    assert report.wrong == []
    assert report.most < bombs.CEILING


def test_nothing_fails_for_want_of_descriptors() -> None:
    """More workers and hosts than the process may open files: fewer workers, and no connection forgotten."""
    report = descriptors.run(200, "-o", "FOLDER/records.jsonl", "--robots", hosts=100, tls=True, name=True)
    assert report.wrong == []


@pytest.mark.slow
def test_extraction_processes_may_be_killed_at_any_moment() -> None:
    """Every URL has one record, with the values of its own page or the reason for their absence."""
    pytest.importorskip("selectolax", reason="the extra select is not installed")
    kills, _, findings = extraction.run(60, 1, between=0.4, first=2)
    assert findings == []
    assert kills


@pytest.mark.slow
def test_hostile_lists_come_to_records_and_leave_the_terminal_alone() -> None:
    """Each line that is a target has one record, and no control byte comes out but Rich's own."""
    report = hostile_lists.run(240, explained=2)
    assert report.wrong == []
    assert report.records == report.targets > 200


@pytest.mark.parametrize("text", ["\x1b[5m", "\x1b[2J", "\x1b]0;t\x07", "\x9b2J", "a\rb", "\x7f", "\u202e", "\u2028"])
def test_what_a_terminal_would_obey_is_seen(text: str) -> None:
    """The check finds such characters, and does not report colours, erased lines and cursor moves of Rich."""
    assert list(hostile_lists.unsafe(f"before{text}after"))
    assert not list(hostile_lists.unsafe("\x1b[?25l\x1b[1;31mred\x1b[0m\r\n\r\x1b[2K\x1b[1A\x1b[38;5;12mx\n"))


def test_memory_does_not_grow_with_the_records() -> None:
    """What was recorded is not kept; half of the URLs fail."""
    report = growth.run(3000, growth.FAILS, *growth.FAILING, hosts=4)
    assert report.wrong == []
    assert report.growth < growth.LIMIT


@pytest.mark.slow
def test_pairs_of_outputs_survive_kills_and_other_hands() -> None:
    """A record implies its row and its body, no body is left without a record, and what is touched is said."""
    pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
    report = pairs.random_kills(3, 5, urls=100)
    pairs.random_hands(2, 5, report, urls=100)
    assert report.wrong == []
    assert report.kills


@pytest.mark.slow
def test_changes_are_right_though_each_night_is_killed() -> None:
    """A site that changes every night, fetched with --since, with and without a kill and --resume."""
    report = nights.run_nights(80, 3, 1, 2)
    assert report.wrong == []
    assert report.compared[nights.KILLED] == report.compared[nights.SINCE] == 2 * 80
    assert report.cut


@pytest.mark.slow
def test_worker_processes_and_their_run_may_be_killed_at_any_moment() -> None:
    """Nothing is lost and nothing is there twice, in every output, and no worker process outlives its run."""
    report = processes.random_kills(4, 3, urls=120)
    assert report.wrong == []
    assert report.kills == 4
