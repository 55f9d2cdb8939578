"""A pytest plugin that makes urllib3, and so requests, use this transport: loaded by ``run``, in the other suite's process."""

from __future__ import annotations

from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from scrapepool.fetch.connection import Connection, TLSConnection

HTTPConnectionPool.ConnectionCls = Connection
HTTPSConnectionPool.ConnectionCls = TLSConnection
