"""What a Keep-Alive field says of a connection: how long it may be idle, and how many requests it still takes.

Decides how the field is read (RFC 2068 section 19.7.1.1, as Apache and others send it). Knows no connections.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

LONGEST_IDLE = 1.0
"""Seconds after which a request that must not be repeated gets a new connection, whatever the server said: it may close
an idle one at any moment, and then nobody knows whether it has read the request."""

_PARAMETER = re.compile(rb'\b(timeout|max)\s*=\s*"?([0-9]{1,9})(?![0-9])', re.IGNORECASE)


class KeepAlive(NamedTuple):
    """What the field says. timeout: seconds that the connection may be idle. most: further requests. None: nothing."""

    timeout: int | None = None
    most: int | None = None


@lru_cache(maxsize=1024)
def read_keep_alive(field: bytes) -> KeepAlive:
    """Read the field's value; what cannot be read is ignored."""
    parameters = {name.lower(): int(number) for name, number in _PARAMETER.findall(field)}
    return KeepAlive(parameters.get(b"timeout"), parameters.get(b"max"))
