"""Coroutines as generators: the values that they yield to wait, and a function that runs one and blocks.

The event loop of a run (``loop``) runs many such generators on one thread. ``drive`` runs a single one and blocks, for
direct use of the session.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future, wait
from math import inf
from typing import Any, TypeAlias, TypeVar

from ...fallbacks import poll
from ...named_tuple import NamedTuple
from ...running_clock import monotonic

T = TypeVar("T")

POLL_NOW = 0.0
"""A generator yields this to learn without a wait whether the connection is readable."""

SLICE = -1.0
"""A generator yields this during a long computation to let others run. It is sent False after its deadline."""

ROOM = -2.0
"""A generator yields this to wait until the connection is readable or writable, within its timeouts."""

LONGEST_BLOCK = 0.25
"""The maximum seconds that ``drive`` blocks between two calls of ``check``."""


class Watch(NamedTuple):
    """A generator yields this to wait for any of several sockets, for a call of ``resume``, or for a time.

    sockets: the sockets, each with its events: ``IN``, ``OUT`` or both.
    until: the monotonic time at which the wait ends.
    """

    sockets: tuple[tuple[Any, int], ...]
    until: float


Steps: TypeAlias = Generator[float | Watch | None, bool | None, T]
"""A generator that yields before each wait.

A generator that holds a connection yields None to wait until the connection is readable, within its timeouts. It
yields a positive number to wait at most until that monotonic time, or one of ``POLL_NOW``, ``SLICE`` and ``ROOM``. Any
generator may yield a ``Watch``. It is sent False if the time passed without an event, else True; an event may be
spurious.
"""

Resume: TypeAlias = Callable[[], object]
"""Resumes a generator that waits in a ``Watch``. Any thread may call it, also more than once."""


def pause(seconds: float) -> Steps[None]:
    """Wait for ``seconds``."""
    until = monotonic() + seconds
    while monotonic() < until:
        yield Watch((), until)


def in_thread(call: Callable[[], T], executor: Executor, resume: Resume) -> Steps[T]:
    """Run a blocking call in a thread of ``executor``, and return its result. Raises what the call raises.

    The call continues if the generator is closed first.
    """
    return (yield from _result(executor.submit(call), resume))


def _result(future: Future[T], resume: Resume) -> Steps[T]:
    future.add_done_callback(lambda _: resume())
    while not future.done():
        yield Watch((), inf)
    return future.result()


class Offload:
    """Runs blocking calls of one generator in the threads of an executor, while the event loop continues."""

    def __init__(self, executor: Callable[[], Executor], resume: Resume) -> None:
        self._executor = executor
        self._resume = resume

    def run(self, call: Callable[[], T]) -> Steps[T]:
        """Run a call in a thread, and return its result. Raises what the call raises.

        If the generator is closed first, this waits for the end of the call, so that no other code uses the data of the
        call at the same time.
        """
        running = self._executor().submit(call)
        try:
            return (yield from _result(running, self._resume))
        except BaseException:
            wait((running,))
            raise


def drive(make: Callable[[Resume], Steps[T]], check: Callable[[], object]) -> T:
    """Run a generator that yields only ``Watch`` on this thread until it ends, and return its result.

    check: called at least every ``LONGEST_BLOCK`` seconds of a wait. An exception from it ends the generator.
    """
    resumed = threading.Event()
    steps = make(resumed.set)
    event: bool | None = None
    try:
        while True:
            watch = steps.send(event)
            assert isinstance(watch, Watch)  # noqa: S101 - other values need an open connection
            event = _block(watch, resumed, check)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        steps.close()


def _block(watch: Watch, resumed: threading.Event, check: Callable[[], object]) -> bool:
    poller = poll()
    for sock, events in watch.sockets:
        poller.register(sock, events)
    while True:
        check()
        left = watch.until - monotonic()
        if left <= 0:
            return False
        wait = min(left, LONGEST_BLOCK)
        if poller.poll(wait * 1000) if watch.sockets else resumed.wait(wait):
            resumed.clear()
            return True
