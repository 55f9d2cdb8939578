"""Splits the bytes of a file into lines, which end with a line feed and nothing else: many at a time, or one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def line_blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Join bytes to blocks of complete lines; the last block is a line without a line feed, if there is one."""
    begun: list[bytes] = []
    for piece in pieces:
        cut = piece.rfind(b"\n") + 1
        if cut:
            yield b"".join([*begun, piece[:cut]])
            begun = []
        if cut < len(piece):
            begun.append(piece[cut:])
    if begun:
        yield b"".join(begun)


def split_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Split blocks after line feeds."""
    for block in blocks:
        *lines, rest = block.split(b"\n")
        for line in lines:
            yield line + b"\n"
        if rest:
            yield rest
