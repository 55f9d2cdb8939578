"""Names to addresses: a small cache with one look-up per name, a cap, and a time limit.

Decides which addresses a name has and how long that is believed. ``getaddrinfo`` blocks without a limit (urllib3#1334),
so it runs on threads of its own, which look up one name after another: a look-up that takes too long is abandoned and
counted, never waited for, and one that hangs is not in the way of others. Knows nothing of sockets beyond addresses.
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
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from ...model import ErrorKind
from ...running_clock import monotonic
from ..classify import out_of_descriptors
from ..errors import FetchError, ResolverError
from . import descriptors
from .steps import Resume, Steps, Watch, drive

TTL = 60.0  # seconds; getaddrinfo tells no TTL, a minute is what browsers pin a name for
NEGATIVE_TTL = 5.0  # seconds; short, so that a retry after a backoff asks again
MOST_LOOKUPS = 64  # look-ups at a time, those that hang apart: a name server gets no more questions at once
HANGS = 0.5  # seconds after which a look-up is taken to hang, and gives its place to another
MOST_HANGING = 1024  # look-ups that may hang, each in a thread; only beyond that do others wait for them
MOST_NAMES = 10_000
IDLE = 1.0  # seconds without a name to look up after which a thread ends


class NotLookedUpError(OSError):
    """A name was not looked up for want of a place; that tells nothing of the name."""


def was_not_looked_up(error: BaseException | None) -> bool:
    """Whether the reason of an error is that a name was not looked up."""
    while error is not None:
        if isinstance(error, NotLookedUpError):
            return True
        error = error.__cause__
    return False


class Address(NamedTuple):
    """What a socket needs to connect. ``sockaddr`` is as getaddrinfo gives it."""

    family: int
    sockaddr: tuple[Any, ...]

    @property
    def ip(self) -> str:
        """The address without the port."""
        return str(self.sockaddr[0])

    def at(self, port: int) -> Address:
        """The same address with a port."""
        return Address(self.family, (self.sockaddr[0], port, *self.sockaddr[2:]))


@dataclass(slots=True, eq=False)
class _Lookup:
    """One look-up that may have many waiters. began: monotonic time, None while it waits for a place."""

    host: str
    done: bool = False
    waiters: list[Resume] = field(default_factory=list)
    addresses: list[Address] | None = None
    reason: str = ""
    starved: bool = False  # this process, and not the name, is the reason
    refused: bool = False  # the name server is
    older: list[Address] | None = None  # what was found before, and has expired
    expires: float = float("inf")
    began: float | None = None


class Resolver:
    """A process's names. Safe to call from many threads.

    lookup: as ``socket.getaddrinfo``. cap: look-ups at a time, those that hang apart. most_hanging: of these.
    abandoned: look-ups that were given up while they hung.
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
        self._lock = threading.Lock()  # guards all of the following
        self._names: OrderedDict[str, _Lookup] = OrderedDict()
        self._waiting: deque[_Lookup] = deque()  # for a place
        self._places: dict[_Lookup, None] = {}  # under way, the oldest first
        self._hanging = 0
        self._idle = 0  # threads that wait for a name
        self._work: queue.SimpleQueue[_Lookup] = queue.SimpleQueue()
        self.abandoned: int = 0

    def __repr__(self) -> str:
        return f"<Resolver {len(self._names)} names, {self.abandoned} look-ups abandoned>"

    def resolve(
        self, host: str, port: int, timeout: float, check: Callable[[], object] = lambda: None
    ) -> list[Address]:
        """As ``find``, blocking up to ``timeout`` seconds. check: see ``steps.drive``."""
        return drive(partial(self.find, host, port, monotonic() + timeout), check)

    def find(self, host: str, port: int, until: float, resume: Resume) -> Steps[list[Address]]:
        """Addresses of ``host``, which is no literal, in the order to try them, waiting up to the monotonic ``until``.

        Raises FetchError (``dns``) where there are none or none came in time, NotLookedUpError where some of that time
        went by without a place for the look-up, OSError (EMFILE) where the process had no file descriptor left to look
        them up with.
        """
        began = monotonic()
        lookup, in_time = self._join(host, resume)
        while not lookup.done:
            now = monotonic()
            if now >= until:
                if not in_time:
                    pending = len(self._places) + self._hanging
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
        """Give ``address`` first from now on: it accepted when the one before did not (RFC 8305 section 7)."""
        with self._lock:
            lookup = self._names.get(host)
            if lookup is not None and lookup.addresses:
                lookup.addresses = sorted(lookup.addresses, key=lambda other: other.ip != address.ip)

    def _join(self, host: str, resume: Resume) -> tuple[_Lookup, bool]:
        """The look-up of this name, begun or queued if need be; and whether it is under way or done by now."""
        with self._lock:
            lookup = self._names.get(host)
            if lookup is None or lookup.expires <= time.monotonic():
                older = None if lookup is None else lookup.addresses or lookup.older
                lookup = self._names[host] = _Lookup(host, older=older)
                self._waiting.append(lookup)
                self._names.move_to_end(host)
                if len(self._names) > MOST_NAMES:
                    self._names.popitem(last=False)
            if not lookup.done:
                lookup.waiters.append(resume)
        self._begin_some()
        return lookup, lookup.done or lookup.began is not None

    def _begin_some(self) -> None:
        """Begin what waits for a place, as far as there are any and the system gives threads."""
        with self._lock:
            while self._waiting and self._has_place():
                lookup = self._waiting.popleft()
                if self._idle:
                    self._idle -= 1
                else:
                    try:
                        threading.Thread(target=self._look_up_names, name="scrapepool-dns", daemon=True).start()
                    except RuntimeError:  # the system gives no more threads
                        self._waiting.appendleft(lookup)
                        return
                lookup.began = time.monotonic()
                self._places[lookup] = None
                self._work.put(lookup)

    def _has_place(self) -> bool:
        """Whether one more look-up may begin, where need be in the place of one that hangs. Called with the lock."""
        if len(self._places) < self._cap:
            return True
        oldest = next(iter(self._places))
        if self._hanging >= self._most_hanging or time.monotonic() - (oldest.began or 0.0) < HANGS:
            return False
        del self._places[oldest]
        self._hanging += 1
        return True

    def _abandon(self, lookup: _Lookup) -> None:
        """Let who asks next begin a look-up of his own, unless this one is so young that it need not hang."""
        with self._lock:
            began = time.monotonic() if lookup.began is None else lookup.began
            if self._names.get(lookup.host) is lookup and time.monotonic() - began >= HANGS:
                del self._names[lookup.host]
                self.abandoned += 1

    def _look_up_names(self) -> None:
        """What a thread does: one name after another, until none comes for a while."""
        while True:
            try:
                lookup = self._work.get(timeout=IDLE)
            except queue.Empty:
                with self._lock:
                    if not self._idle:  # one is being put for this thread
                        continue
                    self._idle -= 1
                return
            self._run(lookup.host, lookup)

    def _run(self, host: str, lookup: _Lookup) -> None:
        try:
            found = (self._lookup or socket.getaddrinfo)(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            # The C library says then that the name is unknown, or that it may be known later, or why.
            lookup.starved = out_of_descriptors(error) or descriptors.are_used_up()
            lookup.refused = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
            if lookup.refused and not lookup.starved:
                lookup.addresses = lookup.older  # an expired address stands in for one that cannot be had
            self._end(lookup, str(getattr(error, "strerror", None) or error).lower())
        else:
            lookup.addresses = _interleaved([Address(family, sockaddr) for family, _, _, _, sockaddr in found])
            lookup.expires = time.monotonic() + TTL
            self._end(lookup)

    def _end(self, lookup: _Lookup, reason: str = "") -> None:
        if lookup.addresses is None or lookup.refused:
            lookup.reason = reason
            lookup.expires = time.monotonic() + (0.0 if lookup.starved else NEGATIVE_TTL)
        with self._lock:
            if lookup in self._places:
                del self._places[lookup]
            else:
                self._hanging -= 1
            self._idle += 1
            lookup.done = True
            waiters, lookup.waiters = lookup.waiters, []
        self._begin_some()
        for resume in waiters:
            resume()


def literal(host: str, port: int) -> Address | None:
    """The address that ``host`` is, in words of its own; None for a name, which must be looked up."""
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
    """The families in turn, the preferred one first (RFC 8305 section 4); each address once."""
    unique = list(dict.fromkeys(addresses))
    first = [a for a in unique if a.family == unique[0].family]
    others = [a for a in unique if a.family != unique[0].family]
    mixed: list[Address] = []
    while first or others:
        mixed += first[:1] + others[:1]
        first, others = first[1:], others[1:]
    return mixed
