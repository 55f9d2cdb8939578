"""The request for a tunnel through a proxy (CONNECT, RFC 9110 section 9.3.6), and what a refusal means.

Decides what such a request may hold, so that nobody's header value becomes a request of its own; and whether the proxy
speaks for itself where it gives no tunnel. Knows no sockets.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from ...model import ProxyFault
from ..errors import ProxyError
from .rate_limit_headers import wait_of
from .response import ResponseParser

_NAME = re.compile(r"[^:\s][^:\r\n]*")  # as http.client has them
_VALUE = re.compile(r"[^\r\n]*")
_HOST = re.compile(r"[^\x00-\x20\x7f]+")


def connect_request(host: str, port: int | None, headers: Mapping[str, str]) -> bytes:
    """A request for a tunnel to ``host``, an IPv6 address with or without its brackets. Raises ValueError."""
    if not _HOST.fullmatch(host):
        raise ValueError(f"Tunnel host can't contain control characters {host!r}")
    host = host.strip("[]")
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    fields = {"Host": authority, **headers}
    for name, value in fields.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"Invalid header name {name!r}")
        if not _VALUE.fullmatch(value):
            raise ValueError(f"Invalid header value {value!r}")
    lines = [f"CONNECT {authority} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def refused(parser: ResponseParser) -> ProxyError:
    """What the response of a proxy means that gives no tunnel, or forwards nothing."""
    status = parser.status
    after = wait_of(parser.headers, status, time.time())
    if status == 407:
        fault = ProxyFault.CREDENTIALS
    elif status == 429 or (status == 503 and after):
        fault = ProxyFault.BUSY
    elif status == 503:
        fault = ProxyFault.UNAVAILABLE
    else:
        fault = ProxyFault.GATEWAY if status >= 500 else ProxyFault.FORBIDDEN
    return ProxyError(fault, f"{status} {parser.reason}".strip(), after)
