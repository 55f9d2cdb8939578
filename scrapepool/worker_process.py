"""Starts worker processes, each of which runs one module of this package and has a pipe to this process.

Decides how they are started. ``multiprocessing`` is not used, because its processes run the caller's main module again.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from multiprocessing.connection import Connection, Pipe
from pathlib import Path

_PACKAGE = __name__.partition(".")[0]

_INIT = str(Path(__file__).with_name("__init__.py"))

_PROGRAM = (
    "import json, sys; from importlib import import_module, util; sys.path[:] = json.loads(sys.argv[1]); "
    f"spec = util.spec_from_file_location('{_PACKAGE}', sys.argv[4]); package = util.module_from_spec(spec); "
    f"sys.modules['{_PACKAGE}'] = package; spec.loader.exec_module(package); "
    "import_module(sys.argv[2]).main(int(sys.argv[3]))"
)
"""Loads this very package, and not another version that the path may have first."""


def death_of(code: int) -> str | None:
    """Return what killed a process, as ``SIGKILL``, from its exit code; None if it ended by itself."""
    if code >= 0:
        return None
    try:
        return signal.Signals(-code).name
    except ValueError:  # real-time signals have no names
        return f"signal {-code}"


def spawn(module: str) -> tuple[subprocess.Popen[bytes], Connection]:
    """Start a process that calls the module's ``main`` with its end of a pipe. Return the process and this end.

    Ctrl-C does not reach it, and it has no standard streams. Raises OSError.
    """
    pipe, theirs = Pipe()
    try:
        process = subprocess.Popen(  # noqa: S603 - this interpreter, and the program above
            [sys.executable, "-P", "-c", _PROGRAM, json.dumps(sys.path), module, str(theirs.fileno()), _INIT],
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
