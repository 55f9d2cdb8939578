"""What passes between a loopback server and whoever scripts it: requests, replies, and the counts of a site.

Values and counters only; knows no sockets and no pages.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple


class Then(Enum):
    """What becomes of the connection after a reply."""

    KEEP = "keep"
    CLOSE = "close"
    RESET = "reset"


class Reply(NamedTuple):
    """What goes out, byte for byte, and when.

    head: everything before the body, interim responses included. body: left off for HEAD.
    delay: seconds before the first byte. then: what becomes of the connection.
    """

    head: bytes
    body: bytes = b""
    delay: float = 0.0
    then: Then = Then.KEEP


class Request(NamedTuple):
    """One request. ``nth`` counts the requests for this target on this site, from 1; 0 where nobody keeps count."""

    site: Site
    method: str
    target: str
    head: bytes
    body: bytes
    nth: int

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The fields in order, names as they were sent."""
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    def header(self, name: str) -> str | None:
        """Return the first field of that name, in any case; None where there is none."""
        wanted = name.lower()
        return next((value for field, value in self.headers if field.lower() == wanted), None)


class Site:
    """One host: where it listens, and what happened there. The server's thread writes, any thread may read.

    opened, open: connections ever (over TLS: handshakes done), and now. requests: whole ones received.
    in_flight, peak: received and not yet answered, now and at most. asked: requests by target.
    starts: when they were received, in ``time.monotonic`` seconds. The last two stay empty without ``detail``.
    """

    __slots__ = ("address", "asked", "in_flight", "open", "opened", "peak", "port", "requests", "scheme", "starts")

    def __init__(self, address: str, port: int, scheme: str = "http") -> None:
        self.address = address
        self.port = port
        self.scheme = scheme
        self.opened = self.open = self.requests = self.in_flight = self.peak = 0
        self.asked: dict[str, int] = {}
        self.starts = array("d")

    @property
    def netloc(self) -> str:
        """``address:port``, an IPv6 address in brackets."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    @property
    def origin(self) -> str:
        """``scheme://address:port``."""
        return f"{self.scheme}://{self.netloc}"

    def __repr__(self) -> str:
        return (
            f"<Site {self.origin} opened={self.opened} open={self.open} requests={self.requests} "
            f"in_flight={self.in_flight} peak={self.peak}>"
        )


Answer = Callable[[Request], Reply]
