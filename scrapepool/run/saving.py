"""The folder of ``--save-dir``: locked for one run, with the parts that an earlier one left in it.

Decides nothing about names (``record.files``) or about what can be gone on with (``fetch.parts``); it is where the two
meet.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

from ..errors import LockedError, OutputError
from ..fetch.parts import Parts
from ..record import open_locked
from ..record.files import LOCK, WORK
from ..record.packing import packer
from ..settings import FileSettings


@contextmanager
def parts_in(settings: FileSettings) -> Iterator[Parts]:
    """Where the workers write bodies to.

    Raises OutputError where the folder cannot be made, LockedError where another run writes to it, UsageError for a
    compression that needs a library.
    """
    assert settings.save_dir is not None  # noqa: S101 - see the caller
    pack = None if settings.compress is None else partial(packer, settings.compress)
    if pack is not None:
        pack()
    work = os.path.join(settings.save_dir, WORK)  # noqa: PTH118
    try:
        os.makedirs(work, exist_ok=True)  # noqa: PTH103
        lock = open_locked(os.path.join(work, LOCK))  # noqa: PTH118
    except OSError as error:
        raise OutputError(settings.save_dir, error.strerror or str(error)) from error
    except LockedError:
        raise LockedError(settings.save_dir) from None
    try:
        yield Parts(work, pack)
    finally:
        with suppress(OSError):
            os.unlink(os.path.join(work, LOCK))  # noqa: PTH108, PTH118
            os.rmdir(work)  # noqa: PTH106 - not where parts are left
        os.close(lock)
