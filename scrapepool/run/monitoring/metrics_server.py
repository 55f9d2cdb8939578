"""The metrics of a run, live: ``--metrics-port``.

Decides who may ask (this machine alone), and that nobody who does holds up the run: each request is answered by a
thread of its own, from the last snapshot, and none is waited for at the end. Imported behind ``metrics``, which says
what is to be installed.
"""

from __future__ import annotations

import socketserver
import time
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import Metric
from prometheus_client.exposition import ThreadingWSGIServer, make_wsgi_app
from prometheus_client.registry import Collector, CollectorRegistry

from ...errors import UsageError, system_reason
from ...ports import Snapshot, View
from .counters import Counters
from .prometheus import Moment, RunCollector
from .view_decorator import ViewDecorator

LOOPBACK = "127.0.0.1"

FRESH = 1.0
"""Seconds that what is served may be old."""

SLOWEST = 10.0
"""Seconds that a client may take to say what it wants."""

STOP_CHECK_INTERVAL = 0.02
"""Seconds between two looks at whether the server is to stop: the run's end waits for one."""


class MetricsServer(Collector):
    """Serves the metrics of one run. port: 0 for any free one. succeeded: see ``Moment``. clock: Unix time.

    Raises UsageError where the port cannot be had.
    """

    def __init__(
        self,
        port: int,
        counted: Counters,
        succeeded: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.snapshot: Snapshot | None = None
        self._counted = counted
        self._succeeded = succeeded
        self._clock = clock
        self._started = clock()
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        try:
            self._server = make_server(LOOPBACK, port, make_wsgi_app(registry), _Server, _Handler)
        except OSError as error:
            raise UsageError(f"--metrics-port {port}: {system_reason(error)}; with 0 a free one is taken") from None
        Thread(
            target=self._server.serve_forever, args=(STOP_CHECK_INTERVAL,), name="scrapepool-metrics-port", daemon=True
        ).start()

    @property
    def url(self) -> str:
        """Where the metrics are."""
        return f"http://{LOOPBACK}:{self._server.server_port}/metrics"

    def collect(self) -> Iterator[Metric]:
        """As prometheus_client wants it; called by the threads of requests."""
        snapshot = self.snapshot
        if snapshot is not None:
            now = self._clock()
            yield from RunCollector(
                Moment(snapshot, self._counted, self._started, now, None, self._succeeded)
            ).collect()

    def close(self) -> None:
        """Give the port back. What is being answered is not waited for."""
        self._server.shutdown()
        self._server.server_close()


class ServedView(ViewDecorator):
    """Shows each moment to those who ask at the port, too."""

    def __init__(self, view: View, server: MetricsServer) -> None:
        super().__init__(view)
        self._server = server

    @property
    def interval(self) -> float:
        """As ``ports.View``."""
        return min(super().interval, FRESH)

    def show(self, snapshot: Snapshot) -> None:
        """As ``ports.View``."""
        super().show(snapshot)
        self._server.snapshot = snapshot


class _Server(ThreadingWSGIServer):
    """Looks up no names, which may take long, and writes nothing about clients that go away."""

    def server_bind(self) -> None:
        """Bind the socket."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, self.socket.getsockname()[1]
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over a client that went away."""


class _Handler(WSGIRequestHandler):
    timeout = SLOWEST

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is its base's
        """Write nothing: standard error is the run's."""
