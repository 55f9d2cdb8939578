"""An archive that is written by a process of its own: what counts as kept, and what becomes of its troubles."""

from __future__ import annotations

import os
import resource
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from scrapepool import worker_process
from scrapepool.errors import LockedError, OutputError
from scrapepool.model import Span, Transcript
from scrapepool.record.safe_io.lock import open_locked
from scrapepool.record.warc import ArchiveProcess, WarcArchive, process
from scrapepool.settings import WarcSettings
from tests.record.record_cases import fetched
from tests.record.warc.warc_cases import of_kind, records, transcript
from tests.torture.warc import index_by_warcio, index_of

SOON = 60.0
"""Seconds within which whatever is to happen has long happened."""


def opened(path: Path, **options: Any) -> ArchiveProcess:
    return ArchiveProcess(WarcSettings(path=str(path), overwrite=True), {"software": "scrapepool/0"}, **options)


def in_file(folder: Path, one: Transcript) -> Transcript:
    """The same with its response in a file, as a capture leaves it."""
    assert isinstance(one.response, bytes)
    path = folder / "response"
    path.write_bytes(b"before" + one.response + b"behind")
    file = path.open("rb")
    path.unlink()
    return one._replace(response=Span(file, 6, len(one.response)))


def await_kept(made: ArchiveProcess, count: int) -> None:
    end = time.monotonic() + SOON
    while made.kept < count and time.monotonic() < end:
        made.write([])
    assert made.kept == count


@pytest.mark.slow
def test_what_it_writes_is_what_is_written_here(tmp_path: Path) -> None:
    """In memory and in files, in one go and in several, the same records in the same order."""
    bodies = [os.urandom(100), b"", os.urandom(2_000_000), b"same", b"same"]
    here = WarcArchive(WarcSettings(path=str(tmp_path / "here.warc.gz")), {"software": "scrapepool/0"})
    there = opened(tmp_path / "there.warc.gz")
    for batch in ([0, 1], [2, 3, 4]):
        ones = [transcript(f"{n}", bodies[n]) for n in batch]
        here.keep(ones)
        there.keep([in_file(tmp_path, one) if len(one.response) > 1_000_000 else one for one in ones])
    here.close()
    there.close()
    expected, found = records(tmp_path / "here.warc.gz"), records(tmp_path / "there.warc.gz")
    assert [(one.kind, one.block) for one in found] == [(one.kind, one.block) for one in expected]
    assert all(one.verified for one in found if one.kind != "revisit")
    assert len(of_kind("revisit", found)) == 1


def test_an_outcome_is_kept_once_its_exchanges_are_written(tmp_path: Path) -> None:
    """Not while the process has not answered; an outcome without any is kept with those before it."""
    path = tmp_path / "a.warc"
    made = opened(path)
    os.kill(made._process.pid, signal.SIGSTOP)
    try:
        made.keep([transcript(f"{n}") for n in range(9)])
        made.write([fetched()])
        made.write([fetched(), fetched()])
        assert made.kept == 0
    finally:
        os.kill(made._process.pid, signal.SIGCONT)
    await_kept(made, 3)
    assert len(of_kind("response", records(path))) == 9
    made.close()


def test_exchanges_are_waited_for_where_few_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that on slow hosts a record comes with its page, and not with the next one."""
    monkeypatch.setattr(process, "IDLE_AFTER", 0.0)
    path = tmp_path / "a.warc"
    made = opened(path)
    for n in range(5):
        made.keep([transcript(f"{n}")])
        made.write([fetched()])
        assert made.kept == n + 1
        assert len(of_kind("response", records(path))) == n + 1
    made.close()


@pytest.mark.slow
def test_closing_waits_for_all_that_was_given(tmp_path: Path) -> None:
    """And a second time is nothing."""
    path = tmp_path / "a.warc.gz"
    made = opened(path)
    for n in range(20):
        made.keep([transcript(f"{n}-{m}", os.urandom(1000)) for m in range(50)])
        made.write([fetched()])
    made.close()
    assert made.kept == 20
    assert len(of_kind("response", records(path))) == 1000
    assert made._process.poll() == 0
    made.close()


def test_signals_are_the_runs_to_hear(tmp_path: Path) -> None:
    """Ctrl-C and SIGTERM reach a whole group of processes; what is archived must still be written."""
    made = opened(tmp_path / "a.warc")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(made._process.pid, number)
    made.keep([transcript()])
    made.close()
    assert len(records(tmp_path / "a.warc")) == 4


@pytest.mark.slow
def test_a_process_that_dies_is_an_output_that_cannot_be_written(tmp_path: Path) -> None:
    """What it had not answered for is not kept, whatever is called next."""
    path = tmp_path / "a.warc"
    for call in ("keep", "write", "close"):
        made = opened(path)
        made.keep([transcript("a")])
        made.write([fetched()])
        made._process.kill()
        made._process.wait()
        with pytest.raises(OutputError, match=r"a.warc: the process that writes it was killed by SIGKILL"):
            for _ in range(3):
                made.keep([transcript("b")])
            made.write([fetched()])
            if call != "close":
                getattr(made, call)([])
            made.close()
        assert made.kept == 1
        with pytest.raises(OutputError):
            made.close()


@pytest.mark.slow
def test_an_index_is_right_after_its_process_was_killed_and_the_run_resumed(tmp_path: Path) -> None:
    """Nothing that was answered for is lost, of files before the last one and of the last."""
    path = tmp_path / "a.warc.gz"
    settings = WarcSettings(path=str(path), size=3000, cdx=True)
    made = ArchiveProcess(settings, {})
    made.keep([transcript(f"{n}", os.urandom(500)) for n in range(9)])
    made.write([fetched()])
    await_kept(made, 1)
    made.keep([transcript(f"more{n}", os.urandom(500)) for n in range(9)])
    made._process.kill()
    with pytest.raises(OutputError):
        made.close()
    resumed = ArchiveProcess(settings, {}, resume=True)
    resumed.keep([transcript("last")])
    resumed.close()
    files = list(tmp_path.glob("*.warc.gz"))
    assert len(files) > 2
    for file in files:
        assert sorted(map(repr, index_of(file))) == sorted(map(repr, index_by_warcio(file)))
    names = {said["url"].rpartition("/")[2] for file in files for _, said in index_of(file)}
    assert names >= {*map(str, range(9)), "last"}


def test_a_full_disk_is_told_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if it were written here, and what is in the file is whole."""
    path = tmp_path / "a.warc"
    monkeypatch.setattr(process, "IDLE_AFTER", 0.0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        made = opened(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    made.keep([transcript("a")])
    with pytest.raises(OutputError, match=r"cannot write .*a\.warc: File too large"):
        for _ in range(100):  # the process needs a moment until it reports that
            made.keep([transcript("b", os.urandom(20_000))])
            made.write([fetched()])
    with pytest.raises(OutputError, match="File too large"):
        made.close()
    assert made.kept == 0
    assert [record.kind for record in records(path)[:4]] == ["warcinfo", "response", "request", "metadata"]


@pytest.mark.slow
def test_troubles_with_opening_come_before_anything_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the words that they have here."""
    with pytest.raises(OutputError, match="its folder does not exist"):
        opened(tmp_path / "missing" / "a.warc")
    (tmp_path / "other.warc").write_bytes(b"not an archive")
    with pytest.raises(OutputError, match="it is not a WARC file"):
        opened(tmp_path / "other.warc", resume=True)
    monkeypatch.setattr(worker_process, "_PROGRAM", "raise SystemExit(3)")
    with pytest.raises(OutputError, match="the process that writes it ended with exit code 3"):
        opened(tmp_path / "a.warc")
    monkeypatch.setattr(worker_process.sys, "executable", "/nonexistent")
    with pytest.raises(OutputError, match="cannot start the process that writes it: No such file or directory"):
        opened(tmp_path / "a.warc")


def test_notes_come_through(tmp_path: Path) -> None:
    """A message says what was cut off."""
    path = tmp_path / "a.warc"
    path.write_bytes(b"WARC/1.1\r\n")
    notes: list[str] = []
    opened(path, resume=True, on_note=notes.append).close()
    assert notes == [f"{path}: the last record was not whole, its 10 bytes were cut off"]


def test_a_stop_while_it_opens_ends_it(tmp_path: Path) -> None:
    """Reading a long archive takes its time."""
    with pytest.raises(KeyboardInterrupt):
        opened(tmp_path / "a.warc", resume=True, should_stop=lambda: True)


def test_a_run_that_was_killed_a_moment_ago_is_waited_for(tmp_path: Path) -> None:
    """Its archive's process writes what it was given before it lets go; a run that goes on does not."""
    path = tmp_path / "a.warc"
    held = open_locked(str(path))
    timer = threading.Timer(0.3, os.close, [held])
    timer.start()
    made = opened(path, resume=True)
    timer.join()
    made.close()


@pytest.mark.slow
def test_two_runs_cannot_write_one_archive(tmp_path: Path) -> None:
    """The second gives up when the first goes on for longer than one that was killed."""
    path = tmp_path / "a.warc"
    made = opened(path)
    with pytest.raises(LockedError, match="another run is writing"):
        opened(path, resume=True)
    made.close()
