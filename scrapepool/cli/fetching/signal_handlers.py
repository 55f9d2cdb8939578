"""Handlers of signals for the time of a block.

Decides that a signal which the parent made this process ignore stays ignored: nohup and shells with ``&`` rely on it.
"""

from __future__ import annotations

import signal
from abc import ABC, abstractmethod
from collections.abc import Iterable
from types import FrameType, TracebackType
from typing import Any, Self


class SignalHandlers(ABC):
    """Installs ``_handle`` for some signals, and restores the previous handlers at the end of the block.

    names: of the signals; those that the system does not have are left out.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = names
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for name in self._names:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @abstractmethod
    def _handle(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal; runs on the main thread."""
