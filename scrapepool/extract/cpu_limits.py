"""How much CPU time a page may take.

Decides the limits, and how they are enforced. The limit of a value is a signal that Python handles between two
bytecodes, or between two steps of a regular expression; only the value is lost. The limit of a page is a signal that
ends the process, whatever code runs. Both count CPU time, so that a busy or suspended machine makes no page slow.
Only for the main thread of a process that does nothing else.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..fallbacks import limit_cpu, ring_after_cpu
from ..named_tuple import NamedTuple
from .extraction import TooSlowError


class Limits(NamedTuple):
    """Limits in seconds of CPU time.

    value: for one value; the readable text of a page of 3 MB takes 3 s. page: for all values of a page; 100,000 nested
    ``<div>`` elements take 30 s, and 20 MB of real markup 1 s.
    """

    value: float = 5.0
    page: float = 10.0


LIMITS = Limits()


class ValueLimit:
    """Calls functions for at most ``seconds`` each; a ``Limited`` of the extractor."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._running = False
        if hasattr(signal, "SIGVTALRM"):
            signal.signal(signal.SIGVTALRM, self._expire)

    def __call__(self, find: Callable[[Any], Any], page: Any) -> Any:
        """Return what ``find`` returns. Raises TooSlowError, and what ``find`` raises."""
        self._running = True
        try:
            ring_after_cpu(self._seconds)
            return find(page)
        finally:
            self._running = False  # a late signal has no effect

    def _expire(self, number: int, frame: Any) -> None:  # noqa: ARG002 - signal's signature
        if self._running:
            self._running = False
            raise TooSlowError(f"took longer than {self._seconds:g} s of CPU time")


@contextmanager
def page_limit(seconds: float) -> Iterator[None]:
    """Limit the block to ``seconds``; if it takes longer, the process ends with CPU_SIGNAL."""
    limit_cpu(seconds)
    try:
        yield
    finally:
        limit_cpu(0)
