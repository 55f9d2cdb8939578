"""Resolves names to addresses: a small cache with one look-up per name, a limit on look-ups, and a time limit.

This module decides which addresses a name has, and how long they are cached. ``getaddrinfo`` blocks without a limit
(urllib3#1334), so it runs in threads of its own, which look up one name after another. A look-up that takes too long is
abandoned and counted, and a look-up that hangs does not block others.
"""

from __future__ import annotations

import errno
import os
import queue
import socket
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from functools import partial
from typing import Any

from ...errors import system_reason
from ...model import ErrorKind
from ...named_tuple import NamedTuple
from ...running_clock import monotonic
from ..classify import out_of_descriptors
from ..errors import FetchError, ResolverError
from . import descriptors
from .steps import Resume, Steps, Watch, drive

TTL = 60.0  # seconds; getaddrinfo does not report a TTL, and browsers cache a name for a minute
NEGATIVE_TTL = 5.0  # seconds; short, so that a retry after a backoff looks the name up again
MOST_LOOKUPS = 64  # concurrent look-ups, without those that hang; this limits the load on a name server
HANGS = 0.5  # seconds after which a look-up counts as hanging, and another one may start
MOST_HANGING = 1024  # look-ups that may hang, each in a thread; further look-ups wait for one to end
MOST_NAMES = 10_000
IDLE = 1.0  # seconds after which a thread without work ends


class NotLookedUpError(OSError):
    """A name was not looked up because too many look-ups were pending; the name itself may be valid."""


def was_not_looked_up(error: BaseException | None) -> bool:
    """Return whether an error was caused by a NotLookedUpError."""
    while error is not None:
        if isinstance(error, NotLookedUpError):
            return True
        error = error.__cause__
    return False


class Address(NamedTuple):
    """The arguments for a socket to connect. ``sockaddr`` has the form that getaddrinfo returns."""

    family: int
    sockaddr: tuple[Any, ...]

    @property
    def ip(self) -> str:
        """The address without the port."""
        return str(self.sockaddr[0])

    def at(self, port: int) -> Address:
        """Return the same address with another port."""
        return Address(self.family, (self.sockaddr[0], port, *self.sockaddr[2:]))


class _Lookup:
    """One look-up, which may have many waiters. began: its monotonic start time; None while it is queued."""

    def __init__(self, host: str, older: list[Address] | None) -> None:
        self.host = host
        self.done = False
        self.waiters: list[Resume] = []
        self.addresses: list[Address] | None = None
        self.reason = ""
        self.starved = False  # the process had no file descriptor left, so the name may be valid
        self.refused = False  # the name server reported a temporary failure
        self.older = older  # the expired addresses of the look-up before
        self.expires = float("inf")
        self.began: float | None = None


class Resolver:
    """Resolves and caches names for the whole process; safe for many threads.

    lookup: a function like ``socket.getaddrinfo``.
    cap: the maximum number of concurrent look-ups, without those that hang.
    most_hanging: the maximum number of look-ups that hang.
    abandoned: the number of look-ups that were abandoned while they hung.
    """

    def __init__(
        self,
        lookup: Callable[..., Any] | None = None,
        *,
        cap: int = MOST_LOOKUPS,
        most_hanging: int = MOST_HANGING,
    ) -> None:
        self._lookup = lookup
        self._cap = cap
        self._most_hanging = most_hanging
        self._lock = threading.Lock()  # guards all attributes below
        self._names: OrderedDict[str, _Lookup] = OrderedDict()
        self._waiting: deque[_Lookup] = deque()  # queued look-ups
        self._running: dict[_Lookup, None] = {}  # without those that hang, the oldest first
        self._hanging = 0
        self._idle = 0  # threads without a look-up
        self._work: queue.SimpleQueue[_Lookup] = queue.SimpleQueue()
        self.abandoned: int = 0

    def __repr__(self) -> str:
        return f"<Resolver {len(self._names)} names, {self.abandoned} look-ups abandoned>"

    def resolve(
        self, host: str, port: int, timeout: float, check: Callable[[], object] = lambda: None
    ) -> list[Address]:
        """Return the result of ``find``, and block for up to ``timeout`` seconds. check: see ``steps.drive``."""
        return drive(partial(self.find, host, port, monotonic() + timeout), check)

    def find(self, host: str, port: int, until: float, resume: Resume) -> Steps[list[Address]]:
        """Return the addresses of the name ``host`` in the order to try them. Waits until the monotonic time ``until``.

        Raises FetchError (``dns``) if there are none, or none arrived in time. Raises NotLookedUpError if time passed
        while the look-up was queued, and OSError (EMFILE) if the process had no file descriptor left.
        """
        began = monotonic()
        lookup, in_time = self._join(host, resume)
        while not lookup.done:
            now = monotonic()
            if now >= until:
                if not in_time:
                    pending = len(self._running) + self._hanging
                    raise NotLookedUpError(f"{pending} DNS look-ups are pending; did not resolve {host}")
                self._abandon(lookup)
                raise FetchError(ErrorKind.DNS, f"no DNS response for {host} within {until - began:.3g} s")
            if lookup.began is None:
                yield Watch((), min(until, now + HANGS))
                self._begin_some()
            else:
                yield Watch((), until)
        if lookup.starved:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        if lookup.addresses is None and lookup.refused:
            raise ResolverError(f"{host}: {lookup.reason}")
        if lookup.addresses is None:
            raise FetchError(ErrorKind.DNS, f"{host}: {lookup.reason}")
        return [address.at(port) for address in lookup.addresses]

    def prefer(self, host: str, address: Address) -> None:
        """Return ``address`` first from now on, because it accepted when the first one did not (RFC 8305 section 7)."""
        with self._lock:
            lookup = self._names.get(host)
            if lookup is not None and lookup.addresses:
                lookup.addresses = sorted(lookup.addresses, key=lambda other: other.ip != address.ip)

    def _join(self, host: str, resume: Resume) -> tuple[_Lookup, bool]:
        """Return the look-up of this name, a new one if necessary, and whether it has started."""
        with self._lock:
            lookup = self._names.get(host)
            if lookup is None or lookup.expires <= time.monotonic():
                older = None if lookup is None else lookup.addresses or lookup.older
                lookup = self._names[host] = _Lookup(host, older)
                self._waiting.append(lookup)
                self._names.move_to_end(host)
                if len(self._names) > MOST_NAMES:
                    self._names.popitem(last=False)
            if not lookup.done:
                lookup.waiters.append(resume)
        self._begin_some()
        return lookup, lookup.done or lookup.began is not None

    def _begin_some(self) -> None:
        """Start queued look-ups, as far as the limits and the available threads allow."""
        with self._lock:
            while self._waiting and self._may_start():
                lookup = self._waiting.popleft()
                if self._idle:
                    self._idle -= 1
                else:
                    try:
                        threading.Thread(target=self._look_up_names, name="scrapepool-dns", daemon=True).start()
                    except RuntimeError:  # the system has no more threads
                        self._waiting.appendleft(lookup)
                        return
                lookup.began = time.monotonic()
                self._running[lookup] = None
                self._work.put(lookup)

    def _may_start(self) -> bool:
        """Return whether another look-up may start; the oldest one may be counted as hanging. The lock must be held."""
        if len(self._running) < self._cap:
            return True
        oldest = next(iter(self._running))
        if self._hanging >= self._most_hanging or time.monotonic() - (oldest.began or 0.0) < HANGS:
            return False
        del self._running[oldest]
        self._hanging += 1
        return True

    def _abandon(self, lookup: _Lookup) -> None:
        """Make the next request for this name start a new look-up, unless this one is too young to count as hanging."""
        with self._lock:
            began = time.monotonic() if lookup.began is None else lookup.began
            if self._names.get(lookup.host) is lookup and time.monotonic() - began >= HANGS:
                del self._names[lookup.host]
                self.abandoned += 1

    def _look_up_names(self) -> None:
        """Look up one name after another in a thread, until there is none for ``IDLE`` seconds."""
        while True:
            try:
                lookup = self._work.get(timeout=IDLE)
            except queue.Empty:
                with self._lock:
                    if not self._idle:  # a look-up is being queued for this thread
                        continue
                    self._idle -= 1
                return
            self._run(lookup.host, lookup)

    def _run(self, host: str, lookup: _Lookup) -> None:
        try:
            found = (self._lookup or socket.getaddrinfo)(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            # Without a file descriptor, the C library reports an unknown name or a temporary failure.
            lookup.starved = out_of_descriptors(error) or descriptors.are_used_up()
            lookup.refused = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
            if lookup.refused and not lookup.starved:
                lookup.addresses = lookup.older  # use the expired addresses if there are no new ones
            self._end(lookup, system_reason(error).lower())
        else:
            lookup.addresses = _interleaved([Address(family, sockaddr) for family, _, _, _, sockaddr in found])
            lookup.expires = time.monotonic() + TTL
            self._end(lookup)

    def _end(self, lookup: _Lookup, reason: str = "") -> None:
        if lookup.addresses is None or lookup.refused:
            lookup.reason = reason
            lookup.expires = time.monotonic() + (0.0 if lookup.starved else NEGATIVE_TTL)
        with self._lock:
            if lookup in self._running:
                del self._running[lookup]
            else:
                self._hanging -= 1
            self._idle += 1
            lookup.done = True
            waiters, lookup.waiters = lookup.waiters, []
        self._begin_some()
        for resume in waiters:
            resume()


def literal(host: str, port: int) -> Address | None:
    """Return the address if ``host`` is an IP address; None if it is a name, which must be looked up."""
    if ":" in host:
        try:
            socket.inet_pton(socket.AF_INET6, host)
        except OSError:
            return None
        return Address(socket.AF_INET6, (host, port, 0, 0))
    if host[-1:].isdigit():
        try:
            socket.inet_pton(socket.AF_INET, host)
        except OSError:
            return None
        return Address(socket.AF_INET, (host, port))
    return None


def _interleaved(addresses: list[Address]) -> list[Address]:
    """Return each address once, with alternating families, the preferred one first (RFC 8305 section 4)."""
    unique = list(dict.fromkeys(addresses))
    first = [a for a in unique if a.family == unique[0].family]
    others = [a for a in unique if a.family != unique[0].family]
    mixed: list[Address] = []
    while first or others:
        mixed += first[:1] + others[:1]
        first, others = first[1:], others[1:]
    return mixed
