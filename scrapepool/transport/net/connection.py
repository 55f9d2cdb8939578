"""A blocking connection of a pool, for urllib3 and requests.

This module maps their calls and timeouts to the steps of ``opening``. ``response.ResponseParser`` parses the response,
and the pool chooses the connection. The event loop does not use this module; it uses ``opening`` and ``channel``.
"""

from __future__ import annotations

import logging
import socket

from urllib3.response import HTTPResponse

from .channel import LEAST_TIMEOUT, Condition
from .opening import Opening
from .phase import Phase
from .steps import drive
from .urllib3_response import RawResponse

log = logging.getLogger("urllib3.connection")  # the logger where users of urllib3 expect its messages


class Connection(Opening):
    """A plain connection."""

    def __repr__(self) -> str:
        return f"<{self} {'open' if self.sock else 'closed'}, served {self.served}>"

    def open_socket(self) -> socket.socket:
        """Open a TCP connection, blocking."""
        sock = drive(self._connect_socket, self._check)
        sock.settimeout(max(LEAST_TIMEOUT, self._open_by - self._step_ended))
        return sock

    def connect(self) -> None:
        """Connect, blocking, within the connect timeout and the deadline; through a tunnel if one is set."""
        super().connect()
        self._opened()

    def _opened(self) -> None:
        self.opening_phase: tuple[Phase, float] | None = None
        self.sock.settimeout(self.connect_timeout)
        self.on_open()

    def open_tunnel(self) -> None:
        """Request a tunnel, blocking."""
        drive(lambda _: self._request_tunnel(), self._check)
        self.sock.settimeout(max(LEAST_TIMEOUT, self._open_by - self._step_ended))

    @property
    def is_connected(self) -> bool:
        """Whether the connection is open and silent."""
        return self.condition() is Condition.QUIET

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        """Return the response to the last request, as urllib3's response. Raises the errors of urllib3's connection."""
        options = self.take_response_options()
        self.sock.settimeout(self.timeout)
        shutdown = getattr(self.sock, "shutdown", None)  # TLS within TLS does not have it
        raw = RawResponse(self, options.request_method)
        for note in raw.notes:
            url = f"{'https' if self.default_port == 443 else 'http'}://{self.host}:{self.port}{options.request_url}"
            log.warning("Failed to parse headers (url=%s): %s", url, note)
        self.mark_idle()
        return raw.as_response(options, shutdown)
