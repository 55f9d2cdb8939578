"""The slots of a host's pool, and the idle connections of all pools together.

This module decides which connection is reused (the open one that was used last), and which one is closed if too many
are idle (the one that was idle for the longest time). urllib3 uses ``Slots`` in the same way as ``queue.LifoQueue``.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from queue import Empty, Full
from time import monotonic
from typing import Any, Self

TLS_WEIGHT = 4
"""A TLS connection counts as this many plain ones, since it takes four times as much memory: about 50 kB."""


class IdleConnections:
    """The open and unused connections of all pools of a manager. Callers must hold ``lock``.

    most: the maximum number of them; a TLS connection counts ``TLS_WEIGHT`` times.
    """

    def __init__(self, most: int) -> None:
        self.lock: threading.Lock = threading.Lock()
        self.most = most
        self._idle: OrderedDict[Any, Slots] = OrderedDict()
        self._weight = 0

    def __len__(self) -> int:
        return len(self._idle)

    def add(self, conn: Any, slots: Slots) -> list[Any]:
        """Add a connection that became idle, and return those that must be closed to stay within the limit."""
        self._idle[conn] = slots
        self._weight += _weight(conn)
        evicted = []
        while self._weight > self.most:
            evicted.append(self.evict())
        return evicted

    def discard(self, conn: Any) -> None:
        """Remove a connection that is no longer idle."""
        if self._idle.pop(conn, None) is not None:
            self._weight -= _weight(conn)

    def evict(self) -> Any:
        """Remove and return the connection that was idle for the longest time, or None. The caller must close it."""
        if not self._idle:
            return None
        conn, slots = self._idle.popitem(last=False)
        self._weight -= _weight(conn)
        slots.idle.remove(conn)
        slots.closed.append(conn)
        return conn


def _weight(conn: Any) -> int:
    return TLS_WEIGHT if conn.has_records else 1


class Slots:
    """One slot for each connection that a host may have.

    idle: the open connections, with the last used one at the end.
    closed: the other free slots; each is None or a closed connection.
    """

    def __init__(self, maxsize: int, all_idle: IdleConnections | None = None) -> None:
        self.maxsize = maxsize
        self.idle: list[Any] = []
        self.closed: list[Any] = []  # None, or a connection that can be opened again
        self._all = all_idle
        self._lock = threading.Lock() if all_idle is None else all_idle.lock
        self._free: threading.Condition | None = None  # created by the first thread that waits

    @classmethod
    def all_free(cls, maxsize: int, all_idle: IdleConnections | None) -> Self:
        """Return slots that are all free, as urllib3 fills them."""
        slots = cls(maxsize, all_idle)
        slots.closed = [None] * maxsize
        return slots

    def __repr__(self) -> str:
        return f"<Slots {len(self.idle)} idle, {len(self.closed)} closed of {self.maxsize}>"

    def qsize(self) -> int:
        """Return the number of free slots."""
        return len(self.idle) + len(self.closed)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take a slot: an open connection if there is one, else a closed one or None.

        Waits up to ``timeout`` seconds, or without a limit for None, unless ``block`` is False. Raises queue.Empty.
        """
        with self._lock:
            until = None if timeout is None else monotonic() + timeout
            while not self.idle and not self.closed:
                left = None if until is None else until - monotonic()
                if not block or (left is not None and left <= 0):
                    raise Empty
                if self._free is None:
                    self._free = threading.Condition(self._lock)
                self._free.wait(left)
            if not self.idle:
                return self.closed.pop()
            conn = self.idle.pop()
            if self._all is not None:
                self._all.discard(conn)
            return conn

    def put(self, conn: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: ARG002 - as urllib3 calls it
        """Return a slot. Raises queue.Full if all slots are free already."""
        evicted: list[Any] = []
        with self._lock:
            if len(self.idle) + len(self.closed) >= self.maxsize > 0:
                raise Full
            if conn is None or conn.sock is None:
                self.closed.append(conn)
            else:
                self.idle.append(conn)
                if self._all is not None:
                    evicted = self._all.add(conn, self)
            if self._free is not None:
                self._free.notify()
        for one in evicted:
            one.close()

    def take_out(self, conn: Any) -> bool:
        """Take the slot of this connection; return False if the connection is not idle."""
        with self._lock:
            if conn not in self.idle:
                return False
            self.idle.remove(conn)
            if self._all is not None:
                self._all.discard(conn)
            return True

    def take_idle(self) -> list[Any]:
        """Return the idle connections, and keep their slots. The caller must close the connections."""
        with self._lock:
            taken, self.idle = self.idle, []
            self.closed += taken
            if self._all is not None:
                for conn in taken:
                    self._all.discard(conn)
        return taken
