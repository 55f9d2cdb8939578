"""A lock in object storage: an object that says which process writes there. It is created only if there is none.

Decides when such an object is stale: when its process was on this machine, and is no more. Storage cannot tell that of
other machines, so a person decides there.
"""

from __future__ import annotations

import json
import os
import platform
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...errors import LockedError, OutputError, ScrapepoolError
from ...storage.objects import Objects
from ...text import brief, printable

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Tells a machine, and each of its starts, from others. Linux has it."""

PROCESSES = "/proc/self/ns/pid"
"""Tells a container from others on its machine."""

BEGAN = 19
"""Place of the time at which a process began among the values behind its name, see proc(5)."""


class ObjectLock:
    """Takes the lock, until ``release``. Raises LockedError, OutputError."""

    def __init__(self, objects: Objects, name: str) -> None:
        self._objects = objects
        self._name = name
        data = json.dumps({**_owner(), "since": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}).encode()
        if objects.create(name, data):
            return
        owner = self._read()
        if not _is_gone(owner):
            raise LockedError(objects.name, self._hint(owner))
        objects.remove(name)
        if not objects.create(name, data):
            raise LockedError(objects.name, self._hint(self._read()))

    def release(self) -> None:
        """Delete the object."""
        with suppress(OutputError):
            self._objects.remove(self._name)

    def _read(self) -> dict[str, Any]:
        with suppress(ScrapepoolError, ValueError):
            found = json.loads(b"".join(self._objects.pieces(self._name)))
            if isinstance(found, dict):
                return found
        return {}

    def _hint(self, owner: dict[str, Any]) -> str:
        said = [brief(printable(str(owner.get(key, "unknown")))) for key in ("host", "process", "since")]
        return "{} is of host {}, process {}, since {}; delete it if that run has ended".format(self._name, *said)


def _owner() -> dict[str, Any]:
    process = os.getpid()
    return {"host": platform.node(), "process": process, "began": _began(process), "machine": _machine()}


def _machine() -> str | None:
    """Identify what process numbers belong to: a start of a machine, and a container; None if that is not known."""
    try:
        return f"{BOOT_ID.read_text().strip()} {os.readlink(PROCESSES)}"  # noqa: PTH115 - it is no path
    except OSError:
        return None


def _began(process: int) -> str | None:
    """Return when a process began, by the machine's own clock; None if there is none of that number."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[BEGAN]
    except (OSError, IndexError):
        return None


def _is_gone(owner: dict[str, Any]) -> bool:
    """Whether the owner of a lock was a process of this machine that has ended."""
    machine, process = _machine(), owner.get("process")
    if machine is None or owner.get("machine") != machine or not isinstance(process, int):
        return False
    return _began(process) != owner.get("began")
