"""The errors that a record can name, and the names for several of them at once."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class ErrorKind(StrEnum):
    """The stable slugs of a record's ``error`` field."""

    DNS = "dns"
    CONNECT_REFUSED = "connect_refused"
    CONNECT_TIMEOUT = "connect_timeout"
    UNREACHABLE = "unreachable"
    READ_TIMEOUT = "read_timeout"
    DEADLINE = "deadline"
    TLS = "tls"
    RESET = "reset"
    TRUNCATED = "truncated"
    PARTIAL = "partial"
    PROTOCOL = "protocol"
    DECODE = "decode"
    TOO_LARGE = "too_large"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    UNEXPECTED = "unexpected"
    INVALID_URL = "invalid_url"
    UNSUPPORTED_SCHEME = "unsupported_scheme"
    FORBIDDEN_ADDRESS = "forbidden_address"
    ROBOTS = "robots"
    ROBOTS_UNREACHABLE = "robots_unreachable"
    DUPLICATE = "duplicate"
    CIRCUIT_OPEN = "circuit_open"
    PROXY = "proxy"
    DISK = "disk"
    INTERRUPTED = "interrupted"
    INTERNAL = "internal"
    HTTP_4XX = "http_4xx"
    HTTP_5XX = "http_5xx"


_TIMEOUTS = frozenset({ErrorKind.CONNECT_TIMEOUT, ErrorKind.READ_TIMEOUT, ErrorKind.DEADLINE})

ERROR_GROUPS: Mapping[str, frozenset[ErrorKind]] = {
    "timeout": _TIMEOUTS,
    "network": _TIMEOUTS
    | {
        ErrorKind.DNS,
        ErrorKind.CONNECT_REFUSED,
        ErrorKind.UNREACHABLE,
        ErrorKind.TLS,
        ErrorKind.PROXY,
        ErrorKind.RESET,
    },
    "response": frozenset(
        {
            ErrorKind.TRUNCATED,
            ErrorKind.PARTIAL,
            ErrorKind.PROTOCOL,
            ErrorKind.DECODE,
            ErrorKind.TOO_LARGE,
            ErrorKind.TOO_MANY_REDIRECTS,
        }
    ),
    "http": frozenset({ErrorKind.HTTP_4XX, ErrorKind.HTTP_5XX}),
}
"""The names for several errors at once that ``failed --class`` and ``--fail-if`` accept."""
