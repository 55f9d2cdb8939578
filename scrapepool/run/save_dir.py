"""The folder of ``--save-dir``: locks it for one run, and opens the partial files that an earlier run left.

Decides nothing about names (``record.files``) or about what can be gone on with (``partial_files``); it is where the
two meet.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

from ..errors import LockedError, OutputError
from ..folder import Folder
from ..owned_file import ForeignFileError
from ..record.body_files.body_store import LOCK, PLACED, WORK
from ..record.body_files.file_compression import packer
from ..record.safe_io.lock import open_lock
from ..settings import FileSettings
from ..transport.exchange.partial_files import PartialFiles

MAX_TRIES = 100
"""Attempts to open the work folder: a run that ends may delete it between two calls."""


@contextmanager
def parts_in(settings: FileSettings) -> Iterator[PartialFiles]:
    """Open the partial files, into which bodies are received.

    Raises OutputError if the folder cannot be created or contains files of somebody else, LockedError if another run
    writes to it, UsageError for a compression whose library is missing.
    """
    assert settings.save_dir is not None  # noqa: S101 - see the caller
    pack = None if settings.compress is None else partial(packer, settings.compress)
    if pack is not None:
        pack()
    with ExitStack() as opened:
        try:
            root = opened.enter_context(Folder.made(settings.save_dir))
            work, lock = _locked(root, opened)
            parts = PartialFiles(work, pack, beside=(LOCK, PLACED))
        except ForeignFileError as error:
            raise OutputError.from_error(str(error.filename), error) from error
        except (OSError, ValueError) as error:
            raise OutputError.from_error(settings.save_dir, error) from error
        except LockedError:
            raise LockedError(settings.save_dir) from None
        try:
            yield parts
        finally:
            with suppress(OSError):
                work.check_is(LOCK, lock)
                work.remove(LOCK)
                root.remove_folder(WORK)  # fails if partial files are left


@contextmanager
def parts_beside(settings: FileSettings, process: int, *, repeats: bool) -> Iterator[PartialFiles]:
    """Open the partial files in a worker process, while the run holds the lock. process, repeats: see ``PartialFiles``.

    Raises OSError.
    """
    assert settings.save_dir is not None  # noqa: S101 - see the caller
    pack = None if settings.compress is None else partial(packer, settings.compress)
    with Folder.made(settings.save_dir) as root, root.private(WORK) as work:
        yield PartialFiles(work, pack, beside=(LOCK, PLACED), process=process, repeats=repeats)


def _locked(root: Folder, opened: ExitStack) -> tuple[Folder, int]:
    """Open and lock the work folder; ``opened`` closes both."""
    for _ in range(MAX_TRIES):
        with ExitStack() as tried, suppress(FileNotFoundError):
            work = tried.enter_context(root.private(WORK))
            lock = open_lock(work, LOCK)
            tried.callback(os.close, lock)
            opened.push(tried.pop_all())
            return work, lock
    raise LockedError(root.path)
