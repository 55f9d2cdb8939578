"""The program on a terminal of its own, whose keys a test presses."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from running import MEASURED, ROOT, TIMEOUT

_CONTROL = re.compile(r"\x1b\[[?\d;]*[A-Za-z]|\r")


class TerminalProgram:
    """Starts the command line, or another program, as the foreground job of a new session on a pseudo-terminal.

    seen: everything that it wrote to the terminal, without control sequences.
    """

    def __init__(
        self, *args: object, program: tuple[str, ...] = (), lines: int = 24, path: str = "", **options: Any
    ) -> None:
        self._keyboard, self._terminal = pty.openpty()
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, 80, 0, 0))
        self.before = termios.tcgetattr(self._terminal)
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), self._terminal) | options
        environment = {"PATH": f"{path}:{os.environ['PATH']}", "HOME": "/nonexistent", "TERM": "xterm"}
        environment |= {"PYTHONPATH": str(ROOT), **MEASURED}
        # A session of its own, whose controlling terminal this becomes when its leader opens it.
        become_foreground = (
            "import os, sys; os.close(os.open(os.ttyname(2), os.O_RDWR)); os.execvp(sys.argv[1], sys.argv[1:])"
        )
        command = program or (sys.executable, "-m", "scrapepool", *map(str, args))
        self.process = subprocess.Popen(
            [sys.executable, "-c", become_foreground, *command],
            env=environment,
            start_new_session=True,
            **streams,
        )
        self.seen = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._keyboard)
        os.close(self._terminal)

    @property
    def attributes(self) -> list[Any]:
        """The terminal's attributes now."""
        return termios.tcgetattr(self._terminal)

    @property
    def takes_keys(self) -> bool:
        """Whether keys arrive one by one, and are not shown."""
        return not self.attributes[3] & (termios.ICANON | termios.ECHO)

    def press(self, keys: str) -> None:
        """Type on the terminal."""
        os.write(self._keyboard, keys.encode())

    def wait_for(self, wanted: str) -> None:
        """Read until a text has been written since the last call."""
        self.until(lambda: wanted in self.seen, wanted)
        self.seen = self.seen[self.seen.index(wanted) + len(wanted) :]

    def until(self, condition: Callable[[], bool], what: str = "") -> None:
        """Read until a condition holds."""
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < deadline, f"{what!r} did not come; the end of what did: {self.seen[-2000:]!r}"
            self._read(0.02)

    def end(self) -> int:
        """Read until the program has ended, and return its exit code."""
        self.until(lambda: self.process.poll() is not None, "the end")
        self._read(0.0)
        return self.process.returncode

    def _read(self, timeout: float) -> None:
        while select.select([self._keyboard], [], [], timeout)[0]:
            self.seen += _CONTROL.sub("", os.read(self._keyboard, 65536).decode(errors="replace"))
            timeout = 0.0
