"""The process that writes an archive: takes exchanges from a pipe, and answers once they are in a file.

Decides how long another run's process, which may have a few exchanges left to write when the run was killed, is waited
for. That its own run has gone shows as the end of the pipe.
"""

from __future__ import annotations

import gc
import marshal
import os
import queue
import signal
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from typing import Any

from ...errors import LockedError, ScrapepoolError
from ...fallbacks import STOP_SIGNALS
from ...model import Span, Transcript
from .archive import WarcArchive

LOCK_TIMEOUT = 2.0
"""Seconds until an archive that is locked belongs to a run that goes on."""

AHEAD = 16
"""Messages that are taken before their turn, of 4 MiB at most: what comes in a burst waits here, and not the run."""

COLLECT_AFTER = 20_000
"""Objects between two collections: there are a few for each exchange, in no cycles."""


def main(descriptor: int) -> None:
    """Write for the other end of a pipe, which sends settings first, then exchanges, then an empty message."""
    for number in STOP_SIGNALS:  # they are the run's to hear, which closes the pipe
        signal.signal(number, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    with suppress(EOFError, OSError), Connection(descriptor) as pipe:
        try:
            archive = _opened(pipe)
        except (ScrapepoolError, KeyboardInterrupt) as error:
            pipe.send(error)
            return
        pipe.send(None)
        _work(archive, pipe)


def _opened(pipe: Connection) -> WarcArchive:
    settings, said, resume, fsync = pipe.recv()
    until = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            return WarcArchive(settings, said, resume=resume, fsync=fsync, should_stop=pipe.poll, on_note=pipe.send)
        except LockedError:
            if time.monotonic() > until or pipe.poll(0.02):
                raise


def _work(archive: WarcArchive, pipe: Connection) -> None:
    """Write what comes until there is no more of it, and answer each message."""
    messages: queue.Queue[list[Transcript] | None] = queue.Queue(AHEAD)
    threading.Thread(target=_receive, args=(pipe, messages), daemon=True).start()
    error: Exception | None = None
    try:
        while transcripts := messages.get():
            archive.keep(transcripts, hurry=not messages.empty())
            pipe.send(None)
    except ScrapepoolError as failure:
        error = failure
    finally:
        try:
            archive.close()
        except ScrapepoolError as failure:
            error = error or failure
    pipe.send(error)


def _receive(pipe: Connection, messages: queue.Queue[list[Transcript] | None]) -> None:
    with suppress(EOFError, OSError):
        while message := pipe.recv_bytes():
            messages.put(_transcripts(message, pipe))
    messages.put(None)


def _transcripts(message: bytes, pipe: Connection) -> list[Transcript]:
    values: list[tuple[Any, ...]]
    values, where = marshal.loads(message)  # noqa: S302 - our own parent's
    transcripts = list(map(Transcript._make, values))
    if where is None:
        return transcripts
    file = os.fdopen(recv_handle(pipe), "rb")
    return [transcript._replace(response=Span(file, *where)) for transcript in transcripts]
