"""The demo's web: every role of ``pages`` is a host of its own on loopback.

Decides addresses and ports. ``pages`` decides the responses, ``server`` how they are sent.
"""

from __future__ import annotations

import errno
import socket
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Self

from .pages import ROLES, Role, Visit, response_to
from .server import LoopbackServer, listen
from .wire import Request, WireResponse

DEFAULT_PORT = 8900
"""A port outside the ephemeral range of every platform that is not assigned to a well-known service."""

ADDRESSES = tuple(f"127.0.1.{i}" for i in range(1, len(ROLES) + 1))
"""One address for each role, in order."""


def demo_urls(port: int = DEFAULT_PORT) -> list[str]:
    """List the URLs of a web that runs, or would run, at ``port``; nothing is started."""
    if _has_addresses():
        return _spread([f"http://{address}:{port}" for address in ADDRESSES])
    return _spread([f"http://127.0.0.1:{port + i}" for i in range(len(ROLES))])


def _has_addresses() -> bool:
    """Whether all of 127.0.0.0/8 is this machine, as on Linux and Windows; macOS has 127.0.0.1 only."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((ADDRESSES[0], 0))
        except OSError:
            return False
    return True


def _spread(origins: Sequence[str]) -> list[str]:
    """Return every page of every role, with the pages of each host spread evenly over the list."""
    places = [
        (i / len(role.paths), origin + path)
        for role, origin in zip(ROLES, origins, strict=True)
        for i, path in enumerate(role.paths)
    ]
    return [url for _, url in sorted(places, key=lambda place: place[0])]


class DemoWeb:
    """A web of sixteen hosts and about a thousand pages, which runs during the ``with`` block.

    port: of every host. If the machine has 127.0.0.1 alone, it is the port of the first host, and the others follow. If
    it is taken, or 0, any free port is used. Raises OSError if there is no free port.
    """

    def __init__(self, port: int = DEFAULT_PORT) -> None:
        try:
            sockets = listen(ADDRESSES, port)
        except OSError as error:
            if error.errno not in {errno.EADDRINUSE, errno.EACCES} or not port:
                raise
            sockets = listen(ADDRESSES, 0)
        self._server = LoopbackServer(self._respond, sockets)
        origins = [site.origin for site in self._server.sites]
        self._roles: dict[str, Role] = dict(zip(origins, ROLES, strict=True))
        self._origins = {role.name: origin for origin, role in self._roles.items()}

    @property
    def port(self) -> int:
        """The port of the first host; all hosts have it if each has an address of its own."""
        return self._server.sites[0].port

    @property
    def urls(self) -> list[str]:
        """All URLs, with the hosts mixed."""
        return _spread(list(self._roles))

    @property
    def hosts(self) -> Mapping[str, Role]:
        """The role of each host by its origin."""
        return self._roles

    @property
    def requests(self) -> int:
        """Number of requests received so far."""
        return sum(site.requests for site in self._server.sites)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._server.close()

    def __repr__(self) -> str:
        return f"<DemoWeb hosts={len(self._roles)} port={self.port} requests={self.requests}>"

    def _respond(self, request: Request) -> WireResponse:
        site = request.site
        role = self._roles[site.origin]
        recent = len(site.starts) - bisect_left(site.starts, time.monotonic() - role.window) if role.window else 0
        return response_to(role, Visit(site.origin, request.target, request.nth, recent, time.time(), self._origins))
