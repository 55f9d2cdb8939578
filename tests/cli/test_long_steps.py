"""Long steps before and after the fetching have a line of their own, and do not count into the rate."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from place import Place
from running import TIMEOUT

from scrapepool.cli.fetching.long_steps import finishing, opening, step
from scrapepool.ports import NoView
from scrapepool.render.plain import PlainView
from scrapepool.settings import Settings
from tests.servers.polite import PoliteServer


class Steps(NoView):
    """A view that keeps the lines of steps. shown: is set by the first of them."""

    def __init__(self) -> None:
        self.lines: list[str | None] = []
        self.shown = threading.Event()

    def step(self, line: str | None, seconds: float) -> None:
        self.lines.append(line)
        self.shown.set()


def test_a_long_step_is_shown_and_leaves_its_duration() -> None:
    """Its line says how far it is. A short step shows nothing."""
    view, notes = Steps(), list[str]()
    with step(view, "reading a.jsonl", lambda: "7 records", note=notes.append, appears=0.001, noted=0.0):
        assert view.shown.wait(TIMEOUT)
    assert view.lines[0] == "reading a.jsonl: 0:00, 7 records"
    assert view.lines[-1] is None
    assert notes == ["reading a.jsonl: 0:00, 7 records"]
    quick = Steps()
    with step(quick, "reading a.jsonl", note=notes.append), step(quick, None, note=notes.append):
        pass
    assert (quick.lines, len(notes)) == ([], 1)


def test_plain_progress_has_a_line_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    """That holds however often the step is reported."""
    import sys

    view = PlainView(sys.stderr, clock=lambda: "12:00:00")
    for second in range(35):
        view.step(f"reading: {second}", float(second))
    view.step(None, 35.0)
    view.step("another: 10", 10.0)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"12:00:00  {line}" for line in ("reading: 10", "reading: 20", "reading: 30", "another: 10")]


def test_which_steps_there_are() -> None:
    """Those that the outputs of the run have."""
    settings = Settings()
    assert (opening(settings), finishing(settings)) == (None, None)
    resumed = settings.with_(output={"path": "o.jsonl", "resume": "failed", "parquet": "o.parquet"})
    assert opening(resumed) == "reading the records of o.jsonl"
    assert finishing(resumed) == "finishing o.parquet"
    archived = settings.with_(warc={"path": "o.warc.gz", "dedup": ("a.warc.gz",)})
    assert opening(archived) == "reading earlier archives"
    assert finishing(archived) == "finishing o.warc.gz"


def test_steps_are_shown_and_the_rate_is_without_them(
    place: Place, web: PoliteServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Every kind of step of a run with earlier records leaves a line here, where each counts as long."""
    monkeypatch.setattr(step.__wrapped__, "__kwdefaults__", {"appears": 0.0001, "noted": 0.0})  # type: ignore[attr-defined]
    urls = [web.url(f"/{number}") for number in range(3)]
    place.write("urls.txt", "\n".join(urls))
    args = ("fetch", "urls.txt", "--no-robots", "-o", "o.jsonl", "--sqlite", "o.db", "--summary-json", "s.json")
    assert place.run(*args).code == 0
    ran = place.run(*args, "--resume")
    assert "reading the records of o.jsonl: 0:00, 3 finished URLs" in ran.err
    assert "finishing o.db: 0:00" in ran.err
    ran = place.run(*args[:4], "new.jsonl", "--since", "o.jsonl", "--summary-json", "s.json")
    assert "reading o.jsonl: 0:00, 3 records" in ran.err
    assert json.loads((tmp_path / "s.json").read_text())["rate"] > 0


def test_the_reason_of_an_early_stop_comes_before_the_summary(place: Place, web: PoliteServer) -> None:
    """Somebody who reads only the first line of the end knows why."""
    place.write("urls.txt", "\n".join(web.url(f"/{number}") for number in range(5)))
    lines = place.run("fetch", "urls.txt", "--no-robots", "-o", "o.jsonl", "--limit", "2").err.splitlines()
    reason = next(number for number, line in enumerate(lines) if "are left for another run" in line)
    summary = next(number for number, line in enumerate(lines) if line.startswith(("stopped ", "done ")))
    assert reason < summary
