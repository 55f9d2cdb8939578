"""What is done without: the same as with it, or less, as the module says."""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from scrapepool import fallbacks
from scrapepool.fallbacks import IN, INVALID, OUT, SelectPoll, limit, pread, raise_limit


@pytest.mark.parametrize("there", [True, False])
def test_a_read_at_a_place_leaves_the_position(there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the system's call, and without it."""
    if not there:
        monkeypatch.delattr(os, "pread")
    (tmp_path / "file").write_bytes(b"0123456789")
    with (tmp_path / "file").open("rb", buffering=0) as file:
        file.seek(2)
        assert pread(file.fileno(), 3, 5) == b"567"
        assert pread(file.fileno(), 3, 10) == b""
        assert file.read(1) == b"2"


def test_select_tells_what_poll_tells() -> None:
    """Readable, writable, both, neither, closed; a changed interest, and one that is gone."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for make in (select.poll, SelectPoll):
            poller = make()
            poller.register(ours, IN)
            assert poller.poll(0) == []
            poller.modify(ours, IN | OUT)
            assert poller.poll(0) == [(ours.fileno(), OUT)]
            theirs.send(b"x")
            assert poller.poll(0) == [(ours.fileno(), IN | OUT)]
            assert ours.recv(1) == b"x"
            poller.unregister(ours)
            assert poller.poll(0) == []
            with pytest.raises(KeyError):
                poller.unregister(ours)
            closed = os.dup(ours.fileno())
            poller.register(closed)
            os.close(closed)
            assert poller.poll(0) == [(closed, INVALID)]


def test_select_waits_for_as_long_as_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Milliseconds for poll are seconds for select; None is for ever."""
    waits: list[float | None] = []
    monkeypatch.setattr(select, "select", lambda *args: (waits.append(args[3]), args[:3])[1])
    poller = SelectPoll()
    poller.register(0, IN)
    assert [poller.poll(1500), poller.poll(), poller.poll(0)] == [[(0, IN)]] * 3
    assert waits == [1.5, None, 0.0]


def test_limits_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """An infinite one, one that this system has not, and a system that has none are no limit."""
    limits = {resource.RLIMIT_NOFILE: (10, 20), resource.RLIMIT_AS: (resource.RLIM_INFINITY, resource.RLIM_INFINITY)}
    monkeypatch.setattr(resource, "getrlimit", limits.__getitem__)
    monkeypatch.setattr(resource, "setrlimit", limits.__setitem__)
    assert (limit("NOFILE"), limit("AS"), limit("OF_TOMORROW")) == (10, None, None)
    raise_limit("NOFILE")
    raise_limit("OF_TOMORROW")
    assert limits[resource.RLIMIT_NOFILE] == (20, 20)
    monkeypatch.setattr(fallbacks, "resource", None)
    assert limit("NOFILE") is None
    raise_limit("NOFILE")


def test_a_limit_that_may_not_be_raised_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that refuses is no error: there are fewer descriptors then."""

    def refuse(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    raise_limit("NOFILE")


@pytest.mark.parametrize("hidden", ["fcntl", "termios"])
def test_what_is_unsent_cannot_be_told_everywhere(hidden: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the peer has not taken is counted; 0 where there is no way to know, or no socket any more."""
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        ours.send(b"x" * 1000)
        assert fallbacks.unsent(ours) >= 1000
        monkeypatch.setattr(fallbacks, hidden, None)
        assert fallbacks.unsent(ours) == 0
    assert fallbacks.unsent(ours) == 0


BUSY = "from scrapepool.fallbacks import {call}\n{call}(0.05)\nwhile True: pass"


@pytest.mark.parametrize(("call", "number"), [("limit_cpu", signal.SIGPROF), ("ring_after_cpu", signal.SIGVTALRM)])
def test_cpu_time_ends_a_process(call: str, number: int) -> None:
    """By the signal that its parent knows it by."""
    ended = subprocess.run([sys.executable, "-c", BUSY.format(call=call)], timeout=60, check=False)
    assert ended.returncode == -number
    assert fallbacks.CPU_SIGNAL == signal.SIGPROF
