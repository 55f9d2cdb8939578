"""Bytes in pieces of any size become the same lines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scrapepool.results.line_blocks import line_blocks, split_lines


@given(st.lists(st.text("a\r\n", min_size=1).map(str.encode)))
def test_pieces_become_lines(pieces: list[bytes]) -> None:
    """All bytes in order; each block but a last line without a line feed ends with one."""
    blocks = list(line_blocks(pieces))
    assert b"".join(blocks) == b"".join(pieces)
    assert all(block.endswith(b"\n") for block in blocks[:-1])
    assert not blocks or blocks[-1].endswith(b"\n") or b"\n" not in blocks[-1]
    lines = list(split_lines(blocks))
    assert lines == [line for line in b"".join(pieces).replace(b"\n", b"\n|").split(b"|") if line]
