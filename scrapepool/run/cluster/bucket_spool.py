"""Items by bucket in one temporary file: they come in any order, and each shard gets those of its buckets.

Decides how much is in memory. Does not know what the items are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from ...read.streams.spool import Spool

T = TypeVar("T")

BUFFER = 16 * 1024 * 1024
"""Bytes of items in memory, and at least ``PER_BUCKET`` for each bucket: shorter pieces take longer to copy."""

PER_BUCKET = 4096

ITEM = 200
"""Bytes that an item takes beside its own."""


class BucketSpool(Generic[T]):
    """Keeps items until they are copied. encode: the bytes of several items of one bucket. Raises ListError."""

    def __init__(self, buckets: int, encode: Callable[[list[T]], bytes]) -> None:
        self.counts = [0] * buckets
        self._encode = encode
        self._most = max(BUFFER, PER_BUCKET * buckets)
        self._waiting: defaultdict[int, list[T]] = defaultdict(list)
        self._bytes = 0
        self._spool = Spool("the temporary file of the shards")
        self._pieces: list[list[tuple[int, int]]] = [[] for _ in range(buckets)]

    def __repr__(self) -> str:
        return f"<BucketSpool of {sum(self.counts)} items>"

    def add(self, bucket: int, item: T, size: int) -> None:
        """Add an item of ``size`` bytes."""
        self.counts[bucket] += 1
        self._waiting[bucket].append(item)
        self._bytes += size + ITEM
        if self._bytes >= self._most:
            self.flush()

    def flush(self) -> None:
        """Move what is in memory to the file. Called before the first ``pieces``."""
        for bucket, items in self._waiting.items():
            data = self._encode(items)
            self._pieces[bucket].append((len(self._spool), len(data)))
            self._spool.append(data)
        self._waiting.clear()
        self._bytes = 0

    def pieces(self, buckets: Iterable[int]) -> Iterator[bytes]:
        """Yield the bytes of these buckets. Raises OSError."""
        for bucket in buckets:
            for offset, size in self._pieces[bucket]:
                yield self._spool.read_at(offset, size)

    def close(self) -> None:
        """Delete the file."""
        self._spool.close()
