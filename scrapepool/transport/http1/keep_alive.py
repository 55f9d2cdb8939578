"""A parser for the Keep-Alive field: how long a connection may be idle, and how many more requests it accepts.

The field is defined in RFC 2068 section 19.7.1.1, and Apache and other servers send it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ...lazy_pattern import lazy_pattern
from ...named_tuple import NamedTuple

LONGEST_IDLE = 1.0
"""The seconds of idle time after which a request that must not be repeated gets a new connection, whatever the server
sent in Keep-Alive. The server may close an idle connection at any moment, and then it is unknown whether it has
processed the request."""

_PARAMETER = lazy_pattern(rb'\b(timeout|max)\s*=\s*"?([0-9]{1,9})(?![0-9])', re.IGNORECASE)


class KeepAlive(NamedTuple):
    """The parameters of the field; each is None if the field does not have it.

    timeout: the seconds that the connection may be idle.
    most: the number of further requests that the server accepts.
    """

    timeout: int | None = None
    most: int | None = None


@lru_cache(maxsize=1024)
def read_keep_alive(field: bytes) -> KeepAlive:
    """Parse the value of the field; invalid parts are ignored."""
    parameters = {name.lower(): int(number) for name, number in _PARAMETER.findall(field)}
    return KeepAlive(parameters.get(b"timeout"), parameters.get(b"max"))
