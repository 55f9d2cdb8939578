"""An outage of servers or of a proxy, which a run ends by its probes."""

from __future__ import annotations

import threading
import time

PAUSE = 0.9  # seconds without a request after which the next one is a probe; the first pause is 1 s


class Outage:
    """Begins when the test says so, and ends with the probe of number ``mended_by``.

    now, was: whether it goes on, and whether it has begun. failed: requests that failed.
    """

    def __init__(self, mended_by: int = 1) -> None:
        self.now = self.was = False
        self.failed = self.probes = 0
        self._mended_by = mended_by
        self._last = 0.0
        self._lock = threading.Lock()

    def begin(self) -> None:
        with self._lock:
            if not self.was:
                self.now = self.was = True
                self._last = time.monotonic()

    def is_failing(self) -> bool:
        """Whether a request that comes now fails."""
        with self._lock:
            if not self.now:
                return False
            now = time.monotonic()
            if now - self._last >= PAUSE:
                self.probes += 1
                self.now = self.probes < self._mended_by
            self._last = now
            self.failed += self.now
            return self.now
