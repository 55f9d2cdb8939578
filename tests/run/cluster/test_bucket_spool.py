"""Items by bucket."""

from __future__ import annotations

from contextlib import closing

from scrapepool.run.cluster.bucket_spool import BUFFER, ITEM, BucketSpool


def test_buckets_get_their_items_in_order() -> None:
    """Also those that were moved to the file before the others came."""
    with closing(BucketSpool[bytes](3, b"".join)) as spool:
        spool.add(0, b"a", 1)
        spool.add(2, b"b", BUFFER)
        spool.add(0, b"c", 1)
        spool.flush()
        assert [b"".join(spool.pieces([bucket])) for bucket in range(3)] == [b"ac", b"", b"b"]
        assert len(list(spool.pieces([0]))) == 2
        assert b"".join(spool.pieces([2, 0])) == b"bac"
        assert (spool.counts, repr(spool)) == ([2, 0, 1], "<BucketSpool of 3 items>")
    assert ITEM < BUFFER
