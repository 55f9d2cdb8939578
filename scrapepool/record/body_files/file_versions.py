"""Earlier versions of pages, as files beside them: ``--keep-versions``.

Decides how they are called and which of them go. The versions of ``intro.html`` lie in ``intro.html.~versions~``, each
named after the time when it was written, so that names sort by it. No page's own name ends like that (``names``).
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from ...folder import Folder
from ...lazy_pattern import lazy_pattern
from .file_compression import SUFFIXES
from .file_names import VERSIONS, extension_of

_NAME = lazy_pattern(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z(?:\..*)?", re.ASCII)

MAX_VERSION_TRIES = 1000
"""Milliseconds after its time that a version is given, where there are others of that time."""


def set_aside(folder: Folder, name: str, keep: int) -> None:
    """Keep a file that is about to be replaced as an earlier version; of those, ``keep`` stay. Raises OSError.

    The file keeps its own name until it is replaced, but where the file system knows no hard links.
    """
    try:
        found = folder.stat(name)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode):
        return
    with folder.private(name + VERSIONS, 0o777) as versions:
        _link(folder, name, found, versions)
        kept = sorted(there for there in versions.names() if _NAME.fullmatch(there))
        for old in kept[: max(0, len(kept) - keep)]:
            with suppress(FileNotFoundError):
                versions.remove(old)


def _link(folder: Folder, name: str, found: os.stat_result, versions: Folder) -> None:
    written = datetime.fromtimestamp(found.st_mtime_ns // 1_000_000 / 1000, UTC)
    extension = extension_of(name)
    if extension in SUFFIXES.values():
        extension = extension_of(name.removesuffix(extension)) + extension
    for _ in range(MAX_VERSION_TRIES):
        version = f"{written:%Y-%m-%dT%H-%M-%S}.{written.microsecond // 1000:03}Z{extension}"
        try:
            folder.link(name, versions, version)
        except FileExistsError:
            if os.path.samestat(versions.stat(version), found):
                return  # by a run that was killed before it replaced the file
            written += timedelta(milliseconds=1)
        except OSError:  # a file system without hard links
            folder.move(name, versions, version)
            return
        else:
            return
    raise FileExistsError(name)
