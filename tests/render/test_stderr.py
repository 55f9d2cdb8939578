"""Standard error for views: nothing that is wrong with it stops a run."""

from __future__ import annotations

import io
import os

import pytest

from scrapepool.render import stderr
from scrapepool.render.stderr import Stderr


class Stream(io.StringIO):
    """A stream over a descriptor. fails: raised by what asks it something."""

    def __init__(self, fd: int | None, fails: Exception | None = None) -> None:
        super().__init__()
        self._descriptor, self._fails = fd, fails

    def fileno(self) -> int:
        if self._descriptor is None:
            raise OSError("no descriptor")
        return self._descriptor

    def isatty(self) -> bool:
        if self._fails is not None:
            raise self._fails
        return False


def test_without_a_descriptor_text_goes_to_the_stream() -> None:
    """Streams in tests and in notebooks have none."""
    stream = Stream(None, ValueError("closed"))
    view = Stderr(stream, synchronized=True)
    assert (view.ready(), view.write("a"), view.width(), view.isatty(), view.in_background()) == (
        True, 1, 80, False, False,
    )  # fmt: skip
    assert stream.getvalue() == "\x1b[?2026ha\x1b[?2026l"
    stream.close()
    assert view.write("lost") == 4


def test_a_full_pipe_that_does_not_block_loses_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run does not wait for its reader, and what fits has arrived."""
    monkeypatch.setattr(stderr, "_WRITE_TIMEOUT", 0.001)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    view = Stderr(Stream(writer))
    assert view.write("x" * 2_000_000) == 2_000_000
    assert not view.ready()
    assert os.read(reader, 10) == b"x" * 10
    os.close(reader)
    os.close(writer)
    assert view.write("lost") == 4


def test_a_system_that_cannot_poll_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """No error is raised."""

    class Poller:
        def register(self, fd: int, events: int) -> None: ...

        def poll(self, timeout: float) -> list[tuple[int, int]]:
            raise OSError("cannot")

    monkeypatch.setattr(stderr, "poll", Poller)
    assert not Stderr(Stream(2)).ready()
