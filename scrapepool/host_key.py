"""The key of a host. It has a module of its own because settings need it, and nothing else of the model."""

from __future__ import annotations

from .named_tuple import NamedTuple

DEFAULT_PORTS = {"http": 80, "https": 443}


class HostKey(NamedTuple):
    """The key by which limits, delays and connections are counted: an origin (RFC 6454 section 4).

    scheme: ``http`` or ``https``.
    host: lower case, IDNA-encoded; an IPv6 address has no brackets.
    port: its number.
    """

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def netloc(self) -> str:
        """``host[:port]`` as in a URL and in the Host header: without a default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS.get(self.scheme) else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """``scheme://host[:port]``."""
        return f"{self.scheme}://{self.netloc}"
