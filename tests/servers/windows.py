"""A rate limit that counts windows and says so in whole seconds, as most do; a handler of ``PoliteServer``."""

from __future__ import annotations

import math
from collections.abc import Callable
from threading import Lock
from time import monotonic

from .polite import Request, Response


class CountedWindows:
    """Lets ``limit`` requests through per window of so many ``seconds``, and refuses the others by 429.

    aligned: whether windows follow each other without gaps; else one begins with the first request after the last.
    policy: whether responses name the window. passed, refused: requests. began, ended: the first and the last
    that passed, in monotonic seconds.
    """

    def __init__(
        self,
        limit: int,
        seconds: float = 1.0,
        *,
        aligned: bool = True,
        policy: bool = False,
        rounded: Callable[[float], int] = math.ceil,
    ) -> None:
        self.limit = limit
        self.seconds = seconds
        self.aligned = aligned
        self.policy = policy
        self.passed = self.refused = 0
        self.began = self.ended = 0.0
        self._rounded = rounded
        self._lock = Lock()
        self._ends = self._used = 0.0

    def __call__(self, request: Request) -> Response:
        """Count a request."""
        with self._lock:
            now = monotonic()
            if now >= self._ends:
                whole = (now - self._ends) // self.seconds + 1
                self._ends = self._ends + whole * self.seconds if self.aligned and self._ends else now + self.seconds
                self._used = 0
            passes = self._used < self.limit
            self._used += passes
            self.passed += passes
            self.refused += not passes
            self.began = self.began or now
            self.ended = now
            left, reset = self.limit - self._used, self._rounded(self._ends - now)
            fields = [("RateLimit", f"limit={self.limit}, remaining={left:.0f}, reset={reset}")]
            if self.policy:
                fields = [
                    ("RateLimit", f'"default";r={left:.0f};t={reset}'),
                    ("RateLimit-Policy", f'"default";q={self.limit};w={self.seconds:g}'),
                ]
            return Response(200 if passes else 429, fields)

    @property
    def share(self) -> float:
        """How much of the limit was used, from the first request to the last."""
        windows = (self.ended - self.began) // self.seconds + 1
        return self.passed / (self.limit * windows)
