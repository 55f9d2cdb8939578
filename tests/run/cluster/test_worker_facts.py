"""Versions and files of workers, compared with those of the run."""

from __future__ import annotations

from pathlib import Path

from scrapepool.run.cluster.worker_facts import Facts, differences, facts, faults
from scrapepool.version import __version__

OURS = Facts("1.0", "3.11", (), '{"shards": 8}')


def test_facts_of_this_process(tmp_path: Path) -> None:
    """What it reads, and what it cannot."""
    (tmp_path / "_run.json").write_text("{}")
    found = facts([str(tmp_path / "_run.json"), "/nonexistent"], f"{tmp_path}/")
    assert (found.version, found.missing, found.about) == (__version__, ("/nonexistent",), "{}")
    assert facts([], "/dev/null/").about == ""


def test_workers_that_cannot_run_shards() -> None:
    """One sentence for each, with what to do."""
    others = {
        "tcp://a": OURS,
        "tcp://b": OURS._replace(version="0.9"),
        "tcp://c": OURS._replace(missing=("urls.txt",)),
        "tcp://d": OURS._replace(about=""),
        "tcp://e": OURS._replace(about='{"shards": 4}'),
        "tcp://f": ModuleNotFoundError("No module named 'scrapepool'"),
    }
    said = list(faults(OURS, others, "out/"))
    assert said == [
        "tcp://b has scrapepool 0.9, and this is 1.0; install the same version",
        "tcp://c cannot read urls.txt; put it into a folder that all machines share",
        "tcp://d does not see out/ as this machine does; use a folder that all machines share",
        "tcp://e does not see out/ as this machine does; use a folder that all machines share",
        "scrapepool cannot be run on tcp://f: No module named 'scrapepool'; install the same version on all workers",
    ]


def test_other_pythons_are_only_reported() -> None:
    """They may do no harm."""
    others = {"tcp://a": OURS, "tcp://b": OURS._replace(python="3.13"), "tcp://c": ValueError()}
    assert list(differences(OURS, others)) == ["workers run Python 3.13, and this is 3.11"]
    assert not list(differences(OURS, {"tcp://a": OURS}))
