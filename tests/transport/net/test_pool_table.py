"""Tests PoolTable: which pool is dropped, and that urllib3 can use it."""

from __future__ import annotations

import pytest

from scrapepool.transport.net.pool_table import PoolTable


def test_the_pool_that_was_unused_for_longest_is_dropped() -> None:
    """A look-up counts as a use, a snapshot does not."""
    dropped: list[str] = []
    table = PoolTable(2, dropped.append)
    table["a"], table["b"] = "A", "B"
    assert table.get("a") == "A"
    assert table.snapshot() == ["B", "A"]
    table["c"] = "C"
    assert (dropped, table.keys(), len(table)) == (["B"], {"a", "c"}, 2)
    assert table["a"] == "A"
    table["d"] = "D"
    assert dropped == ["B", "C"]
    assert repr(table) == "<PoolTable 2 of 2>"


def test_a_pool_that_is_replaced_or_deleted_is_dropped() -> None:
    """Each pool that leaves the table is passed on once, also after ``clear``."""
    dropped: list[str] = []
    table = PoolTable(3, dropped.append)
    for name in "abc":
        table[name] = name
    table["a"] = "new"
    del table["b"]
    assert dropped == ["a", "b"]
    assert sorted(table) == ["a", "c"]
    table.clear()
    assert dropped[2:] == ["c", "new"]
    assert table.get("a", "none") == "none"
    with pytest.raises(KeyError):
        table["a"]


def test_a_pool_is_made_once() -> None:
    """Obtaining it again counts as a use, and one that is made may drop another."""
    dropped: list[str] = []
    made: list[str] = []
    table = PoolTable(2, dropped.append)

    def make(key: str) -> str:
        made.append(key)
        return key.upper()

    assert [table.obtain(key, make) for key in "abaca"] == ["A", "B", "A", "C", "A"]
    assert (made, dropped) == (["a", "b", "c"], ["B"])
