"""Standard error as views write to it: never an exception, never a wait for a terminal that takes nothing.

Decides what is given up when standard error is closed, full or stopped: the display, not the run.
"""

from __future__ import annotations

import io
import os
from typing import TextIO

from ..fallbacks import ERROR, INVALID, OUT, poll

_PATIENCE = 0.5  # seconds that the rest of a write waits for a terminal that is behind

# DEC mode 2026: what stands between is shown at once, so that a redraw is never seen half done.
# https://contour-terminal.org/vt-extensions/synchronized-output/ Terminals without it ignore it.
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"


class Stderr(io.TextIOBase):
    """A text stream over ``stream`` whose ``write`` swallows what goes wrong.

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
        """The stream's encoding, UTF-8 where it has none."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def ready(self, timeout: float = 0.0) -> bool:
        """Tell whether a write would go through now, or within ``timeout`` seconds."""
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
        """Write ``text``, or lose it. What the encoding has not is escaped."""
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
        """Tell whether a person's terminal is at the other end."""
        try:
            return self._stream.isatty()
        except (OSError, ValueError):
            return False

    def width(self) -> int:
        """Tell the columns of the terminal, 80 where there is none."""
        try:
            return os.get_terminal_size(self._fd if self._fd is not None else -1).columns or 80
        except OSError:
            return 80

    def _write_through(self, data: memoryview, fd: int) -> None:
        # Not through the stream's buffer: a thread that is stuck there would hold its lock when the program ends.
        while data:
            try:
                data = data[os.write(fd, data) :]
            except BlockingIOError:  # another program made the terminal non-blocking
                if not self.ready(_PATIENCE):
                    return
