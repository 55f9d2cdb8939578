"""Functions that not every operating system has, each with a fallback for systems that lack it.

Decides what is lost without them. Without ``fcntl`` nothing is locked, as on a file system without locks. Without
``termios`` a request whose upload is stuck is reported as waiting for its response, and no keys are read. Without
``resource`` no limit is known. Without interval timers the extraction from a page may take any time. Everything else is
only slower.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import threading
from contextlib import suppress
from typing import Any

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]
try:
    import resource
except ImportError:
    resource = None  # type: ignore[assignment]
try:
    import termios
except ImportError:
    termios = None  # type: ignore[assignment]

CLOEXEC = getattr(os, "O_CLOEXEC", 0)
NONBLOCK = getattr(os, "O_NONBLOCK", 0)
NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
DIRECTORY = getattr(os, "O_DIRECTORY", 0)
LOOK_UP = getattr(os, "O_PATH", os.O_RDONLY)

IN, OUT, ERROR, INVALID = 0x001, 0x004, 0x008, 0x020
"""Events of a descriptor; the values of select's POLLIN, POLLOUT, POLLERR and POLLNVAL."""

STOP_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""The signals that end a run early."""

CPU_SIGNAL = getattr(signal, "SIGPROF", 0)
"""The signal that ends a process whose CPU time is used up; 0 on a system without it."""

_LOCAL, _CHARACTERS = 3, 6  # places of the local modes and the control characters in a terminal's attributes

PIPE_BUF = getattr(select, "PIPE_BUF", 512)
"""Bytes that a writable pipe takes without blocking: 4,096 on Linux, at least 512 (POSIX)."""

user_id = getattr(os, "geteuid", lambda: 0)

_position = threading.Lock()


def pread(fd: int, size: int, offset: int) -> bytes:
    """Read from a position in a file without changing its current position."""
    if hasattr(os, "pread"):
        return os.pread(fd, size, offset)
    with _position:
        before = os.lseek(fd, 0, os.SEEK_CUR)
        try:
            os.lseek(fd, offset, os.SEEK_SET)
            return os.read(fd, size)
        finally:
            os.lseek(fd, before, os.SEEK_SET)


def let_block(fd: int) -> None:
    """Make a descriptor blocking that was opened with NONBLOCK."""
    if NONBLOCK:
        os.set_blocking(fd, True)


def flock(fd: int, *, shared: bool) -> None:
    """Lock an open file until it is closed, without waiting. Raises BlockingIOError if it is locked, OSError."""
    if fcntl is not None:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


def unsent(sock: socket.socket) -> int:
    """Return the bytes that the system still holds for the peer; 0 if that is unknown."""
    with suppress(OSError, ValueError, AttributeError):  # AttributeError: no fcntl, no termios, no such request
        (count,) = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0" * 4))
        return int(count)
    return 0


def in_background(fd: int) -> bool:
    """Return whether another job of the shell has this terminal; False if it is not the one of this session."""
    try:
        return os.tcgetpgrp(fd) != os.getpgrp()
    except (OSError, AttributeError):  # no such terminal, or no such system
        return False


def has_terminal_modes() -> bool:
    """Return whether the system can hand over keys one by one."""
    return termios is not None


def take_keys(fd: int) -> list[Any] | None:
    """Let a terminal hand over each key at once, without showing it. Return its attributes before.

    Return None if it does that already. Raises OSError, also for what is no terminal.
    """
    try:
        before: list[Any] = termios.tcgetattr(fd)
    except termios.error as error:
        raise OSError(*error.args) from None
    if not before[_LOCAL] & (termios.ICANON | termios.ECHO):
        return None
    attributes = [*before[:_CHARACTERS], list(before[_CHARACTERS])]
    attributes[_LOCAL] &= ~(termios.ICANON | termios.ECHO)
    attributes[_CHARACTERS][termios.VMIN], attributes[_CHARACTERS][termios.VTIME] = 1, 0
    set_terminal(fd, attributes)
    return before


def set_terminal(fd: int, attributes: list[Any]) -> None:
    """Give a terminal these attributes, if it is still there. A process in the background is not stopped for it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        with suppress(termios.error):
            termios.tcsetattr(fd, termios.TCSANOW, attributes)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def limit(name: str) -> int | None:
    """Return the soft limit of this process that ``resource`` calls ``RLIMIT_name``; None if there is none."""
    if not hasattr(resource, f"RLIMIT_{name}"):
        return None
    soft, _ = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))
    return None if soft == resource.RLIM_INFINITY else soft


def raise_limit(name: str) -> None:
    """Raise the soft limit to the hard one, if the system allows it."""
    if hasattr(resource, f"RLIMIT_{name}"):
        which = getattr(resource, f"RLIMIT_{name}")
        _, hard = resource.getrlimit(which)
        with suppress(OSError, ValueError):
            resource.setrlimit(which, (hard, hard))


def limit_cpu(seconds: float) -> None:
    """End this process with CPU_SIGNAL after this many further seconds of CPU time; 0: never."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def ring_after_cpu(seconds: float) -> None:
    """Send this process SIGVTALRM after this many further seconds of user CPU time."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)


def poll() -> Any:
    """Return a poll object of ``select``, or a replacement."""
    return select.poll() if hasattr(select, "poll") else SelectPoll()


class SelectPoll:
    """``select.poll`` implemented with ``select.select``: slower, and only for descriptors below 1024."""

    def __init__(self) -> None:
        self._events: dict[int, int] = {}

    def register(self, fd: Any, events: int = IN | OUT) -> None:
        """Watch a descriptor, or an object with one."""
        self._events[fd if isinstance(fd, int) else fd.fileno()] = events

    modify = register

    def unregister(self, fd: Any) -> None:
        """Stop watching it. Raises KeyError."""
        del self._events[fd if isinstance(fd, int) else fd.fileno()]

    def poll(self, milliseconds: float | None = None) -> list[tuple[int, int]]:
        """Wait for events, without a limit if no time is given. Return descriptors with their events."""
        if closed := [fd for fd in self._events if not _is_open(fd)]:
            return [(fd, INVALID) for fd in closed]
        readers = [fd for fd, events in self._events.items() if events & IN]
        writers = [fd for fd, events in self._events.items() if events & OUT]
        wait = None if milliseconds is None else milliseconds / 1000
        readable, writable, _ = select.select(readers, writers, [], wait)
        found: dict[int, int] = dict.fromkeys(readable, IN)
        for fd in writable:
            found[fd] = found.get(fd, 0) | OUT
        return list(found.items())


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
