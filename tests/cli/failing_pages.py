"""A server some of whose pages fail at first."""

from __future__ import annotations

from tests.servers.polite import Request, Response


class FailingPages:
    """Pages below ``/bad`` are missing until the test sets ``broken`` to false."""

    def __init__(self) -> None:
        self.broken = True

    def __call__(self, request: Request) -> Response | None:
        if self.broken and request.target.startswith("/bad"):
            return Response(404)
        return None
