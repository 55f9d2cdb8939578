"""The places of a host's pool, and the idle connections of all pools together.

Decides which connection is handed out (the open one that was used last) and which is closed where too many are idle
(the one that was idle for longest). urllib3 uses ``Slots`` as it does ``queue.LifoQueue``.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from queue import Empty, Full
from time import monotonic
from typing import Any

TLS_WEIGHT = 4
"""As how many plain connections one through TLS counts, which holds some 50 kB: four times as much."""


class IdleConnections:
    """Connections that are open and unused, over all pools of a manager; called with ``lock`` held.

    most: how many there may be, where those through TLS count ``TLS_WEIGHT`` times.
    """

    def __init__(self, most: int) -> None:
        self.lock: threading.Lock = threading.Lock()
        self.most = most
        self._idle: OrderedDict[Any, Slots] = OrderedDict()
        self._weight = 0

    def __len__(self) -> int:
        return len(self._idle)

    def add(self, conn: Any, slots: Slots) -> list[Any]:
        """Take note of one that is idle now; those that are to be closed in its place."""
        self._idle[conn] = slots
        self._weight += _weight(conn)
        evicted = []
        while self._weight > self.most:
            evicted.append(self.evict())
        return evicted

    def discard(self, conn: Any) -> None:
        """Take note of one that is idle no longer."""
        if self._idle.pop(conn, None) is not None:
            self._weight -= _weight(conn)

    def evict(self) -> Any:
        """The one that was idle for longest, taken out of its pool; None for none. Whoever calls closes it."""
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
    """As many places as a host may have connections. idle: open ones, the last used last. closed: the other places."""

    def __init__(self, maxsize: int, all_idle: IdleConnections | None = None) -> None:
        self.maxsize = maxsize
        self.idle: list[Any] = []
        self.closed: list[Any] = []  # None, or a connection that may be opened again
        self._all = all_idle
        self._lock = threading.Lock() if all_idle is None else all_idle.lock
        self._free: threading.Condition | None = None  # made by the first one who waits

    def __repr__(self) -> str:
        return f"<Slots {len(self.idle)} idle, {len(self.closed)} closed of {self.maxsize}>"

    def qsize(self) -> int:
        """Places that nobody holds."""
        return len(self.idle) + len(self.closed)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take a place: an open connection where there is one, a closed one or None otherwise.

        Waits up to ``timeout`` seconds, None for ever, unless ``block`` is false. Raises queue.Empty.
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
        """Give a place back. Raises queue.Full where all are here already."""
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
        """Take the place of one idle connection; False where it is not idle."""
        with self._lock:
            if conn not in self.idle:
                return False
            self.idle.remove(conn)
            if self._all is not None:
                self._all.discard(conn)
            return True

    def take_idle(self) -> list[Any]:
        """The idle connections, whose places stay; whoever calls closes them."""
        with self._lock:
            taken, self.idle = self.idle, []
            self.closed += taken
            if self._all is not None:
                for conn in taken:
                    self._all.discard(conn)
        return taken
