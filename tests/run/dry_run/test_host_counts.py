"""Counts of URLs by host."""

from __future__ import annotations

import pytest

from scrapepool.model import HostKey
from scrapepool.run.dry_run.host_counts import HostCounts

A, B, C = (HostKey("https", f"{letter}.test", 443) for letter in "abc")


def test_counts_as_a_dict_does() -> None:
    """In the order of the lists; a host without URLs is gone, and its place may be taken by another one."""
    counts = HostCounts.of({A: 2, B: 1})
    counts.add_all([(C, 2), (B, 1)])
    counts.add(B, 3)
    assert (dict(counts), counts.total, len(counts)) == ({A: 2, B: 5, C: 2}, 9, 3)
    assert counts.largest(2) == [B, A]
    assert counts.largest(9) == [B, A, C]
    counts.subtract(A, 2)
    counts.subtract(B, 1)
    assert (dict(counts), A in counts, repr(counts)) == ({B: 4, C: 2}, False, "<HostCounts 6 URLs on 2 hosts>")
    with pytest.raises(KeyError):
        counts[A]
    assert counts.largest(9) == [B, C]
    counts.add(A, 7)
    assert dict(counts) == {A: 7, B: 4, C: 2}
