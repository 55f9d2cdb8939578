"""The CONNECT request for a tunnel through a proxy (RFC 9110 section 9.3.6), and the meaning of a refusal.

This module decides what such a request may contain, so that a header value cannot inject another request. It maps the
status of a refusal to a fault of the proxy. No sockets are used here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from ...lazy_pattern import lazy_pattern
from ...model import ProxyFault
from ..errors import ProxyError
from .rate_limit_headers import wait_of
from .response import ResponseParser

_NAME = lazy_pattern(r"[^:\s][^:\r\n]*")  # the same pattern as in http.client
_VALUE = lazy_pattern(r"[^\r\n]*")
_HOST = lazy_pattern(r"[^\x00-\x20\x7f]+")


def connect_request(host: str, port: int | None, headers: Mapping[str, str]) -> bytes:
    """Return the bytes of a CONNECT request for ``host``; an IPv6 address may have brackets or not.

    Raises ValueError if the host or a header is invalid.
    """
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
    """Return the error for a proxy's response that refuses a tunnel or a forwarded request."""
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
