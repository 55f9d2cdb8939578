"""Rows are found again by their tickets, in whatever order they are asked for."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrapepool.model import Target
from scrapepool.read import TargetList, sources
from scrapepool.settings import InputSettings


def tickets_of(targets: TargetList) -> list[int]:
    """Read the list to its end, and return its tickets in the order of the list."""
    found: list[int] = []
    while not targets.exhausted:
        batch = targets.poll()
        for tickets in batch.added.values() if batch is not None else ():
            found += tickets
    return sorted(found)


def urls_of(targets: TargetList, tickets: Sequence[int]) -> list[str]:
    """Look the tickets up."""
    found = [targets.target(ticket) for ticket in tickets]
    assert all(isinstance(target, Target) for target in found)
    return [target.url for target in found]


@settings(max_examples=60)
@given(
    lengths=st.lists(st.sampled_from([1, 30, 500, 3000, 8150, 9000, 40_000]), min_size=1, max_size=30),
    suffix=st.sampled_from([".txt", ".csv"]),
    seed=st.integers(0, 99),
)
def test_rows_are_found_in_any_order(lengths: list[int], suffix: str, seed: int) -> None:
    """Also those that begin in one block and end in another, and those that are longer than a block."""
    urls = [f"http://h{i % 3}.example/{i}/{'x' * length}" for i, length in enumerate(lengths)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"list{suffix}")
        rows = urls if suffix == ".txt" else ["name,url", *(f"a,{url}" for url in urls)]
        path.write_text("\n".join(rows), encoding="ascii")
        targets = TargetList([str(path)], InputSettings())
        tickets = tickets_of(targets)
        order = random.Random(seed).sample(range(len(urls)), len(urls))
        try:
            assert urls_of(targets, [tickets[i] for i in order]) == [urls[i] for i in order]
        finally:
            targets.close()


def test_hosts_that_take_turns_cost_one_read_per_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the order of the hosts in each turn is."""
    reads: list[int] = []
    pread = sources.pread
    monkeypatch.setattr(sources, "pread", lambda fd, size, at: reads.append(at) or pread(fd, size, at))
    path = tmp_path / "list.txt"
    turns = [[f"http://h{host}.example/page/{turn}" for host in range(100)] for turn in range(50)]
    path.write_text("\n".join(url for turn in turns for url in turn), encoding="ascii")
    targets = TargetList([str(path)], InputSettings())
    tickets = tickets_of(targets)
    reads.clear()
    rng = random.Random(1)
    for turn in range(50):
        order = rng.sample(range(100), 100)
        assert urls_of(targets, [tickets[100 * turn + host] for host in order]) == [turns[turn][host] for host in order]
    targets.close()
    blocks = 1 + path.stat().st_size // sources.WINDOW
    assert len(reads) <= blocks + 2  # the first and the last row are not between two line feeds
