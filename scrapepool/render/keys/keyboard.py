"""The terminal from which keys are read while a run goes on.

Decides when it may be read, and its mode: without line editing and echo, and only while this process is in the
terminal's foreground. Ctrl-C and Ctrl-Z remain signals. A system without ``termios`` has no keys.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self

from ...fallbacks import CLOEXEC, IN, NONBLOCK, has_terminal_modes, in_background, poll, set_terminal, take_keys
from .decoder import KeyDecoder

ESCAPE_DELAY = 0.05
"""Seconds after which an ESC that nothing follows is the Escape key: sequences come in one piece, or nearly."""

FOREGROUND_CHECK = 0.3
"""Seconds between two looks whether the terminal is ours, and still has our mode."""

TERMINAL = "/dev/tty"

_NO_KEY = b"\0"


class Keyboard:
    """Reads keys from the terminal of this session for the time of its block, in a thread.

    press: gets each key. The terminal's mode is restored at the end of the block, and by ``release``.
    """

    def __init__(self, fd: int, press: Callable[[str], None]) -> None:
        self._fd = fd
        self._press = press
        self._before: list[Any] | None = None  # the attributes to restore, None while they are not ours
        self._released = False
        self._changing = threading.RLock()  # guards the two above; signal handlers take it, too
        self._end_reader, self._end_writer = os.pipe()
        self._thread = threading.Thread(target=self._read, name="scrapepool-keys", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
        os.close(self._end_writer)  # ends the thread, which closes the rest

    def release(self) -> None:
        """Restore the terminal's mode, and leave it alone until ``take``. May be called from a signal handler."""
        with self._changing:
            self._released = True
            before, self._before = self._before, None
            if before is not None and not in_background(self._fd):
                set_terminal(self._fd, before)

    def take(self) -> None:
        """Use the terminal again after ``release``."""
        with self._changing:
            self._released = False

    # -- on the thread that reads -----------------------------------------------------------------

    def _read(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTIN})  # a read in the background fails instead
        decoder = KeyDecoder()
        poller = poll()
        poller.register(self._end_reader, IN)
        with suppress(OSError, ValueError):  # a terminal that is gone has no more keys
            while True:
                ours = self._is_ours()
                with _watched(poller, self._fd if ours else None):
                    wait = ESCAPE_DELAY if decoder.pending else FOREGROUND_CHECK
                    events = dict(poller.poll(wait * 1000))
                if self._end_reader in events:
                    break
                if self._fd not in events:
                    keys = decoder.flush()
                elif data := self._data():
                    keys = decoder.feed(data)
                else:
                    break
                for key in keys:
                    self._press(key)
        self.release()
        os.close(self._end_reader)
        os.close(self._fd)

    def _data(self) -> bytes:
        """Read what is there; nothing at the end of the terminal."""
        try:
            return os.read(self._fd, 1024)
        except OSError:
            if not in_background(self._fd):
                raise
            return _NO_KEY

    def _is_ours(self) -> bool:
        """Return whether the terminal may be read, and give it our mode if it has another one."""
        with self._changing:
            if self._released or in_background(self._fd):
                return False
            before = take_keys(self._fd)
            self._before = self._before if before is None else before
            return True


def keyboard(stderr: int, press: Callable[[str], None]) -> Keyboard | None:
    """Open the keyboard of the terminal that standard error is.

    stderr: its descriptor. Returns None if it is no terminal of this session, or if the system has no ``termios``.
    """
    if not has_terminal_modes():
        return None
    try:
        os.tcgetpgrp(stderr)  # works for the terminal of this session only
        fd = os.open(TERMINAL, os.O_RDONLY | os.O_NOCTTY | NONBLOCK | CLOEXEC)
    except OSError:
        return None
    return Keyboard(fd, press)


@contextmanager
def _watched(poller: Any, fd: int | None) -> Iterator[None]:
    if fd is None:
        yield
        return
    poller.register(fd, IN)
    try:
        yield
    finally:
        poller.unregister(fd)
