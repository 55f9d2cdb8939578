"""Partial files: bodies that are being written, and downloads that were interrupted and can be continued.

Decides which downloads can be continued (RFC 9110 sections 13.1.5 and 14), and ensures that a file never mixes two
versions. A partial file is kept with the validator of its response. The rest is requested with ``Range`` and
``If-Range``, and the file is deleted unless the response is the rest of exactly that version. A partial file is named
after its request, so that it is found again after this process was killed. Uses no connections. This file is long
because whatever begins, continues and ends a partial file must agree on its names and states.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import threading
from collections.abc import Callable, Collection
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from typing import Protocol

from ...errors import system_reason
from ...folder import Folder
from ...lazy_pattern import lazy_pattern
from ...model import ErrorKind, Target
from ...named_tuple import NamedTuple
from ...owned_file import ForeignFileError
from ..errors import FetchError
from ..http1.content_range import content_range
from ..http1.response import ResponseParser

PART, WHOLE, TEMPORARY = ".part", ".whole", ".tmp"
READ_SIZE = 1024 * 1024
NOTE = ".json"  # of the file with the URL, the validator and the length of a partial download
SETTLED = 60.0
"""Seconds between Last-Modified and Date from which on Last-Modified identifies a version (RFC 9110 8.8.2.2)."""

PROCESS_BITS = 40
"""Bits of the number in a file's name that one process counts with; the higher ones are the number of the process."""

LONGEST_NOTE = 8 * 1024 * 1024
"""Bytes of a note that are read. A URL has a few megabytes at most."""

OWN_NAMES = lazy_pattern(r"[0-9a-f]{32}(?:-[0-9]+)?(?:\.part|-[0-9]+\.whole)|[0-9a-f]{32}\.json|[0-9]+\.tmp", re.ASCII)
"""Names that this program gives to partial files. It neither deletes nor writes any other file."""


class Packer(Protocol):
    """Compresses one body."""

    def compress(self, data: bytes, /) -> bytes:
        """Return the compressed bytes that are ready."""

    def flush(self) -> bytes:
        """Return the remaining compressed bytes."""


class PartialDownload(NamedTuple):
    """What an earlier attempt left of a body: its size in bytes, its validator, and the length of the whole body."""

    size: int
    validator: str
    length: int | None

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """The header fields that request the rest, without a content coding."""
        return ("Range", f"bytes={self.size}-"), ("If-Range", self.validator), ("Accept-Encoding", "identity")

    def is_continued_by(self, parser: ResponseParser) -> bool:
        """Return whether a response is the rest of exactly this version."""
        found = content_range(parser.values.get(b"content-range"))
        if parser.status != 206 or found is None or parser.values.get(b"content-encoding") is not None:
            return False
        first, last, whole = found
        etag = parser.values.get(b"etag")
        same = etag is None or not self.validator.startswith('"') or etag.decode("latin-1") == self.validator
        to_the_end = whole is None or last + 1 == whole
        right_length = None in (self.length, whole) or self.length == whole
        complete = parser.length is None or parser.length == last + 1 - first
        return first == self.size and same and to_the_end and right_length and complete


class PartialFiles:
    """The partial files in one folder, which no other run uses. Thread-safe.

    beside: names of other files that belong to the folder. pack: makes a compressor for a whole body; None if bodies
    are not compressed. process: a number that no other process has had that writes to this folder for the same run; 0
    for the run itself, which is the first to open the folder, and removes what nobody can go on with. repeats: whether
    another process may receive the same body at the same time, so that no download can be continued. Raises
    ForeignFileError for a file of another program, OSError if the folder cannot be read.
    """

    def __init__(
        self,
        folder: Folder,
        pack: Callable[[], Packer] | None = None,
        *,
        beside: Collection[str] = (),
        process: int = 0,
        repeats: bool = False,
    ) -> None:
        self.folder = folder
        self.pack = pack
        self._numbers = itertools.count(process << PROCESS_BITS)  # make the names of files unique
        self._repeats = repeats
        self._lock = threading.Lock()  # guards the next two
        self._active: set[str] = set()
        names = set(folder.names()).difference(beside)
        self._left = {name.removesuffix(NOTE) for name in names if name.endswith(NOTE)}
        if process:
            return
        for name in sorted(names):
            if OWN_NAMES.fullmatch(name) is None:
                raise ForeignFileError(folder.path_of(name), "this program did not make it; move it out of the folder")
            # A process that was killed while it named a body leaves a file with two names.
            folder.check(name, names=name.endswith((WHOLE, TEMPORARY)))
        for name in names:
            if name.endswith((PART, WHOLE, TEMPORARY)) and name.removesuffix(PART) not in self._left:
                folder.remove(name)

    def __repr__(self) -> str:
        return f"<PartialFiles in {self.folder.path!r}: {len(self._active)} written, {len(self._left)} left>"

    @staticmethod
    def name_of(target: Target) -> str:
        """Return the name of a target's partial files: its URL as in records, and its occurrence if it is repeated."""
        return target.url if target.occurrence == 1 else f"{target.url} {target.occurrence}"

    def partial_download(self, method: str, url: str) -> PartialDownload | None:
        """Return the partial download of a request's body, None if there is none. Raises FetchError (``disk``)."""
        if not self._left or method != "GET" or (key := _key(method, url)) not in self._left:
            return None
        try:
            left = self._read_note(key)
        except ForeignFileError as error:
            raise disk(error.filename, error) from error
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            left = None
        if left is None or not left.size or (left.length is not None and left.size >= left.length):
            self.forget(method, url)
            return None
        return left

    def _read_note(self, key: str) -> PartialDownload:
        """Read the note of a partial download. Raises OSError, ValueError, KeyError or TypeError if it is not valid."""
        with open(self.folder.open(key + NOTE, os.O_RDONLY), "rb") as file:  # noqa: PTH123
            note = json.loads(file.read(LONGEST_NOTE))
        self.folder.check(key + PART)
        validator, length = note["validator"], note["length"]
        if not (isinstance(validator, str) and validator.isprintable() and isinstance(length, int | None)):
            raise TypeError("the note is not valid")
        return PartialDownload(self.folder.stat(key + PART).st_size, validator, length)

    def forget(self, method: str, url: str) -> None:
        """Delete the partial download of a request's body."""
        key = _key(method, url)
        with self._lock:
            self._left.discard(key)
            if key in self._active:
                return
        self.discard(key + NOTE)
        self.discard(key + PART)

    def begin(self, method: str, url: str, parser: ResponseParser, left: PartialDownload | None) -> PartialFile:
        """Open the file of a body. left: the partial download that it continues. Raises FetchError (``disk``)."""
        key = _key(method, url)
        with self._lock:
            alone = key not in self._active and not self._repeats
            if not alone:  # the same request is in flight twice: only one of them can be continued
                key = f"{key}-{next(self._numbers)}"
            self._active.add(key)
            self._left.discard(key)
        note = None
        if left is None and alone and method == "GET" and (validator := _validator(parser)) is not None:
            note = json.dumps({"url": url, "validator": validator, "length": parser.length})
        name = key + PART
        try:
            if left is None:
                with contextlib.suppress(FileNotFoundError):
                    self.folder.remove(key + NOTE)
            fd = self.folder.open(name, os.O_RDWR | os.O_CREAT | (os.O_TRUNC if left is None else 0))
            try:
                if note is not None:  # only after the bytes of another version were truncated
                    self._write_note(key, note)
            except BaseException:
                os.close(fd)
                raise
        except OSError as error:
            self.closed(key, keep=False)
            raise self.disk(name, error) from error
        return PartialFile(self, key, fd, can_continue=note is not None or left is not None)

    def _write_note(self, key: str, note: str) -> None:
        fd = self.folder.open(key + NOTE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        with open(fd, "w", encoding="ascii") as file:  # noqa: PTH123
            file.write(note)

    def closed(self, key: str, *, keep: bool) -> None:
        """Handle that a partial file was closed. keep: it can be continued; else its note is deleted."""
        with self._lock:
            self._active.discard(key)
            if keep:
                self._left.add(key)
        if not keep:
            self.discard(key + NOTE)

    def name_whole(self, key: str) -> str:
        """Return the name for a whole body. It is unique, even if the same request is made twice."""
        return f"{key}-{next(self._numbers)}{WHOLE}"

    def disk(self, name: str, error: OSError) -> FetchError:
        """Return the error for a file that cannot be written."""
        return disk(error.filename if isinstance(error, ForeignFileError) else self.folder.path_of(name), error)

    def discard(self, name: str) -> None:
        """Delete the file of a body that is not needed."""
        with contextlib.suppress(OSError):
            self.folder.remove(name)


class PartialFile:
    """The file of a body that is being written. Used by one thread at a time."""

    def __init__(self, parts: PartialFiles, key: str, fd: int, *, can_continue: bool) -> None:
        self.name = key + PART
        self._parts = parts
        self._key = key
        self._fd = fd
        self._can_continue = can_continue

    def __repr__(self) -> str:
        return f"<PartialFile {self.path!r}>"

    @property
    def path(self) -> str:
        """The path of the file, for messages."""
        return self._parts.folder.path_of(self.name)

    def read(self, size: int) -> bytes:
        """Return the next bytes of the file. Raises FetchError (``disk``)."""
        try:
            return os.read(self._fd, size)
        except OSError as error:
            raise disk(self.path, error) from error

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes. Raises FetchError (``disk``)."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            raise disk(self.path, error) from error

    def finish(self) -> str:
        """Close and, if required, compress the file of a whole body. Return its name in the folder, which is unique.

        Raises FetchError (``disk``).
        """
        folder, whole = self._parts.folder, self._parts.name_whole(self._key)
        try:
            folder.check_is(self.name, self._fd)
            if self._parts.pack is None:
                folder.replace(self.name, folder, whole)
            else:
                self._compress(self._parts.pack(), whole)
        except OSError as error:
            raise self._parts.disk(whole, error) from error
        finally:
            self._close(keep=False)  # last, because the next body of the same request will use the same name
        return whole

    def _compress(self, packer: Packer, whole: str) -> None:
        folder = self._parts.folder
        os.lseek(self._fd, 0, os.SEEK_SET)
        with open(folder.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:  # noqa: PTH123
            while data := os.read(self._fd, READ_SIZE):
                file.write(packer.compress(data))
            file.write(packer.flush())
        folder.remove(self.name)

    def abandon(self) -> None:
        """Close the file of an incomplete body, and delete it if the download cannot be continued."""
        if not self._can_continue:
            self._parts.discard(self.name)
        self._close(keep=self._can_continue)  # last, as above

    def _close(self, *, keep: bool) -> None:
        with contextlib.suppress(OSError):
            os.close(self._fd)
        self._parts.closed(self._key, keep=keep)


def disk(path: str, error: OSError) -> FetchError:
    """Return the error for a file that cannot be written."""
    return FetchError(ErrorKind.DISK, f"{path}: {system_reason(error)}")


def _key(method: str, url: str) -> str:
    return blake2b(f"{method} {url}".encode(errors="surrogatepass"), digest_size=16).hexdigest()


def _validator(parser: ResponseParser) -> str | None:
    """Return the validator of this version for ``If-Range``: a strong ETag, or a Last-Modified that is old enough."""
    if parser.status != 200 or parser.values.get(b"content-encoding") is not None:
        return None
    etag = (parser.values.get(b"etag") or b"").decode("latin-1")
    if etag.startswith('"') and etag.endswith('"') and len(etag) > 1 and etag.isprintable():
        return etag
    modified, date = parser.values.get(b"last-modified"), parser.values.get(b"date")
    if etag or modified is None or date is None:
        return None
    try:
        since, now = (parsedate_to_datetime(value.decode("latin-1")) for value in (modified, date))
        settled = (now - since).total_seconds() >= SETTLED
    except (ValueError, TypeError, OverflowError):
        return None
    return modified.decode("latin-1") if settled else None
