"""The slots of a host's pool, and the idle connections of all pools together.

This module decides which connection is reused (the open one that was used last), and which one is closed if too many
are idle (the one that was idle for the longest time). urllib3 uses ``Slots`` in the same way as ``queue.LifoQueue``.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from queue import Empty, Full
from time import monotonic
from typing import Any

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
        self._weight += TLS_WEIGHT if conn.has_records else 1
        evicted: list[Any] = []
        while self._weight > self.most:
            evicted.append(self.evict())
        return evicted

    def discard(self, *conns: Any) -> None:
        """Remove connections that are no longer idle."""
        for conn in conns:
            if self._idle.pop(conn, None) is not None:
                self._weight -= TLS_WEIGHT if conn.has_records else 1

    def evict(self) -> Any:
        """Remove and return the connection that was idle for the longest time, or None. The caller must close it."""
        if not self._idle:
            return None
        conn, slots = self._idle.popitem(last=False)
        self._weight -= TLS_WEIGHT if conn.has_records else 1
        slots.idle.remove(conn)
        slots.closed.append(conn)
        return conn


class Slots:
    """One slot for each connection that a host may have.

    idle: the open connections, with the last used one at the end.
    closed: the other free slots; each is None or a closed connection.
    """

    __slots__ = ("_all", "_free", "_lock", "closed", "idle", "maxsize")

    def __init__(self, maxsize: int, all_idle: IdleConnections | None = None, free: bool = False) -> None:
        """Create the slots. free: all of them are free; urllib3 fills them itself."""
        self.maxsize: int = maxsize
        self.idle: list[Any] = []
        self.closed: list[Any] = [None] * maxsize if free else []  # None, or a connection that can be opened again
        self._all = all_idle
        self._lock = threading.Lock() if all_idle is None else all_idle.lock
        self._free: threading.Condition | None = None  # created by the first thread that waits

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
            if not self.idle and not self.closed:
                self._await(timeout if block else 0)
            if not self.idle:
                return self.closed.pop()
            conn = self.idle.pop()
            if self._all is not None:
                self._all.discard(conn)
            return conn

    def _await(self, timeout: float | None) -> None:
        """Wait for a free slot. The lock must be held. Raises queue.Empty."""
        until = None if timeout is None else monotonic() + timeout
        while not self.idle and not self.closed:
            left = None if until is None else until - monotonic()
            if left is not None and left <= 0:
                raise Empty
            if self._free is None:
                self._free = threading.Condition(self._lock)
            self._free.wait(left)

    def put(self, conn: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: ARG002 - as urllib3 calls it
        """Return a slot. Raises queue.Full if all slots are free already."""
        if not self.take_back(conn):
            raise Full

    def take_back(self, conn: Any) -> bool:
        """Return a slot; return False if all slots are free already."""
        evicted: list[Any] | None = None
        with self._lock:
            if len(self.idle) + len(self.closed) >= self.maxsize > 0:
                return False
            if conn is None or conn.sock is None:
                self.closed.append(conn)
            else:
                self.idle.append(conn)
                if self._all is not None:
                    evicted = self._all.add(conn, self)
            if self._free is not None:
                self._free.notify()
        if evicted:
            for one in evicted:
                one.close()
        return True

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
                self._all.discard(*taken)
        return taken
