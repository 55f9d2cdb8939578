"""Connects to the first address of a host that accepts (RFC 8305, "Happy Eyeballs").

This module decides which address of a host is used. Every wait has an end. HTTP and TLS are not known here.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable, Sequence

from ...fallbacks import OUT
from ...running_clock import monotonic
from ..classify import NO_WAY
from .resolver import Address
from .steps import Steps, Watch

STAGGER = 0.25  # seconds before the next address joins the race (RFC 8305 section 5)
NON_BLOCKING = getattr(socket, "SOCK_NONBLOCK", 0)
"""A flag that creates a socket as non-blocking, which saves a system call."""
_PENDING = {errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR, errno.EALREADY}


def dial(
    addresses: Sequence[Address],
    until: float,
    *,
    options: Iterable[tuple[int, int, int | bytes]] = (),
    source: tuple[str, int] | None = None,
) -> Steps[tuple[socket.socket, Address]]:
    """Connect to one of ``addresses`` by the monotonic time ``until``, and return a non-blocking socket.

    Raises TimeoutError, or the OSError of the first address that failed. An error that an address is unreachable, as
    for every IPv6 address on many machines, is raised only if all addresses are unreachable.
    """
    began = monotonic()
    waiting = list(addresses)
    race: dict[socket.socket, Address] = {}
    first_error: OSError | None = None
    joins_at = began
    try:
        while waiting or race:
            now = monotonic()
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
            ready = yield Watch(tuple((sock, OUT) for sock in race), min(until, joins_at) if waiting else until)
            alone = len(race) == 1
            for sock, address in list(race.items()):
                code = _error(sock) if alone and ready else _state(sock, address)
                if code in _PENDING:
                    continue
                del race[sock]
                if code in (0, errno.EISCONN):
                    return sock, address
                sock.close()
                first_error = _more_telling(first_error, OSError(code, os.strerror(code)))
                joins_at = now
    finally:
        for sock in race:
            sock.close()
    raise first_error or OSError(errno.EADDRNOTAVAIL, "the name has no address")


def _error(sock: socket.socket) -> int:
    """Return the errno with which a connect has failed; 0 if it is pending, or if the socket is connected."""
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def _state(sock: socket.socket, address: Address) -> int:
    """Return the state of a connect: 0 or EISCONN if connected, one of ``_PENDING``, or the errno of the failure."""
    return _error(sock) or sock.connect_ex(address.sockaddr)


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
