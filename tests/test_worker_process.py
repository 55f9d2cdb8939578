"""Worker processes are of the same version as the process that starts them."""

from __future__ import annotations

from pathlib import Path

import pytest

from scrapepool.worker_process import death_of, spawn


def test_another_version_on_the_path_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a checkout that is run beside an installed release: what they send each other would differ."""
    (tmp_path / "scrapepool").mkdir()
    (tmp_path / "scrapepool" / "__init__.py").write_text("raise SystemExit(7)")
    monkeypatch.syspath_prepend(tmp_path)
    process, pipe = spawn("scrapepool.extract.extract_process")
    pipe.close()
    assert process.wait(60) == 0


def test_what_killed_a_process() -> None:
    """Also a real-time signal, which has no name."""
    assert [death_of(code) for code in (0, 3, -9, -40)] == [None, None, "SIGKILL", "signal 40"]
