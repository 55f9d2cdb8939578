"""Names to addresses: a small cache with one look-up a name, a cap, and a time limit.

Decides which addresses a name has and how long that is believed. ``getaddrinfo`` blocks
without a limit (urllib3#1334), so it runs in threads of its own: a look-up that takes too
long is abandoned and counted, never waited for. Knows nothing of sockets beyond addresses.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..model import ErrorKind
from .faults import FetchError

TTL = 60.0  # seconds; getaddrinfo tells no TTL, a minute is what browsers pin a name for
NEGATIVE_TTL = 5.0  # seconds; short, so that a retry after a backoff asks again
MOST_LOOKUPS = 32  # threads that may hang in getaddrinfo at once
MOST_NAMES = 10_000


class Address(NamedTuple):
    """What a socket needs to connect. ``sockaddr`` is as getaddrinfo gives it."""

    family: int
    sockaddr: tuple[Any, ...]

    @property
    def ip(self) -> str:
        """The address without the port."""
        return str(self.sockaddr[0])


@dataclass(slots=True)
class _Lookup:
    """One look-up that may have many waiters."""

    ready: threading.Event = field(default_factory=threading.Event)
    addresses: list[Address] | None = None
    reason: str = ""
    expires: float = float("inf")


class Resolver:
    """A process's names. Safe to call from many threads.

    lookup: as ``socket.getaddrinfo``; an argument for tests.
    """

    def __init__(self, lookup: Callable[..., Any] | None = None) -> None:
        self._lookup = lookup
        self._lock = threading.Lock()
        self._names: OrderedDict[tuple[str, int], _Lookup] = OrderedDict()
        self._slots = threading.BoundedSemaphore(MOST_LOOKUPS)
        self.abandoned = 0

    def __repr__(self) -> str:
        return f"<Resolver {len(self._names)} names, {self.abandoned} look-ups abandoned>"

    def resolve(self, host: str, port: int, timeout: float) -> list[Address]:
        """Addresses of ``host`` in the order to try them, waiting up to ``timeout`` seconds.

        Raises FetchError (``dns``) where there are none or none came in time.
        """
        literal = _literal(host, port)
        if literal is not None:
            return [literal]
        give_up = time.monotonic() + timeout
        while True:
            lookup = self._join(host, port)
            if lookup is None:
                time.sleep(0.01)
            elif not lookup.ready.wait(max(0.0, give_up - time.monotonic())):
                self._abandon(host, port, lookup)
                raise FetchError(ErrorKind.DNS, f"no answer for {host} within {timeout:.3g} s")
            elif lookup.addresses is None:
                raise FetchError(ErrorKind.DNS, f"{host}: {lookup.reason}")
            else:
                return lookup.addresses
            if time.monotonic() >= give_up:
                raise FetchError(ErrorKind.DNS, f"{MOST_LOOKUPS} look-ups hang already; {host} was not asked for")

    def _join(self, host: str, port: int) -> _Lookup | None:
        """The look-up of this name, begun if need be; None where too many hang."""
        key = host, port
        with self._lock:
            lookup = self._names.get(key)
            if lookup is not None and lookup.expires > time.monotonic():
                return lookup
            if not self._slots.acquire(blocking=False):
                return None
            lookup = self._names[key] = _Lookup()
            self._names.move_to_end(key)
            if len(self._names) > MOST_NAMES:
                self._names.popitem(last=False)
        threading.Thread(target=self._run, args=(host, port, lookup), name=f"dns {host}", daemon=True).start()
        return lookup

    def _abandon(self, host: str, port: int, lookup: _Lookup) -> None:
        with self._lock:
            self.abandoned += 1
            if self._names.get((host, port)) is lookup:
                del self._names[host, port]

    def _run(self, host: str, port: int, lookup: _Lookup) -> None:
        try:
            found = (self._lookup or socket.getaddrinfo)(host, port, type=socket.SOCK_STREAM)
            addresses = [Address(family, sockaddr) for family, _, _, _, sockaddr in found]
            lookup.expires = time.monotonic() + TTL
            lookup.addresses = _interleaved(addresses)
        except (OSError, UnicodeError) as error:
            lookup.reason = str(getattr(error, "strerror", None) or error).lower()
            lookup.expires = time.monotonic() + NEGATIVE_TTL
        finally:
            self._slots.release()
            lookup.ready.set()


def _literal(host: str, port: int) -> Address | None:
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
