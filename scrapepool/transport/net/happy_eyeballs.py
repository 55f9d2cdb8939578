"""Connects to the first address of a host that accepts (RFC 8305, "Happy Eyeballs").

This module decides which address of a host is used. Every wait has an end. HTTP and TLS are not known here.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable, Sequence
from socket import SO_ERROR, SOL_SOCKET

from ...fallbacks import OUT
from ...running_clock import monotonic
from ..classify import NO_WAY
from .resolver import Address
from .steps import Steps, Watch

STAGGER = 0.25  # seconds before the next address joins the race (RFC 8305 section 5)
NON_BLOCKING = getattr(socket, "SOCK_NONBLOCK", 0)
"""A flag that creates a socket as non-blocking, which saves a system call."""
_CONNECTED = (0, errno.EISCONN)
_PENDING = {errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR, errno.EALREADY}


def dial(
    addresses: Sequence[Address],
    now: float,
    until: float,
    *,
    options: Iterable[tuple[int, int, int | bytes]] = (),
    source: tuple[str, int] | None = None,
) -> Steps[tuple[socket.socket, Address]]:
    """Connect to one of ``addresses`` by the monotonic time ``until``, and return a non-blocking socket.

    now: the monotonic time. Raises TimeoutError, or the OSError of the first address that failed. An error that an
    address is unreachable, as for every IPv6 address on many machines, is raised only if all addresses are unreachable.
    """
    began = joins_at = now
    waiting = list(addresses)
    race: dict[socket.socket, Address] = {}
    first_error: OSError | None = None
    try:
        while waiting or race:
            if waiting and (not race or now >= joins_at):
                address = waiting.pop(0)
                try:
                    sock = _begin(address, options, source)
                except OSError as error:
                    first_error = _more_telling(first_error, error)
                    continue
                race[sock] = address
                joins_at = now + STAGGER
            if now >= until:
                raise TimeoutError(f"no connection within {until - began:.3g} s")
            alone = len(race) == 1
            watched = ((sock, OUT),) if alone else tuple([(other, OUT) for other in race])
            ready = yield Watch(watched, min(until, joins_at) if waiting else until)
            for sock, address in list(race.items()):
                code = sock.getsockopt(SOL_SOCKET, SO_ERROR)
                if not (code or (alone and ready)):  # still pending, or connected
                    code = sock.connect_ex(address.sockaddr)
                if code in _PENDING:
                    continue
                del race[sock]
                if code in _CONNECTED:
                    return sock, address
                sock.close()
                first_error = _more_telling(first_error, OSError(code, os.strerror(code)))
                joins_at = now
            now = monotonic()
    finally:
        for sock in race:
            sock.close()
    raise first_error or OSError(errno.EADDRNOTAVAIL, "the name has no address")


def _more_telling(first: OSError | None, then: OSError) -> OSError:
    return then if first is None or (first.errno in NO_WAY and then.errno not in NO_WAY) else first


def _begin(
    address: Address,
    options: Iterable[tuple[int, int, int | bytes]],
    source: tuple[str, int] | None,
) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM | NON_BLOCKING)
    try:
        for option in options:
            sock.setsockopt(*option)
        if source:
            sock.bind(source)
        if not NON_BLOCKING:
            sock.setblocking(False)
        code = sock.connect_ex(address.sockaddr)
        if code not in _PENDING and code != 0:
            raise OSError(code, os.strerror(code))  # noqa: TRY301 - the caller handles it like a later failure
    except BaseException:
        sock.close()
        raise
    return sock
