"""Threads and a limit on the address space."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace

import pytest

from scrapepool.run import address_space


@pytest.mark.parametrize(("limit", "asked"), [(None, []), (200_000_000, [(-8, 1)])])
def test_one_arena_where_there_is_a_limit(
    limit: int | None, asked: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """M_ARENA_MAX is set to one, and left alone where there is no limit."""
    calls: list[tuple[int, int]] = []
    monkeypatch.setattr(address_space, "limit", lambda name: {"AS": limit}[name])
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace(mallopt=lambda *args: calls.append(args)))
    address_space.share_one_arena_if_limited()
    assert calls == asked


@pytest.mark.parametrize("error", [OSError, AttributeError])
def test_a_c_library_without_such_a_call(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no arenas to share."""

    def refuse(_: object) -> None:
        raise error

    monkeypatch.setattr(address_space, "limit", lambda _: 1)
    monkeypatch.setattr(ctypes, "CDLL", refuse)
    address_space.share_one_arena_if_limited()
