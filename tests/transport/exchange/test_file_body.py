"""Bodies that become files are taken in beside the loop: a slow disk holds up no other lease."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scrapepool.folder import Folder
from scrapepool.model import Fetched
from scrapepool.ports import Done
from scrapepool.transport.exchange.partial_files import PartialFile, PartialFiles
from scrapepool.transport.work.loop import Loop
from tests.servers.polite import PoliteServer
from tests.transport.fetching import lease_context, work

SLOW = 30.0
"""Seconds that a write takes at most: as long as pages of another host are out."""


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[PartialFiles]:
    with Folder(str(tmp_path), os.O_RDONLY) as folder:
        yield PartialFiles(folder)


@pytest.mark.parametrize("path", ["/bytes/3000000", "/bytes/200000", "/chunked/200000", "/gzip/300000"])
def test_a_slow_disk_holds_up_nobody_else(parts: PartialFiles, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """Long bodies, short ones, those of unknown length and coded ones are written on other threads."""
    written: set[threading.Thread] = set()
    all_but_one = threading.Event()
    write = PartialFile.write

    def slow(part: PartialFile, data: Any) -> None:
        written.add(threading.current_thread())
        all_but_one.wait(SLOW)
        write(part, data)

    monkeypatch.setattr(PartialFile, "write", slow)
    with PoliteServer(2) as server, lease_context(parts=parts, timeouts={"read": 30.0, "total": 60.0}) as made:
        loop = Loop(made)
        saved = work(server.url(path))
        loop.submit(saved)
        others = [work(server.url(f"/ok?{number}", host=1)) for number in range(30)]
        for one in others:
            loop.submit(one)
        back = list[Done]()
        while len(back) < len(others) + 1:
            back += [one for one in loop.wait(60) if isinstance(one, Done)]
            if len(back) == len(others):
                all_but_one.set()
    assert back[-1].work is saved
    (result,) = back[-1].results
    assert isinstance(result, Fetched)
    assert result.saved is not None
    assert written
    assert threading.current_thread() not in written
