"""Starts worker processes, each of which runs one module of this package and has a pipe to this process.

Decides how they are started. ``multiprocessing`` is not used, because its processes run the caller's main module again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from multiprocessing.connection import Connection, Pipe

_PROGRAM = (
    "import json, sys; from importlib import import_module; sys.path[:] = json.loads(sys.argv[1]); "
    "import_module(sys.argv[2]).main(int(sys.argv[3]))"
)


def spawn(module: str) -> tuple[subprocess.Popen[bytes], Connection]:
    """Start a process that calls the module's ``main`` with its end of a pipe. Return the process and this end.

    Ctrl-C does not reach it, and it has no standard streams. Raises OSError.
    """
    pipe, theirs = Pipe()
    try:
        process = subprocess.Popen(  # noqa: S603 - this interpreter, and the program above
            [sys.executable, "-P", "-c", _PROGRAM, json.dumps(sys.path), module, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            process_group=0,
        )
    except BaseException:
        pipe.close()
        raise
    finally:
        theirs.close()
    return process, pipe
