"""Connects a run to a Dask cluster, and checks it and the folder of the parts before anything is submitted.

Decides which addresses there are, when a cluster does not answer, and how many shards a run has.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import resource_tracker
from typing import Any

import dask
from distributed import Client, LocalCluster

from ...errors import ClusterError, UsageError
from ...named_tuple import NamedTuple
from ...record import record_format
from ...record.parts.part_folder import PartFolder
from ...record.parts.part_names import ABOUT, BUCKETS, SUCCESS, any_part
from ...record.warc.names import ArchiveNames, archive_of_shard, check_new
from ...settings import Settings
from ..outputs.part_output import ANOTHER, about_run, describe_run
from .partition import BUCKETS_PER_SHARD, PER_SLOT
from .worker_facts import differences, facts, faults

ANSWER = 10.0
"""Seconds in which the scheduler has to answer, and a first worker to be there."""

MOST_LOCAL = 256

LOST_WORKER_TIMEOUT = "distributed.deploy.lost-worker-timeout"
"""After these seconds, 15 as it is, a local cluster closes a worker that died once and whose successor is not there."""

NEVER = "1000 days"

TERMINAL_SIGNALS = (signal.SIGINT, signal.SIGHUP)


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """Connect to a cluster; for ``local:N``, start one on this machine. Raises ClusterError, UsageError."""
    for name in ("distributed", *logging.root.manager.loggerDict):  # each has a level of its own
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters is said by this program
    kind, _, number = address.partition(":")
    with ExitStack() as opened:
        if kind == "local":
            if not number.isdigit() or not 1 <= int(number) <= MOST_LOCAL:
                raise UsageError(f"--cluster {address}: give 1 to {MOST_LOCAL} worker processes, as in local:4")
            client = _client(address, opened.enter_context(_local(address, int(number))))
        elif os.path.isfile(address):  # noqa: PTH113
            client = _client(address, scheduler_file=address)
        elif "://" in address:
            client = _client(address, address)
        else:
            raise UsageError(
                f"--cluster {address}: give the address of a Dask scheduler, as tcp://host:8786, its scheduler file, "
                "or local:4 for processes of this machine"
            )
        opened.callback(client.close, timeout=ANSWER)
        yield client


def _client(name: str, address: Any = None, **options: Any) -> Client:
    """Connect to a scheduler. Raises ClusterError.

    Dask's own timeout does not hold for a server that takes the connection and says nothing, so a thread connects.
    """
    made: queue.SimpleQueue[Client | Exception] = queue.SimpleQueue()

    def connect() -> None:
        try:
            made.put(Client(address, timeout=ANSWER, **options))
        except Exception as error:  # noqa: BLE001 - it is raised below
            made.put(error)

    threading.Thread(target=connect, name="scrapepool-connect", daemon=True).start()
    silent = f"the scheduler does not answer within {ANSWER:g} s"
    try:
        client = made.get(timeout=ANSWER)
    except queue.Empty:
        raise ClusterError(name, silent) from None
    if isinstance(client, OSError | TimeoutError):
        raise ClusterError(name, silent) from client
    if isinstance(client, Exception):
        raise ClusterError(name, f"cannot connect to it: {client}" if str(client) else silent) from client
    return client


@contextmanager
def _local(address: str, workers: int) -> Iterator[LocalCluster]:
    """Start worker processes of this machine. A terminal's Ctrl-C does not reach them, as the run stops them."""
    resource_tracker.ensure_running()  # which unblocks signals in the thread that starts it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, TERMINAL_SIGNALS)  # which all threads and processes inherit
    try:
        dask.config.set({LOST_WORKER_TIMEOUT: NEVER})
        cluster = LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=":0", silence_logs=logging.CRITICAL
        )
    except (RuntimeError, OSError, TimeoutError) as error:
        raise ClusterError(address, f"its worker processes cannot be started: {error}") from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    try:
        yield cluster
    finally:
        cluster.close(timeout=ANSWER)


def slots_of(client: Client, address: str, on_note: Callable[[str], None]) -> int:
    """Return how many shards the workers run at once. Raises ClusterError."""
    with suppress(TimeoutError):
        client.wait_for_workers(1, timeout=ANSWER)
    threads = client.nthreads()
    if not threads:
        raise ClusterError(address, f"there is no worker within {ANSWER:g} s; start one with dask worker")
    if (most := max(threads.values())) > 1:
        on_note(f"workers have up to {most} threads, but a shard keeps a core busy: start them with --nthreads 1")
    return sum(threads.values())


class Shards(NamedTuple):
    """The shards of a run.

    total: how many. shard_of: the shard of each bucket of hosts, in a run that goes on; None in a new one.
    """

    total: int
    shard_of: Sequence[int] | None

    @property
    def buckets(self) -> int:
        """The number of buckets."""
        return BUCKETS_PER_SHARD * self.total if self.shard_of is None else len(self.shard_of)


def prepared(folder: PartFolder, settings: Settings, slots: int) -> Shards:
    """Describe the run in its folder, and return its shards. Raises UsageError, OutputError."""
    names, shards, shard_of = folder.names(), max(PER_SLOT * slots, PER_SLOT), None
    if any_part(names):
        if settings.output.resume is None:
            raise UsageError(f"{folder.name} holds the parts of another run: {ANOTHER}")
        about = about_run(folder)
        if not isinstance(about.get("shards"), int):
            raise UsageError(f"{folder.name} holds the parts of a run without shards; continue it without --cluster")
        shards = int(str(about["shards"]))  # the parts of each shard are found by its number
        shard_of = _shard_of(about.get(BUCKETS, list(range(shards))), shards)  # else --shard has divided the hosts
        if shard_of is None:
            raise UsageError(f"{folder.name}: its {ABOUT} is damaged: it does not say in which shards the hosts are")
    describe(folder, settings, Shards(shards, shard_of))
    folder.remove(SUCCESS)
    return Shards(shards, shard_of)


def _shard_of(said: object, shards: int) -> list[int] | None:
    whole = isinstance(said, list) and said and all(isinstance(shard, int) and 0 <= shard < shards for shard in said)
    return said if isinstance(said, list) and whole else None


def describe(folder: PartFolder, settings: Settings, shards: Shards) -> None:
    """Write in the folder what its run is. Raises OutputError."""
    suffix = "parquet" if settings.output.format == "parquet" else record_format(settings.output)
    describe_run(folder, suffix, shards.total, shards.shard_of)


def check_archives(settings: Settings, shards: Shards) -> None:
    """See that no archive of a shard would be lost. Raises UsageError."""
    warc = settings.warc
    if warc.path is not None and not warc.overwrite and settings.output.resume is None:
        for number in range(shards.total):
            check_new(ArchiveNames(archive_of_shard(warc.path, number)), indexed=warc.cdx)


def check_workers(client: Client, files: Sequence[str], settings: Settings, on_note: Callable[[str], None]) -> None:
    """Compare versions and files of all workers with those of this machine. Raises UsageError."""
    path = str(settings.output.path)
    ours = facts(files, path)
    theirs = client.run(facts, files, path, on_error="return")
    if reasons := list(faults(ours, theirs, path)):
        more = f" (and {len(reasons) - 1} more workers)" if len(reasons) > 1 else ""
        raise UsageError(f"--cluster: {reasons[0]}{more}")
    for difference in differences(ours, theirs):
        on_note(difference)
