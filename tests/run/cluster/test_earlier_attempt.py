"""What a task that was killed has recorded counts in the report of the next."""

from __future__ import annotations

import json
from pathlib import Path

from cluster_cases import job, snapshot

from scrapepool.record.parts.part_folder import LocalParts
from scrapepool.run.cluster.earlier_attempt import earlier_records


def line(number: int, outcome: str, error: str | None = None) -> str:
    return json.dumps({"url": f"https://a.example/{number}", "outcome": outcome, "error": error}) + "\n"


def test_records_that_stay_are_counted(tmp_path: Path) -> None:
    """Of all parts of the shard; what is recorded again is left out, and so is a part that is there twice."""
    (tmp_path / "part-00000-00000.jsonl").write_text(line(1, "ok") + line(2, "failed", "dns"))
    (tmp_path / ".part-00000-00000.jsonl").write_text(line(1, "ok"))
    (tmp_path / "part-00001-00000.jsonl").write_text(line(3, "ok"))
    again = [line(5, "failed", "interrupted"), line(6, "deferred"), line(7, "skipped", "duplicate"), '{"url":"to']
    (tmp_path / ".part-00000-00001.jsonl").write_text(line(4, "ok") + "".join(again))
    found = earlier_records(LocalParts(str(tmp_path), None), job(tmp_path, [], 0, 2))
    assert (found.outcomes, found.errors, found.failures) == ({"ok": 2, "failed": 1}, {"dns": 1}, 1)
    whole = found.added_to(snapshot(done=1, total=2, outcomes={"ok": 1}))
    assert (whole.done, whole.total, whole.outcomes, whole.errors) == (4, 5, {"ok": 3, "failed": 1}, {"dns": 1})


def test_what_cannot_be_read_counts_as_nothing(tmp_path: Path) -> None:
    """The task that reads it as its journal says what is wrong."""
    (tmp_path / "part-00000-00000.jsonl").write_text("no record\n")
    assert not earlier_records(LocalParts(str(tmp_path), None), job(tmp_path, [])).outcomes
