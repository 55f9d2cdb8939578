"""Bodies as files: each under its name, whole or not at all.

Decides where a body ends up and what is done where a name is taken: nothing is overwritten but an earlier body of the
same URL, and nothing is written outside the folder. How names look is ``names``' to decide, how a body gets into its
temporary file ``fetch.parts``'.
"""

from __future__ import annotations

import filecmp
import os
import stat
from collections import OrderedDict
from collections.abc import Sequence
from itertools import count

from ..errors import OutputError
from ..model import ErrorKind, Failed, Outcome, Saved
from ..settings import FileSettings
from .names import DEFAULT, NameTemplate
from .packing import SUFFIXES, packer

WORK = ".scrapepool"
"""The folder inside for what is on its way; ``run.saving`` removes it once nothing is."""

LOCK = "lock"
"""The file in the folder of work that keeps two runs from writing to one folder."""

FOLDERS_KEPT = 16_384
"""Folders that are known to be there and to lie inside."""

BODIES_KEPT = 65_536
"""Bodies of late that another is compared with: about 16 MB."""

MOST_TRIES = 10_000
"""Names that are tried for one file: name, name-2, name-3 and so on."""


class Files:
    """Keeps ``ports.Store``: gives bodies their names, and outcomes their ``path``.

    repeats: whether targets may be one URL, whose bodies are then each kept, equal ones as one file.
    fsync: whether each file is seen onto the disk before its record is written.
    Raises UsageError for a template that is none, OutputError where the folder cannot be made.
    """

    def __init__(
        self, settings: FileSettings, *, method: str = "GET", repeats: bool = False, fsync: bool = False
    ) -> None:
        assert settings.save_dir is not None  # noqa: S101 - there is a folder, or there is no such store
        self._template = NameTemplate(settings.name_template or DEFAULT, method)
        self._fallback = NameTemplate(DEFAULT, method)
        self._folder = settings.save_dir
        self._packing = settings.compress
        self._dedupe = settings.dedupe_bodies
        self._repeats = repeats
        self._fsync = fsync
        self._work = os.path.join(self._folder, WORK)  # noqa: PTH118
        self._inside: OrderedDict[str, None] = OrderedDict()
        self._bodies: OrderedDict[str, str] = OrderedDict()
        self._numbers = count()
        self._kept = 0
        try:
            os.makedirs(self._work, exist_ok=True)  # noqa: PTH103
            self._root = os.path.realpath(self._folder)
        except OSError as error:
            raise OutputError(self._folder, error.strerror or str(error)) from error

    def __repr__(self) -> str:
        return f"<Files in {self._folder!r}>"

    @property
    def kept(self) -> int:
        """Outcomes whose files are there."""
        return self._kept

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Name the bodies. Raises OutputError, also where a worker could not write."""
        for outcome in outcomes:
            if outcome.saved is not None:
                outcome.path = self._place(outcome, outcome.saved)
                outcome.saved = None
            elif isinstance(outcome, Failed) and outcome.error is ErrorKind.DISK:
                raise OutputError(self._folder, outcome.detail or "the disk")
        self._kept += len(outcomes)

    def close(self) -> None:
        """Nothing is open: every file is there, or was told of as an error."""

    # -- one body ----------------------------------------------------------------------------------

    def _place(self, outcome: Outcome, saved: Saved) -> str:
        """Move a body to where it belongs; its path. Raises OutputError."""
        own = outcome.target.request
        wanted = None if own is None else own.save_as
        name = self._template.name(outcome) if wanted is None else self._template.safe(wanted, outcome)
        unique = wanted is None and self._template.unique and not self._repeats
        try:
            source = self._known(outcome) or self._temporary(saved)
            try:
                path = self._put(source, name, replace=unique)
            except (NotADirectoryError, FileExistsError, IsADirectoryError):
                # /a is a page and so is /a/b: one of the two names cannot be a folder.
                path = self._put(source, self._fallback.name(outcome), replace=not self._repeats)
        except OSError as error:
            raise OutputError(os.path.join(self._folder, name), error.strerror or str(error)) from error  # noqa: PTH118
        if self._dedupe and outcome.sha256 is not None:
            self._bodies[outcome.sha256] = path
            if len(self._bodies) > BODIES_KEPT:
                self._bodies.popitem(last=False)
        return path

    def _known(self, outcome: Outcome) -> str | None:
        """A second name for a body that is there already, to be put where this one belongs; None where it is new."""
        if not self._dedupe or outcome.sha256 is None or (known := self._bodies.get(outcome.sha256)) is None:
            return None
        link = self._temporary_name()
        try:
            os.link(known, link)
        except OSError:
            del self._bodies[outcome.sha256]
            return None
        self._bodies.move_to_end(outcome.sha256)
        saved = outcome.saved
        if saved is not None and saved.file is not None:
            os.unlink(saved.file)  # noqa: PTH108
        return link

    def _temporary_name(self) -> str:
        return os.path.join(self._work, f"{next(self._numbers)}.tmp")  # noqa: PTH118

    def _temporary(self, saved: Saved) -> str:
        """The file that holds the body, as it is to be kept."""
        if saved.file is not None:
            if self._fsync:
                self._see_onto_disk(saved.file)
            return saved.file
        data = saved.data or b""
        if self._packing is not None:
            pack = packer(self._packing)
            data = pack.compress(data) + pack.flush()
        path = self._temporary_name()
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            if self._fsync:
                os.fsync(fd)
        finally:
            os.close(fd)
        return path

    def _see_onto_disk(self, path: str) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def _put(self, source: str, name: str, *, replace: bool) -> str:
        """Give ``source`` its name. replace: a file of that name is an earlier body of the same URL."""
        suffix = SUFFIXES[self._packing] if self._packing is not None else ""
        folder, _, last = name.rpartition("/")
        folder = self._existing(folder)
        path = os.path.join(folder, last + suffix)  # noqa: PTH118
        if replace:
            os.replace(source, path)  # noqa: PTH105
            return path
        stem, dot, extension = last.partition(".")
        for number in range(2, MOST_TRIES):
            try:
                _move(source, path)
            except FileExistsError:
                if (self._dedupe or self._repeats) and _is_equal(source, path):
                    os.unlink(source)  # noqa: PTH108
                    return path
                path = os.path.join(folder, f"{stem}-{number}{dot}{extension}{suffix}")  # noqa: PTH118
            else:
                return path
        raise FileExistsError(path)

    def _existing(self, name: str) -> str:
        """A folder below ours, made where it is missing. Raises OSError, also for one that a link leads out of ours."""
        folder = os.path.join(self._folder, name) if name else self._folder  # noqa: PTH118
        if folder in self._inside:
            return folder
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103
        real = os.path.realpath(folder)
        if real != self._root and not real.startswith(os.path.join(self._root, "")):  # noqa: PTH118
            raise OSError(None, f"a link leads to {real}")
        self._inside[folder] = None
        if len(self._inside) > FOLDERS_KEPT:
            self._inside.popitem(last=False)
        return folder


def _is_equal(source: str, path: str) -> bool:
    """Whether what has the name is this body already: the same file, or one of the same bytes."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return False
        return os.path.samefile(source, path) or filecmp.cmp(source, path, shallow=False)  # noqa: PTH121
    except OSError:
        return False


def _move(source: str, path: str) -> None:
    """Rename, but never over another file. Raises FileExistsError."""
    try:
        os.link(source, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC))
        os.replace(source, path)  # noqa: PTH105
    else:
        os.unlink(source)  # noqa: PTH108
