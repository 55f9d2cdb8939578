"""Standard error for views: writes raise no exception, and do not wait for a blocked terminal.

Decides that output is lost if standard error is closed, full or stopped, and the run goes on.
"""

from __future__ import annotations

import io
import os
from typing import TextIO

from ..fallbacks import ERROR, INVALID, OUT, in_background, poll

_WRITE_TIMEOUT = 0.5  # seconds that the rest of a write waits for a slow terminal

# DEC mode 2026: the terminal shows everything in between at once, so that no half redraw is visible.
# https://contour-terminal.org/vt-extensions/synchronized-output/ Other terminals ignore it.
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"


class Stderr(io.TextIOBase):
    """A text stream over ``stream`` whose ``write`` never raises.

    synchronized: whether to mark each write as one update of the screen; for terminals only.
    """

    def __init__(self, stream: TextIO, *, synchronized: bool = False) -> None:
        self._stream = stream
        self._synchronized = synchronized
        self._fd: int | None
        try:
            self._fd = stream.fileno()
        except (OSError, ValueError, AttributeError):
            self._fd = None

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The stream's encoding, or UTF-8 if it has none."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def ready(self, timeout: float = 0.0) -> bool:
        """Return whether the stream accepts a write now, or within ``timeout`` seconds."""
        if self._fd is None:
            return True
        poller = poll()
        poller.register(self._fd, OUT)
        try:
            events = poller.poll(timeout * 1000)
        except OSError:
            return False
        return bool(events) and not events[0][1] & (ERROR | INVALID)

    def write(self, text: str) -> int:
        """Write ``text``, or lose it. Characters that the encoding lacks are escaped."""
        framed = f"{_BEGIN}{text}{_END}" if self._synchronized else text
        try:
            data = framed.encode(self.encoding, "backslashreplace")
            if self._fd is None:
                self._stream.write(data.decode(self.encoding))
                self._stream.flush()
            else:
                self._write_through(memoryview(data), self._fd)
        except (OSError, ValueError, LookupError):
            return len(text)
        return len(text)

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        try:
            return self._stream.isatty()
        except (OSError, ValueError):
            return False

    def in_background(self) -> bool:
        """Return whether the stream is a terminal that another job of the shell has now."""
        return self._fd is not None and in_background(self._fd)

    def width(self) -> int:
        """Return the columns of the terminal, or 80 if there is none."""
        try:
            return os.get_terminal_size(self._fd if self._fd is not None else -1).columns or 80
        except OSError:
            return 80

    def _write_through(self, data: memoryview, fd: int) -> None:
        # Not through the stream's buffer: a blocked thread would hold its lock when the program ends.
        while data:
            try:
                data = data[os.write(fd, data) :]
            except BlockingIOError:  # another program made the terminal non-blocking
                if not self.ready(_WRITE_TIMEOUT):
                    return
