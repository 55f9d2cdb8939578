"""The files that each shard of a run finds beside the parts: the rows of its hosts, and its earlier records.

Decides what they are called, that the lists are read once, by the run, and when the hosts are divided anew: a run that
resumes finds the shards in which its parts are. They are in a folder of their own, which is deleted at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache, partial

from ...errors import ListError, OutputError
from ...host_share import NO_HOST_SHARE, share_of
from ...model import HostKey
from ...ports import SystemClock
from ...read import TargetList
from ...read.share_list import ListRow, chunks, head_line
from ...read.sources import ListSource
from ...record.parts.part_folder import PartFolder
from ...record.safe_io.durability import fsync
from ...settings import Settings
from ..dry_run.host_counts import HostCounts
from ..dry_run.known_hosts import crawl_delays, recalled
from ..list_split import rows_with_shares
from .bucket_spool import BucketSpool
from .connection import Shards
from .partition import Load, loads_of, packed
from .shard_job import list_name

CACHED_HOSTS = 16_384

AT_ONCE = 8
"""Files that are written at once: in object storage, each takes as long as a request."""


@dataclass
class ShardWork:
    """The work of one shard. urls: rows of its list. seconds: that it is expected to take."""

    number: int
    urls: int
    seconds: float = 0.0


@dataclass
class Division:
    """How hosts are divided. shard_of: the shard of each bucket. works: shards with rows, the longest first."""

    shard_of: list[int]
    works: list[ShardWork]


def divide(
    targets: TargetList,
    settings: Settings,
    folder: PartFolder,
    shards: Shards,
    *,
    should_stop: Callable[[], bool],
) -> Division | None:
    """Read the lists to their end, and write the list of each shard. Return None if it was stopped.

    targets: the lists, with their duplicates. Raises ListError, OutputError, UsageError.
    """
    hosts, places, buckets = HostCounts(), dict[ListSource, int](), shards.buckets
    sources: list[ListSource] = []  # by their places

    share = lru_cache(CACHED_HOSTS)(share_of)

    def bucket_of(host: HostKey, urls: int) -> int:
        hosts.add(host, urls)
        return share(host.host, buckets)

    with closing(BucketSpool[ListRow](buckets, partial(chunks, sources))) as spool:
        for _, bucket, source, line, row in rows_with_shares(targets, bucket_of):
            if should_stop():
                return None
            if row is None:
                raise ListError(source.name, "changed while it was read")
            if source not in places:
                places[source] = len(sources)
                sources.append(source)
            spool.add(NO_HOST_SHARE if bucket is None else bucket, (places[source], line, row), len(row))
        spool.flush()
        known = recalled(settings, hosts, SystemClock())
        loads = loads_of(hosts, settings, buckets, known, crawl_delays(settings))
        workers = settings.pool.workers
        found = packed(loads, shards.total, workers) if shards.shard_of is None else list(shards.shard_of)
        head = head_line(sources)
        works, files = [], []
        for number, own in _buckets_of(found, shards.total):
            if urls := sum(spool.counts[bucket] for bucket in own):
                load = Load()
                for bucket in own:
                    load.add(loads[bucket])
                works.append(ShardWork(number, urls, load.seconds(workers)))
                files.append((list_name(number), own))
        write_files(folder, files, spool, head)
    return Division(found, sorted(works, key=lambda work: (-work.seconds, work.number)))


def _buckets_of(shard_of: Sequence[int], shards: int) -> Iterable[tuple[int, list[int]]]:
    own: list[list[int]] = [[] for _ in range(shards)]
    for bucket, shard in enumerate(shard_of):
        own[shard].append(bucket)
    return enumerate(own)


def write_files(
    folder: PartFolder, files: Sequence[tuple[str, Sequence[int]]], spool: BucketSpool[ListRow], head: bytes
) -> None:
    """Write files of items. files: their names, and the buckets of each. head: the first bytes of each."""

    def write(file: tuple[str, Sequence[int]]) -> None:
        name, buckets = file
        path = folder.working_path(name)
        try:
            with open(path, "wb") as stream:  # noqa: PTH123
                stream.write(head)
                stream.writelines(spool.pieces(buckets))
                stream.flush()
                fsync(stream.fileno())
        except OSError as error:
            raise OutputError.from_error(path, error) from error
        folder.publish(path, name)

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="scrapepool-lists") as threads:
        for _ in threads.map(write, files):
            pass
