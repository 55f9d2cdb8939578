"""What one task of a shard tells the next."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cluster_cases import job, snapshot

from scrapepool.record.parts.part_folder import LocalParts
from scrapepool.run.cluster.shard_job import ShardReport
from scrapepool.run.cluster.shard_state import read_state, state_name, write_state


def test_a_task_knows_what_another_of_its_run_left(tmp_path: Path) -> None:
    """Nothing, that it began, or its figures; what another run left says nothing."""
    folder, one = LocalParts(str(tmp_path), None), job(tmp_path, [])
    assert not read_state(folder, one).begun
    write_state(folder, one)
    assert (read_state(folder, one).begun, read_state(folder, one).report) == (True, None)
    last = snapshot(done=3, total=3, outcomes={"ok": 3}, elapsed=1.5)
    write_state(folder, one, ShardReport(0, last, passed_over=2, failures=1))
    report = read_state(folder, one).report
    assert report is not None
    assert (report.snapshot, report.passed_over, report.failures) == (last, 2, 1)
    assert not read_state(folder, replace(one, run="other")).begun
    (tmp_path / state_name(0)).write_text("{")
    assert not read_state(folder, one).begun
