"""Which descriptors the event loop watches, and for which lease.

Decides how few system calls that takes: a connection stays registered from one request, and from one lease, to the
next. Idle connections stay registered too, so that the loop notices when the server closes them.
"""

from __future__ import annotations

import errno
import select
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

from ...fallbacks import IN, INVALID, OUT, poll
from ..net.channel import Condition
from ..net.connection import Connection
from ..net.pool import HostPool
from .desync import DesyncState

EVENTS = 512
"""Events taken from the system at a time."""

_NO_ROOM = frozenset({errno.ENOSPC, errno.ENOMEM})
"""Errors of an epoll that can watch no further descriptor."""


class Watched:
    """What may wait for descriptors.

    fd, sock, events: what is watched for it, -1 where that is nothing. extra: further descriptors. round: in which
    round of polls ``fd`` was registered: what that poll said is about an earlier descriptor of that number.
    """

    __slots__ = ("events", "extra", "fd", "round", "sock")

    def __init__(self) -> None:
        self.sock: Any = None
        self.fd = -1
        self.events = self.round = 0
        self.extra: list[int] = []


W = TypeVar("W", bound=Watched)


class _Idle(NamedTuple):
    """A connection that no lease uses, and that is watched for its end."""

    sock: Any
    conn: Connection
    pool: HostPool
    desync: DesyncState


class Poller(Generic[W]):
    """The system's poll, and who waits for what. by_fd: who waits for a descriptor. round: counts the polls."""

    def __init__(self) -> None:
        self._poll = _system_poll()
        self.by_fd: dict[int, W] = {}
        self._idle: dict[int, _Idle] = {}
        self._added: list[int] = []
        self.round = 0

    def add(self, fd: int) -> None:
        """Watch a descriptor that nobody in ``by_fd`` waits for, from the beginning."""
        self._added.append(fd)
        self._set(fd, IN)

    def poll(self, seconds: float) -> Sequence[tuple[int, int]]:
        """Wait for events up to ``seconds``, below 0 for ever; descriptors with what happened."""
        self.round += 1
        events: Sequence[tuple[int, int]] = self._poll.poll(seconds, EVENTS)
        return events

    def watch(self, waiter: W, sock: Any, events: int) -> None:
        """Watch a socket for ``waiter``, and nothing else."""
        if sock is not waiter.sock:  # not by its descriptor: a new one may have the number of the old
            self.unwatch(waiter)
            waiter.sock, waiter.fd = sock, sock.fileno()
            self._register(waiter, sock, waiter.fd, events)
        elif events != waiter.events:
            self._set(waiter.fd, events, known=True)
        if waiter.extra:
            self._unwatch_extra(waiter)
        waiter.events = events

    def watch_all(self, waiter: W, sockets: Sequence[tuple[Any, int]]) -> None:
        """Watch several sockets for ``waiter``, and nothing else."""
        if not sockets:
            self.unwatch(waiter)
            return
        self.watch(waiter, *sockets[0])
        for sock, events in sockets[1:]:
            fd = sock.fileno()
            self._register(waiter, sock, fd, events)
            waiter.extra.append(fd)

    def unwatch(self, waiter: W) -> None:
        """Watch nothing for ``waiter``."""
        if waiter.fd >= 0:
            if waiter.sock.fileno() >= 0:
                self._forget(waiter, waiter.fd)
            elif self.by_fd.get(waiter.fd) is waiter:  # it was closed, which the system takes note of by itself
                del self.by_fd[waiter.fd]
            waiter.sock, waiter.fd, waiter.events = None, -1, 0
        if waiter.extra:
            self._unwatch_extra(waiter)

    def keep(self, waiter: W, conn: Connection | None, pool: HostPool | None, desync: DesyncState) -> None:
        """Go on watching the connection that ``waiter`` leaves open, if it does; nothing else is its own any more."""
        if conn is None or pool is None or conn.sock is None or conn.sock is not waiter.sock:
            self.unwatch(waiter)
            return
        if waiter.events != IN:
            self._set(waiter.fd, IN, known=True)
        del self.by_fd[waiter.fd]
        self._idle[waiter.fd] = _Idle(conn.sock, conn, pool, desync)
        waiter.sock, waiter.fd, waiter.events = None, -1, 0

    def check_idle(self, fd: int) -> None:
        """See what has come over a connection that no lease uses: its end as a rule."""
        idle = self._idle.get(fd)
        if idle is None:  # without epoll: the number of one that was closed, and is something else's now
            with suppress(KeyError, OSError):
                self._poll.unregister(fd)
            return
        if idle.conn.sock is idle.sock and idle.pool.take_out(idle.conn):
            condition = idle.conn.condition()
            if condition is Condition.UNEXPECTED_DATA:
                idle.desync.distrust()
            if condition is not Condition.QUIET:
                idle.conn.close()
            idle.pool.checkin(idle.conn)
            if condition is Condition.QUIET:
                return
        elif idle.sock.fileno() == fd:  # somebody uses the session beside this run
            self._poll.unregister(fd)
        del self._idle[fd]

    def _register(self, waiter: W, sock: Any, fd: int, events: int) -> None:
        self.by_fd[fd] = waiter
        idle = self._idle.pop(fd, None)
        if idle is not None and idle.sock is sock:
            if events != IN:
                self._set(fd, events, known=True)
            return
        waiter.round = self.round
        try:
            self._set(fd, events)
        except FileExistsError:  # the same socket under another wrapper, as TLS has it
            self._set(fd, events, known=True)

    def _set(self, fd: int, events: int, *, known: bool = False) -> None:
        """Watch a descriptor for these events. known: it is watched already."""
        try:
            self._poll.modify(fd, events) if known else self._poll.register(fd, events)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            self._do_without_epoll()
            self._poll.register(fd, events)

    def _do_without_epoll(self) -> None:
        """Go on with a poll that needs nothing of the system: epoll's has no memory, or no place for this user."""
        self._poll.close()
        self._poll = _Poll()
        idle = [fd for fd, one in self._idle.items() if one.sock.fileno() == fd]
        for fd in (*self._added, *idle):
            self._poll.register(fd, IN)
        for fd, waiter in self.by_fd.items():
            self._poll.register(fd, waiter.events if fd == waiter.fd and waiter.events else IN | OUT)

    def _unwatch_extra(self, waiter: W) -> None:
        for fd in waiter.extra:
            if fd != waiter.fd:
                self._forget(waiter, fd)
        waiter.extra.clear()

    def _forget(self, waiter: W, fd: int) -> None:
        if self.by_fd.get(fd) is waiter:
            del self.by_fd[fd]
            with suppress(KeyError, ValueError, OSError):  # closing the socket may have done it
                self._poll.unregister(fd)


class _Poll:
    """``select.poll`` with epoll's units, for systems that have no epoll."""

    def __init__(self) -> None:
        poller = poll()
        self.register, self.modify, self.unregister = poller.register, poller.modify, poller.unregister
        self._poll = poller.poll

    def poll(self, seconds: float, most: int) -> list[tuple[int, int]]:
        """As epoll's; a descriptor that was closed is watched no more."""
        events = self._poll(None if seconds < 0 else seconds * 1000)
        for fd, event in events:
            if event & INVALID:
                self.unregister(fd)
        return [(fd, event) for fd, event in events if not event & INVALID][:most]


def _system_poll() -> Any:
    with suppress(AttributeError, OSError):  # there is none, or no descriptor for one
        return select.epoll()
    return _Poll()
