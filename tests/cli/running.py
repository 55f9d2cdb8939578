"""How the tests of the command line run it: in this process, or as a program of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from scrapepool.cli.program import run

TIMEOUT = 60.0
"""Seconds after which a program that does not end fails its test."""

ROOT = Path(__file__).parents[2]

MEASURED = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
"""What makes coverage measure the program too, where it measures the tests."""


class Ran(NamedTuple):
    """What a run said. code: exit code. out, err: standard output and error."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """The records on standard output; every line of it is one."""
        return [json.loads(line) for line in self.out.splitlines()]


def here(capfd: pytest.CaptureFixture[str], *args: object) -> Ran:
    """Run the command line in this process."""
    code = run([str(arg) for arg in args])
    out, err = capfd.readouterr()
    return Ran(code, out, err)


def program(*args: object, **options: Any) -> subprocess.Popen[bytes]:
    """Start the command line as a program of its own; its streams are pipes where nothing else is said.

    What is done to it before it starts (limits, closed descriptors) would be done to coverage too, which stays away.
    """
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [sys.executable, "-m", "scrapepool", *map(str, args)]
    measured = {} if "preexec_fn" in options else MEASURED
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "HOME": "/nonexistent", **measured}
    return subprocess.Popen(command, **{**pipes, "env": environment, **options})


def ended(process: subprocess.Popen[bytes]) -> Ran:
    """Wait for a program's end, and its streams' whole content."""
    try:
        out, err = process.communicate(timeout=TIMEOUT)
    finally:
        process.kill()
    return Ran(process.returncode, (out or b"").decode(), (err or b"").decode())


def closed_port() -> int:
    """Find a port of 127.0.0.1 on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
