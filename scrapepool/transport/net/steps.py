"""Work that waits, as generators: what such a generator yields, and how a single thread runs one.

Decides the few values by which a step says what it waits for. The event loop of a run (``loop``) runs many such
generators on one thread. ``drive`` runs a single one and blocks meanwhile, for direct use of the session.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future, wait
from math import inf
from typing import Any, NamedTuple, TypeAlias, TypeVar

from ...fallbacks import poll
from ...running_clock import monotonic

T = TypeVar("T")

POLL_NOW = 0.0
"""Yielded to learn, without a wait, whether the connection can be read."""

SLICE = -1.0
"""Yielded amid long computation: other work goes first. It is sent False once the connection's deadline has passed."""

ROOM = -2.0
"""Yielded to wait until the connection can be read or written to, for as long as its timeouts allow."""

LONGEST_BLOCK = 0.25
"""Seconds that ``drive`` blocks without asking ``check`` whether to go on."""


class Watch(NamedTuple):
    """Yielded to wait for any of several sockets, for a call of ``resume``, or for a time.

    sockets: each with the events of interest, ``IN``, ``OUT`` or both. until: monotonic time at which the wait ends.
    """

    sockets: tuple[tuple[Any, int], ...]
    until: float


Steps: TypeAlias = Generator[float | Watch | None, bool | None, T]
"""A generator that yields before each wait.

Where it holds a connection it yields None to wait until that can be read, for as long as the connection's timeouts
allow; a positive number for the same up to that monotonic time; or ``POLL_NOW``, ``SLICE``, ``ROOM``. Any generator may
yield a ``Watch``. It is sent False where the time passed without an event, True otherwise; an event may be spurious.
"""

Resume: TypeAlias = Callable[[], object]
"""Lets a generator go on that waits in a ``Watch``. May be called from any thread, and more than once."""


def pause(seconds: float) -> Steps[None]:
    """Wait for ``seconds``."""
    until = monotonic() + seconds
    while monotonic() < until:
        yield Watch((), until)


def in_thread(call: Callable[[], T], executor: Executor, resume: Resume) -> Steps[T]:
    """The result of a call that blocks, which a thread of ``executor`` makes. Raises what it raises.

    The call goes on where the generator is ended before it.
    """
    return (yield from _result(executor.submit(call), resume))


def _result(future: Future[T], resume: Resume) -> Steps[T]:
    future.add_done_callback(lambda _: resume())
    while not future.done():
        yield Watch((), inf)
    return future.result()


class Offload:
    """Runs calls of one generator on the threads of an executor, while the loop goes on."""

    def __init__(self, executor: Callable[[], Executor], resume: Resume) -> None:
        self._executor = executor
        self._resume = resume

    def run(self, call: Callable[[], T]) -> Steps[T]:
        """The result of a call. Raises what it raises.

        It has ended whatever ends the generator, so that nobody else touches what it works on before.
        """
        running = self._executor().submit(call)
        try:
            return (yield from _result(running, self._resume))
        except BaseException:
            wait((running,))
            raise


def drive(make: Callable[[Resume], Steps[T]], check: Callable[[], object]) -> T:
    """Run a generator that yields nothing but ``Watch`` to its end on this thread; its result.

    check: called every ``LONGEST_BLOCK`` seconds of a wait; what it raises ends the generator, and is raised.
    """
    resumed = threading.Event()
    steps = make(resumed.set)
    event: bool | None = None
    try:
        while True:
            watch = steps.send(event)
            assert isinstance(watch, Watch)  # noqa: S101 - there is no connection yet that anything else could mean
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
