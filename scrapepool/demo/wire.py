"""The values between a loopback server and the function that responds: requests, responses, and the counts of a site.

Knows no sockets and no pages.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from enum import Enum

from ..named_tuple import NamedTuple


class Then(Enum):
    """What the server does with the connection after a response."""

    KEEP = "keep"
    CLOSE = "close"
    RESET = "reset"


class WireResponse(NamedTuple):
    """A response, byte for byte, and when it is sent.

    head: everything before the body, interim responses included.
    body: is not sent for HEAD.
    delay: seconds before the first byte.
    then: what the server does with the connection afterwards.
    """

    head: bytes
    body: bytes = b""
    delay: float = 0.0
    then: Then = Then.KEEP


class Request(NamedTuple):
    """One request. ``nth`` counts the requests for this target on this site, from 1; it is 0 without ``detail``."""

    site: Site
    method: str
    target: str
    head: bytes
    body: bytes
    nth: int

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The fields in order, with their names as sent."""
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    def header(self, name: str) -> str | None:
        """Return the first field with this name, in any case; None if there is none."""
        wanted = name.lower()
        return next((value for field, value in self.headers if field.lower() == wanted), None)


class Site:
    """One host: its address, and counts of what happened there. The server's thread writes, any thread may read.

    opened: connections so far; with TLS, completed handshakes.
    open: connections that are open now.
    requests: whole requests received.
    in_flight, peak: requests received and not yet responded to, now and at most.
    asked: requests by target; empty without ``detail``.
    starts: when they were received, in ``time.monotonic`` seconds; empty without ``detail``.
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


Respond = Callable[[Request], WireResponse]
