"""A pytest plugin that makes urllib3, and so requests, use this transport.

``run`` loads it in the other suite's process, with ``-p``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import urllib3.connection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from scrapepool.transport.net.connection import Connection
from scrapepool.transport.net.tls_connection import TLSConnection

_THEIRS = {
    HTTPConnectionPool: urllib3.connection.HTTPConnection,
    HTTPSConnectionPool: urllib3.connection.HTTPSConnection,
}
_OURS = {HTTPConnectionPool: Connection, HTTPSConnectionPool: TLSConnection}


@pytest.fixture(autouse=True)
def _transport() -> Iterator[None]:
    """Before every test, for some of them put urllib3's own classes back."""
    for pool, ours in _OURS.items():
        if pool.ConnectionCls is _THEIRS[pool]:
            pool.ConnectionCls = ours
    yield
    for pool, ours in _OURS.items():
        if pool.ConnectionCls is ours:
            pool.ConnectionCls = _THEIRS[pool]
