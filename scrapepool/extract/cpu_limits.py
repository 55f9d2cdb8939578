"""How long a page may keep a process busy.

Decides the limits, and how they are kept. A value's is kept by a signal that Python hears between two of its own steps,
those of regular expressions included; that costs the value. A page's is kept by the system, whatever code runs, and
ends the process. Both count CPU time, so that a busy machine, or one that was asleep, makes no page slow. Only for the
main thread of a process that does nothing else.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from ..fallbacks import limit_cpu, ring_after_cpu
from .extraction import TooSlowError


class Limits(NamedTuple):
    """Seconds of CPU.

    value: for one value; readable text out of a page of 3 MB takes three. page: for all values of a page; 100,000
    ``<div>`` in each other take half a minute, and 20 MB of real markup one second.
    """

    value: float = 5.0
    page: float = 10.0


LIMITS = Limits()


class ValueLimit:
    """Calls functions, each for ``seconds`` at most; a ``Limited`` of the extractor."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._running = False
        if hasattr(signal, "SIGVTALRM"):
            signal.signal(signal.SIGVTALRM, self._ring)

    def __call__(self, find: Callable[[Any], Any], page: Any) -> Any:
        """Give what ``find`` finds. Raises TooSlowError, and what it raises."""
        self._running = True
        try:
            ring_after_cpu(self._seconds)
            return find(page)
        finally:
            self._running = False  # a signal that is on its way finds nobody to stop

    def _ring(self, number: int, frame: Any) -> None:  # noqa: ARG002 - signal's signature
        if self._running:
            self._running = False
            raise TooSlowError(f"took longer than {self._seconds:g} s of CPU")


@contextmanager
def page_limit(seconds: float) -> Iterator[None]:
    """Let what is done inside take ``seconds``; the process ends with CPU_SIGNAL where it takes longer."""
    limit_cpu(seconds)
    try:
        yield
    finally:
        limit_cpu(0)
