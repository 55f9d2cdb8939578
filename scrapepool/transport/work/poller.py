"""The descriptors that the event loop watches, and the lease that waits for each.

Avoids system calls: a connection stays registered from one request to the next, and from one lease to the next. Idle
connections stay registered too, so that the loop notices when the server closes them.
"""

from __future__ import annotations

import errno
import select
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar

from ...fallbacks import IN, INVALID, OUT, poll
from ...named_tuple import NamedTuple
from ..net.channel import Condition
from ..net.connection import Connection
from ..net.pool import HostPool
from .desync import DesyncState

MAX_EVENTS = 512
"""Maximum number of events per poll."""

_EPOLL_FULL = frozenset({errno.ENOSPC, errno.ENOMEM})
"""Errors of an epoll that cannot watch another descriptor."""


class Watched:
    """A waiter for descriptors.

    fd, sock, events: the descriptor that is watched for it, -1 if there is none. extra: further descriptors.
    round: the number of the poll after which ``fd`` was registered. That poll's events belong to an earlier descriptor
    with the same number.
    """

    __slots__ = ("events", "extra", "fd", "round", "sock")

    def __init__(self) -> None:
        self.sock: Any = None
        self.fd = -1
        self.events = self.round = 0
        self.extra: list[int] = []


W = TypeVar("W", bound=Watched)


class _Idle(NamedTuple):
    """A connection that no lease uses, and that is watched until the server closes it."""

    sock: Any
    conn: Connection
    pool: HostPool
    desync: DesyncState


class Poller(Generic[W]):
    """The system's poll and its waiters. by_fd: the waiter for each descriptor. round: the number of polls so far."""

    def __init__(self) -> None:
        self._poll = _system_poll()
        self.by_fd: dict[int, W] = {}
        self._idle: dict[int, _Idle] = {}
        self._added: list[int] = []
        self.round = 0

    def add(self, fd: int) -> None:
        """Watch a descriptor that has no waiter, from now on."""
        self._added.append(fd)
        self._set(fd, IN)

    def poll(self, seconds: float) -> Sequence[tuple[int, int]]:
        """Wait up to ``seconds`` for events, without limit if negative; return descriptors with their events."""
        self.round += 1
        events: Sequence[tuple[int, int]] = self._poll.poll(seconds, MAX_EVENTS)
        return events

    def watch(self, waiter: W, sock: Any, events: int) -> None:
        """Watch a socket for ``waiter``, and nothing else."""
        if sock is not waiter.sock:  # descriptors are not compared: a new socket may have the number of the old one
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
            elif self.by_fd.get(waiter.fd) is waiter:  # it was closed, so the system has removed it
                del self.by_fd[waiter.fd]
            waiter.sock, waiter.fd, waiter.events = None, -1, 0
        if waiter.extra:
            self._unwatch_extra(waiter)

    def keep(self, waiter: W, conn: Connection | None, pool: HostPool | None, desync: DesyncState) -> None:
        """Watch the connection that ``waiter`` leaves open as idle, and watch nothing else for it."""
        if conn is None or pool is None or conn.sock is None or conn.sock is not waiter.sock:
            self.unwatch(waiter)
            return
        if waiter.events != IN:
            self._set(waiter.fd, IN, known=True)
        del self.by_fd[waiter.fd]
        self._idle[waiter.fd] = _Idle(conn.sock, conn, pool, desync)
        waiter.sock, waiter.fd, waiter.events = None, -1, 0

    def check_idle(self, fd: int) -> None:
        """Handle an event of a connection that no lease uses: usually the server has closed it."""
        idle = self._idle.get(fd)
        if idle is None:  # without epoll: the connection was closed, and its number is in use again
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
        elif idle.sock.fileno() == fd:  # other code uses the connection through the same session
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
        except FileExistsError:  # the same socket in another wrapper, as with TLS
            self._set(fd, events, known=True)

    def _set(self, fd: int, events: int, *, known: bool = False) -> None:
        """Watch a descriptor for these events. known: it is registered already."""
        try:
            self._poll.modify(fd, events) if known else self._poll.register(fd, events)
        except OSError as error:
            if error.errno not in _EPOLL_FULL:
                raise
            self._replace_epoll()
            self._poll.register(fd, events)

    def _replace_epoll(self) -> None:
        """Continue with ``poll``, because epoll has no memory or has reached its limit for this user."""
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
            with suppress(KeyError, ValueError, OSError):  # closing the socket may have unregistered it
                self._poll.unregister(fd)


class _Poll:
    """An adapter of ``select.poll`` to the interface of epoll, for systems without epoll."""

    def __init__(self) -> None:
        poller = poll()
        self.register, self.modify, self.unregister = poller.register, poller.modify, poller.unregister
        self._poll = poller.poll

    def poll(self, seconds: float, most: int) -> list[tuple[int, int]]:
        """Return events as epoll does, and unregister descriptors that were closed."""
        events = self._poll(None if seconds < 0 else seconds * 1000)
        for fd, event in events:
            if event & INVALID:
                self.unregister(fd)
        return [(fd, event) for fd, event in events if not event & INVALID][:most]


def _system_poll() -> Any:
    with suppress(AttributeError, OSError):  # the system has no epoll, or no descriptor for it
        return select.epoll()
    return _Poll()
