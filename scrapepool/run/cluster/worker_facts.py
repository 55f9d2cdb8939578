"""What a run has to know of a worker before it gives it a shard: versions, and whether it sees the same files.

Decides which differences end the run, and which are only reported.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from ...errors import ScrapepoolError
from ...named_tuple import NamedTuple
from ...record.parts.part_folder import part_folder
from ...record.parts.part_names import ABOUT
from ...version import __version__


class Facts(NamedTuple):
    """One process. missing: files that it cannot read. about: what it reads in the folder of the parts."""

    version: str
    python: str
    missing: tuple[str, ...]
    about: str


def facts(files: Sequence[str], folder: str) -> Facts:
    """Return the facts of this process; runs on each worker."""
    about = ""
    with suppress(ScrapepoolError):
        parts = part_folder(folder, None)
        about = (parts.read(ABOUT) or b"").decode()
        parts.close()
    missing = tuple(file for file in files if not os.access(file, os.R_OK))
    return Facts(__version__, ".".join(platform.python_version_tuple()[:2]), missing, about)


def faults(ours: Facts, theirs: Mapping[str, Facts | BaseException], folder: str) -> Iterator[str]:
    """Yield why workers cannot run shards, one sentence per reason and worker."""
    for worker, found in sorted(theirs.items()):
        if isinstance(found, BaseException):
            yield f"scrapepool cannot be run on {worker}: {found}; install the same version on all workers"
        elif found.version != ours.version:
            yield f"{worker} has scrapepool {found.version}, and this is {ours.version}; install the same version"
        elif found.missing:
            yield f"{worker} cannot read {found.missing[0]}; put it into a folder that all machines share"
        elif not _same(found.about, ours.about):
            yield f"{worker} does not see {folder} as this machine does; use a folder that all machines share"


def differences(ours: Facts, theirs: Mapping[str, Facts | BaseException]) -> Iterator[str]:
    """Yield what differs and may do no harm."""
    others = sorted({found.python for found in theirs.values() if isinstance(found, Facts)} - {ours.python})
    if others:
        yield f"workers run Python {', '.join(others)}, and this is {ours.python}"


def _same(theirs: str, ours: str) -> bool:
    with suppress(ValueError):
        return bool(json.loads(theirs) == json.loads(ours))
    return False
