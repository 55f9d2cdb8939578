"""Whether a body that arrived is the file that has its name already."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress

from ...folder import Folder

COMPARED = 1024 * 1024
"""Bytes of two files that are compared at once."""


def is_equal(work: Folder, source: str, folder: Folder, name: str) -> bool:
    """Whether ``name`` in ``folder`` is the file ``source`` in ``work``, or has the same bytes."""
    with suppress(OSError), ExitStack() as opened:
        new_stat, old_stat = work.stat(source), folder.stat(name)
        if os.path.samestat(new_stat, old_stat):
            return True
        if new_stat.st_size != old_stat.st_size:
            return False
        new, old = work.open(source, os.O_RDONLY, names=True), folder.open(name, os.O_RDONLY, names=True)
        opened.callback(os.close, new)
        opened.callback(os.close, old)
        while (data := os.read(new, COMPARED)) == os.read(old, COMPARED):
            if not data:
                return True
    return False
