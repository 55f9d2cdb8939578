"""Files in places that other users may write to."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from scrapepool import owned_file as module
from scrapepool.owned_file import open_own

WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


def test_a_descriptor_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``on_full`` may make room; where there is none in time, the message says what to do."""
    full = [OSError(errno.EMFILE, "Too many open files")]
    open_file = os.open

    def open_if_room(*args: object, **options: object) -> int:
        if full:
            raise full[0]
        return open_file(*args, **options)  # type: ignore[arg-type]

    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(os, "open", open_if_room)
    monkeypatch.setattr(module.time, "sleep", sleep)
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    name = str(tmp_path / "file")
    with pytest.raises(OSError, match="raise ulimit -n, or use fewer workers"):
        open_own(name, WRITE)
    assert now >= module.DESCRIPTOR_TIMEOUT
    os.close(open_own(name, WRITE, on_full=full.clear))
