"""Fixtures of the tests that run the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from place import Place

from tests.servers.polite import PoliteServer


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A folder to run commands in."""
    return Place(tmp_path)


@pytest.fixture
def web() -> Iterator[PoliteServer]:
    """A server that is well."""
    with PoliteServer() as server:
        yield server
