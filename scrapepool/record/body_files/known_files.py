"""The files that earlier records name: which of them are still there, and which may be replaced.

Decides when the file of a page is left alone: where it lies below ``--save-dir`` and holds, byte for byte, what the
record says. A file that a new version of its page replaces is one that no other page's record names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Protocol

from ...folder import Folder
from ...model import Outcome, Target
from ...settings import FileSettings
from ...validators import Known
from .file_compression import SUFFIXES, unpacked_digest

WORK = ".scrapepool"
"""The folder inside for files that are being written; ``run.save_dir`` removes it when it is empty."""


class FileOwners(Protocol):
    """Which targets have a file of which name, by earlier records and by this run."""

    def add(self, name: str, target: Target) -> None:
        """Take note that a target's record names a file."""

    def has_others(self, name: str, target: Target) -> bool:
        """Whether the record of another target names that file, too."""


class KnownFiles:
    """The files of earlier records in one folder. For many threads; opens nothing for longer than a call."""

    def __init__(self, settings: FileSettings) -> None:
        assert settings.save_dir is not None  # noqa: S101 - see the callers
        self._path = settings.save_dir
        self._root = os.path.abspath(settings.save_dir)  # noqa: PTH100
        self._packing = settings.compress
        self._suffix = SUFFIXES[settings.compress] if settings.compress is not None else ""

    def __repr__(self) -> str:
        return f"<KnownFiles in {self._path!r}>"

    def name_of(self, record: Mapping[str, Any]) -> str | None:
        """Return the name below the folder of the file that a record names; None where it names none there."""
        path = record.get("path")
        if not isinstance(path, str) or not path or "\0" in path:
            return None
        root, found = self._root, os.path.abspath(path)  # noqa: PTH100
        name = found.removeprefix(root if root.endswith(os.sep) else root + os.sep).replace(os.sep, "/")
        return None if found == name or name.partition("/")[0] == WORK else name

    def path_of(self, record: Mapping[str, Any]) -> str | None:
        """Return the path, as in records of this run, of the file that a record names; None for none in the folder."""
        name = self.name_of(record)
        return None if name is None else os.path.join(self._path, name)  # noqa: PTH118

    def has(self, known: Known) -> bool:
        """Whether the file of a page is there as its record says, so that the page need not come again."""
        return self._verified(known) is not None

    def unchanged(self, outcome: Outcome, name: str, *, unique: bool) -> tuple[str, os.stat_result] | None:
        """Return the file that holds a body already, and what it is; None where the body is to be written.

        name: that the body would get, without the suffix of ``--compress``. unique: see ``NameTemplate``; a file of
        that name is one of the same page then, whatever the records lack.
        """
        known, digest = outcome.target.known, outcome.sha256
        if digest is None:
            return None
        there = None if known is None else self.name_of(known.record)
        if known is None or there is None:
            there = name + self._suffix if unique else None
        elif known.record.get("sha256") != digest:
            return None
        found = None if there is None else self._holding(there, digest, outcome.bytes)
        return None if there is None or found is None else (there, found)

    def replaced(self, outcome: Outcome, name: str, owners: FileOwners) -> str | None:
        """Return the name, without suffix, of the file that a new version of a page takes the place of; None for none.

        name: that the body would get, without suffix, by a template that may give it to several pages.
        """
        known = outcome.target.known
        there = None if known is None else self._verified(known)
        if there is None or not _is_numbered(there, name, self._suffix) or owners.has_others(there, outcome.target):
            return None
        return there.removesuffix(self._suffix)

    def _verified(self, known: Known) -> str | None:
        """Return the name of the file that a record names, where it holds what the record says."""
        name, digest, size = self.name_of(known.record), known.record.get("sha256"), known.record.get("bytes")
        if name is None or not isinstance(digest, str) or not isinstance(size, int):
            return None
        return None if self._holding(name, digest, size) is None else name

    def _holding(self, name: str, digest: str, size: int) -> os.stat_result | None:
        """Return what a file is, where it holds a body of this digest and size; None where it does not."""
        *folders, last = name.split("/")
        try:
            with Folder(self._path) as root, root.below(folders, make=False) as folder:
                fd = folder.open(last, os.O_RDONLY, names=True)
            with open(fd, "rb") as file:  # noqa: PTH123 - it is open
                found = os.fstat(fd)
                if self._packing is None and found.st_size != size:
                    return None
                return found if unpacked_digest(file, self._packing, size) == digest else None
        except (OSError, ValueError):
            return None  # a link, or what cannot be read: placing the body says what is wrong


def _is_numbered(name: str, wanted: str, suffix: str) -> bool:
    """Whether a file has the name that was wanted, or one with a number, as where that was taken."""
    *folders, last = wanted.split("/")
    stem, dot, extension = last.partition(".")
    before = "".join(f"{part}/" for part in folders)
    form = rf"{re.escape(before + stem)}(?:-[0-9]+)?{re.escape(dot + extension + suffix)}"
    return re.fullmatch(form, name) is not None
