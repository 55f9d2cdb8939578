"""Standard streams that are closed."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import pytest

from scrapepool.cli import standard_streams
from scrapepool.cli.standard_streams import echo, secure, warn
from scrapepool.errors import OutputError


def test_a_closed_descriptor_is_opened_so_that_it_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise it would become the next file or socket."""
    opened: list[tuple[str, int]] = []

    def fstat(fd: int) -> None:
        if fd != 1:
            raise OSError(9, "Bad file descriptor")

    system = SimpleNamespace(
        fstat=fstat, open=lambda *args: opened.append(args), devnull=os.devnull, O_RDONLY=0, O_WRONLY=1
    )
    monkeypatch.setattr(standard_streams, "os", system)
    monkeypatch.setattr(sys, "stderr", None)
    secure()
    assert opened == [(os.devnull, 1), (os.devnull, 0)]
    warn("lost")
    sys.stderr.close()


def test_text_for_a_closed_standard_output_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reported, and nothing else is raised."""
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(OutputError, match="closed"):
        echo("text")
