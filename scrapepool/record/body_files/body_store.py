"""Bodies as files: each under its name, whole or not at all.

Decides where a body ends up and what is done where a name is taken: nothing is overwritten but an earlier body of the
same URL. Nothing is written outside the folder: everything in it is reached through its descriptor (``folder``).
``file_names`` decides how names look, ``known_files`` which files of an earlier run stay or may be replaced, and
``transport.exchange.partial_files`` how a body gets into its temporary file.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import count

from ...errors import OutputError, system_reason
from ...folder import Folder
from ...model import ErrorKind, Failed, Outcome, Saved
from ...named_tuple import NamedTuple
from ...owned_file import ForeignFileError
from ...settings import FileSettings
from ..safe_io.durability import fsync
from .equal_files import is_equal
from .file_compression import SUFFIXES, packer
from .file_names import DEFAULT, NameTemplate
from .file_versions import set_aside
from .known_files import WORK, FileOwners, KnownFiles
from .placed_files import PLACED, IsFinished, Placed, mark_of

__all__ = ["LOCK", "PLACED", "WORK", "Files"]

LOCK = "lock"
"""The file in the folder of work that keeps two runs from writing to one folder."""

BODIES_KEPT = 65_536
"""Bodies of late that another is compared with: about 16 MB."""

MAX_NAME_TRIES = 10_000
"""Names that are tried for one file: name, name-2, name-3 and so on."""


class _Body(NamedTuple):
    """A body that has its name. mark: its file's, as it was then."""

    name: str
    mark: list[int]


class Files:
    """Keeps ``ports.Store``: gives bodies their names, and outcomes their ``path``.

    records: where the run's records go, for the list of bodies that have none yet; None keeps no list. goes_on: the
    run goes on with these. repeats: whether targets may be one URL, whose bodies are then each kept.
    synced: whether each file is seen onto the disk before its record is written. owners: which targets have which file,
    where earlier records are known, else None. keep_versions: how many earlier versions stay beside a file.
    on_note: receives lines for the user.
    Raises UsageError for a template that is none, OutputError where the folder cannot be made or is not ours.
    """

    def __init__(
        self,
        settings: FileSettings,
        *,
        method: str = "GET",
        records: str | None = None,
        goes_on: bool = False,
        repeats: bool = False,
        synced: bool = False,
        owners: FileOwners | None = None,
        keep_versions: int = 0,
        on_note: Callable[[str], None] = lambda _: None,
    ) -> None:
        assert settings.save_dir is not None  # noqa: S101 - there is a folder, or there is no such store
        self._template = NameTemplate(settings.name_template or DEFAULT, method)
        self._on_note = on_note
        self._fallback = NameTemplate(DEFAULT, method)
        self._path = settings.save_dir
        self._packing = settings.compress
        self._dedupe = settings.dedupe_bodies
        self._repeats = repeats
        self._known = None if owners is None else KnownFiles(settings)
        self._owners = owners
        self._versions = keep_versions
        several = self._dedupe or repeats  # targets may share a file
        self._shares = several or (goes_on and owners is None)  # also one of a run that was killed
        self._replaces = owners is not None and not (several and goes_on)  # whose targets are not known any more
        self._fsync = synced
        self._bodies: OrderedDict[str, _Body] = OrderedDict()
        self._numbers = count()
        self._kept = 0
        with ExitStack() as opened:
            try:
                self._root = opened.enter_context(Folder.made(self._path))
                self._work = opened.enter_context(self._root.private(WORK))
                self._placed = Placed(self._work, records, method=method, goes_on=goes_on)
            except (OSError, ValueError) as error:
                raise self._error(error, "") from error
            opened.callback(self._placed.close)
            self._opened = opened.pop_all()

    def __repr__(self) -> str:
        return f"<Files in {self._path!r}>"

    @property
    def kept(self) -> int:
        """Outcomes whose files are there."""
        return self._kept

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Name the bodies. Raises OutputError, also where the transport could not write."""
        for number, outcome in enumerate(outcomes, self._kept + 1):
            if outcome.saved is not None:
                outcome.path = self._place(outcome, outcome.saved, number)
                outcome.saved = None
            elif isinstance(outcome, Failed) and outcome.error is ErrorKind.DISK:
                raise OutputError(self._path, outcome.detail or "the disk")
        self._kept += len(outcomes)

    def recorded(self, count: int) -> None:
        """Take note that the first so many outcomes have their records. Raises OutputError."""
        try:
            self._placed.recorded(count)
        except OSError as error:
            raise self._error(error, PLACED) from error

    def settle(self, is_finished: IsFinished) -> None:
        """Delete the bodies that a killed run left without a record, which this run fetches again.

        is_finished: whether a URL, with what its row asks for itself, has a record. Raises OutputError.
        """
        try:
            self._placed.settle(self._root, is_finished)
        except OSError as error:
            raise self._error(error, "") from error

    def close(self) -> None:
        """Every file is written, or its error was raised. ``recorded`` may still be called."""

    def end(self) -> None:
        """Close the folder, once the last record is written. Raises OutputError."""
        try:
            self._opened.close()
        except OSError as error:
            raise self._error(error, PLACED) from error

    def _error(self, error: OSError | ValueError, name: str) -> OutputError:
        if isinstance(error, ForeignFileError):
            return OutputError.from_error(str(error.filename), error)
        return OutputError(os.path.join(self._path, name) if name else self._path, system_reason(error))  # noqa: PTH118

    # -- one body ----------------------------------------------------------------------------------

    def _place(self, outcome: Outcome, saved: Saved, number: int) -> str:
        """Move a body to where it belongs; its path. number: of the outcome. Raises OutputError."""
        own = outcome.target.request
        wanted = None if own is None else own.save_as
        noted = len(self._template.missing)
        name = self._template.name(outcome) if wanted is None else self._template.safe(wanted, outcome)
        if len(self._template.missing) > noted:
            fields = ", ".join(f"{{{field}}}" for field in sorted(self._template.missing))
            self._on_note(f"--name-template: {fields} is no field, and a row lacks such a column; it stays empty there")
        unique = wanted is None and self._template.unique and not self._repeats
        try:
            self._root.check_in_place()
            there = None if self._known is None else self._known.unchanged(outcome, name, unique=unique)
            if there is None:
                given, found = self._place_anew(outcome, saved, number, name, unique=unique)
            else:
                given, found = there
                if saved.file is not None:
                    self._work.remove(saved.file)
        except OSError as error:
            raise self._error(error, name) from error
        if self._owners is not None and not unique:
            self._owners.add(given, outcome.target)
        if self._dedupe and outcome.sha256 is not None:
            self._bodies[outcome.sha256] = _Body(given, mark_of(found))
            if len(self._bodies) > BODIES_KEPT:
                self._bodies.popitem(last=False)
        return os.path.join(self._path, given)  # noqa: PTH118

    def _place_anew(
        self, outcome: Outcome, saved: Saved, number: int, name: str, *, unique: bool
    ) -> tuple[str, os.stat_result]:
        """Write a body, and give it its name; the name that it got, and what the file is. Raises OSError."""
        source = self._linked(outcome) or self._temporary(saved)
        found = self._work.check(source, names=True)
        replaced = None
        if self._known is not None and self._owners is not None and self._replaces and not unique:
            replaced = self._known.replaced(outcome, name, self._owners)

        def note(given: str) -> None:
            self._placed.add(number, outcome.target, found, given)

        try:
            return self._put(source, replaced or name, note, replace=unique or replaced is not None), found
        except (NotADirectoryError, FileExistsError, IsADirectoryError):
            # /a is a page and so is /a/b: one of the two names cannot be a folder.
            return self._put(source, self._fallback.name(outcome), note, replace=not self._repeats), found

    def _linked(self, outcome: Outcome) -> str | None:
        """Return a second name for a body that is there already, to replace this one; None for a new body."""
        if not self._dedupe or outcome.sha256 is None or (known := self._bodies.get(outcome.sha256)) is None:
            return None
        link = self._temporary_name()
        *folders, last = known.name.split("/")
        try:
            with self._root.below(folders, make=False) as folder:
                folder.link(last, self._work, link)
            if mark_of(self._work.stat(link)) != known.mark:
                self._work.remove(link)
                raise FileNotFoundError(last)  # another file has its name now
        except ForeignFileError:
            raise
        except OSError:
            del self._bodies[outcome.sha256]
            return None
        self._bodies.move_to_end(outcome.sha256)
        saved = outcome.saved
        if saved is not None and saved.file is not None:
            self._work.remove(saved.file)
        return link

    def _temporary_name(self) -> str:
        return f"{next(self._numbers)}.tmp"

    def _temporary(self, saved: Saved) -> str:
        """Return the file in the folder for work that holds the body, as it is to be kept."""
        name = saved.file
        if name is None:
            data = saved.data or b""
            if self._packing is not None:
                pack = packer(self._packing)
                data = pack.compress(data) + pack.flush()
            name = self._temporary_name()
            self._work.write(name, data)
        if self._fsync:
            self._see_onto_disk(name)
        return name

    def _see_onto_disk(self, name: str) -> None:
        fd = self._work.open(name, os.O_RDONLY)
        try:
            fsync(fd)
        finally:
            os.close(fd)

    def _put(self, source: str, name: str, note: Callable[[str], None], *, replace: bool) -> str:
        """Give ``source`` its name, which ``note`` gets before; the name that it got.

        replace: a file of that name is an earlier body of the same URL.
        """
        suffix = SUFFIXES[self._packing] if self._packing is not None else ""
        *folders, last = name.split("/")
        before = "".join(f"{part}/" for part in folders)
        with self._root.below(folders) as folder:
            given = last + suffix
            if replace:
                note(before + given)
                if self._versions and not is_equal(self._work, source, folder, given):
                    set_aside(folder, given, self._versions)
                self._work.replace(source, folder, given)
                return before + given
            stem, dot, extension = last.partition(".")
            for number in range(2, MAX_NAME_TRIES):
                note(before + given)
                try:
                    self._work.move(source, folder, given)
                except FileExistsError:
                    if self._shares and is_equal(self._work, source, folder, given):
                        self._work.remove(source)
                        return before + given
                    given = f"{stem}-{number}{dot}{extension}{suffix}"
                else:
                    return before + given
        raise FileExistsError(name)
