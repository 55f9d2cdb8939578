"""Processes beside this one that run a module of ours, each with a pipe to it.

Decides how they are started. Not multiprocessing's: those run the caller's main module again.
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


def begin(module: str) -> tuple[subprocess.Popen[bytes], Connection]:
    """Start a process that calls the module's ``main`` with its end of a pipe; the process, and this end.

    Ctrl-C is not its to hear, and it has no standard streams. Raises OSError.
    """
    pipe, theirs = Pipe()
    try:
        process = subprocess.Popen(  # noqa: S603 - this interpreter, and a program of our own
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
