"""A TCP connection to whichever address answers first (RFC 8305, "Happy Eyeballs").

Decides which of a name's addresses is used. Every wait has an end; knows no HTTP, no TLS.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
from collections.abc import Callable, Iterable, Sequence

from ..uptime import monotonic
from .resolver import Address

STAGGER = 0.25  # seconds before the next address joins the race (RFC 8305 section 5)
_Selector = getattr(
    selectors, "PollSelector", selectors.SelectSelector
)  # takes no descriptor of its own, as epoll does
NON_BLOCKING = getattr(socket, "SOCK_NONBLOCK", 0)
"""Makes a socket so from the start, which saves a system call."""
_PENDING = {errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR}

NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})
"""What the system says where no packet finds its way to an address."""


def dial(
    addresses: Sequence[Address],
    timeout: float,
    *,
    options: Iterable[tuple[int, int, int | bytes]] = (),
    source: tuple[str, int] | None = None,
    check: Callable[[], object] = lambda: None,
) -> tuple[socket.socket, Address]:
    """Connect to one of ``addresses`` within ``timeout`` seconds; the socket comes back non-blocking.

    check: called every STAGGER seconds of the wait; what it raises ends it.
    Raises TimeoutError, or the OSError of the first address that refused; that there is no way to an address, as to all
    of IPv6 on many machines, only where that is so for every one.
    """
    give_up = monotonic() + timeout
    waiting = list(addresses)
    first_error: OSError | None = None
    with _Selector() as race:
        try:
            while waiting or race.get_map():
                if waiting:
                    address = waiting.pop(0)
                    try:
                        sock = _begin(address, options, source)
                    except OSError as error:
                        first_error = _more_telling(first_error, error)
                        continue
                    race.register(sock, selectors.EVENT_WRITE, address)
                left = give_up - monotonic()
                if left <= 0:
                    raise TimeoutError(f"no connection within {timeout:.3g} s")
                check()
                for key, _ in race.select(min(left, STAGGER)):
                    sock = key.fileobj  # type: ignore[assignment]
                    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    race.unregister(sock)
                    if code == 0:
                        return sock, key.data
                    sock.close()
                    first_error = _more_telling(first_error, OSError(code, os.strerror(code)))
        finally:
            for key in list(race.get_map().values()):
                key.fileobj.close()
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
            raise OSError(code, os.strerror(code))  # noqa: TRY301 - as a refusal that comes later
    except BaseException:
        sock.close()
        raise
    return sock
