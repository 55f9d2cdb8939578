"""What not every operating system has: used where it is there, and done with less where it is not.

Decides what is lost without it. Without ``fcntl`` nothing is locked, as on a file system that knows no locks; without
``termios`` a request whose upload is stuck is said to wait for its response; without ``resource`` there is no limit
to keep to; without interval timers a page may take as long as it likes. Everything else is only slower.
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
"""What ends a run early."""

CPU_SIGNAL = getattr(signal, "SIGPROF", 0)
"""What a process dies of that has used up its CPU time; 0 where nothing sees to that."""

PIPE_BUF = getattr(select, "PIPE_BUF", 512)
"""Bytes that a pipe which polls as writable takes without blocking; 4,096 on Linux, 512 at least (POSIX)."""

user_id = getattr(os, "geteuid", lambda: 0)

_position = threading.Lock()


def pread(fd: int, size: int, offset: int) -> bytes:
    """Read from a place in a file whose position stays as it is."""
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
    """Make a descriptor block that was opened with NONBLOCK."""
    if NONBLOCK:
        os.set_blocking(fd, True)


def flock(fd: int, *, shared: bool) -> None:
    """Lock an open file without a wait, until it is closed. Raises BlockingIOError where another has it, OSError."""
    if fcntl is not None:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


def unsent(sock: socket.socket) -> int:
    """Bytes that the system holds because the peer takes none; 0 where that cannot be told."""
    with suppress(OSError, ValueError, AttributeError):  # AttributeError: no fcntl, no termios, no such request
        (count,) = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0" * 4))
        return int(count)
    return 0


def limit(name: str) -> int | None:
    """The soft limit of this process for what ``resource`` calls ``RLIMIT_name``; None where there is none."""
    if not hasattr(resource, f"RLIMIT_{name}"):
        return None
    soft, _ = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))
    return None if soft == resource.RLIM_INFINITY else soft


def raise_limit(name: str) -> None:
    """Lift the soft limit to the hard one, as far as the system lets us."""
    if hasattr(resource, f"RLIMIT_{name}"):
        which = getattr(resource, f"RLIMIT_{name}")
        _, hard = resource.getrlimit(which)
        with suppress(OSError, ValueError):
            resource.setrlimit(which, (hard, hard))


def limit_cpu(seconds: float) -> None:
    """End this process by CPU_SIGNAL when it has used so much more CPU time; 0: do not."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def ring_after_cpu(seconds: float) -> None:
    """Send this process SIGVTALRM when it has used so much more CPU time of its own."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)


def poll() -> Any:
    """A poll object of ``select``, or what can be done without one."""
    return select.poll() if hasattr(select, "poll") else SelectPoll()


class SelectPoll:
    """``select.poll`` by means of ``select.select``: slower with many descriptors, and for those below 1024 only."""

    def __init__(self) -> None:
        self._events: dict[int, int] = {}

    def register(self, fd: Any, events: int = IN | OUT) -> None:
        """Watch a descriptor, or what has one."""
        self._events[fd if isinstance(fd, int) else fd.fileno()] = events

    modify = register

    def unregister(self, fd: Any) -> None:
        """Watch it no more. Raises KeyError."""
        del self._events[fd if isinstance(fd, int) else fd.fileno()]

    def poll(self, milliseconds: float | None = None) -> list[tuple[int, int]]:
        """Wait for events, for ever where no time is said; descriptors with what happened."""
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
