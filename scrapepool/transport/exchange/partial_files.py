"""Bodies on their way into files: what is there of one that broke off, and how the rest is requested.

Decides which bodies can be continued (RFC 9110 sections 13.1.5 and 14), and that the pieces of two versions never
meet. A part is kept with the validator of its response. The rest is requested with ``Range`` and ``If-Range``, and
the part is deleted unless the response is the rest of exactly that version. A part is named after its request, so
that it is found again after this process was killed. Knows no connections.
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
from typing import NamedTuple, Protocol

from ...folder import Folder
from ...model import ErrorKind, Target
from ...owned_file import ForeignFileError
from ..errors import FetchError
from ..http1.content_range import content_range
from ..http1.response import ResponseParser

PART, WHOLE, TEMPORARY = ".part", ".whole", ".tmp"
READ_SIZE = 1024 * 1024
NOTE = ".json"
SETTLED = 60.0
"""Seconds by which a Last-Modified must lie before its Date to tell two versions apart (RFC 9110 section 8.8.2.2)."""

LONGEST_NOTE = 8 * 1024 * 1024
"""Bytes of a note that are read: a URL has a few megabytes at most."""

MADE = re.compile(r"[0-9a-f]{32}(?:-[0-9]+)?(?:\.part|-[0-9]+\.whole)|[0-9a-f]{32}\.json|[0-9]+\.tmp", re.ASCII)
"""Names that this program gives to files on their way. Nothing else is deleted, or written to."""


def name_of(target: Target) -> str:
    """What the parts of a target's body go by: its URL as records have it, and what tells it from others of that."""
    return target.url if target.occurrence == 1 else f"{target.url} {target.occurrence}"


class Packer(Protocol):
    """Compresses one body."""

    def compress(self, data: bytes, /) -> bytes:
        """What is ready."""

    def flush(self) -> bytes:
        """The rest."""


class Left(NamedTuple):
    """What an earlier attempt left of a body: so many bytes, and the validator of the response that they came with."""

    size: int
    validator: str
    length: int | None

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """The header fields that ask for the rest, as it stands there without any coding."""
        return ("Range", f"bytes={self.size}-"), ("If-Range", self.validator), ("Accept-Encoding", "identity")

    def goes_on_in(self, parser: ResponseParser) -> bool:
        """Whether a response is the rest of this very version."""
        found = content_range(parser.get(b"content-range"))
        if parser.status != 206 or found is None or parser.get(b"content-encoding") is not None:
            return False
        first, last, whole = found
        etag = parser.get(b"etag")
        same = etag is None or not self.validator.startswith('"') or etag.decode("latin-1") == self.validator
        to_the_end = whole is None or last + 1 == whole
        right_length = None in (self.length, whole) or self.length == whole
        complete = parser.length is None or parser.length == last + 1 - first
        return first == self.size and same and to_the_end and right_length and complete


class Parts:
    """The parts in one folder, which no other process uses. Called from many threads.

    beside: other names that belong there. pack: makes what compresses a whole body, None where none is compressed.
    Raises ForeignFileError for what this program did not make, OSError where the folder cannot be read.
    """

    def __init__(
        self, folder: Folder, pack: Callable[[], Packer] | None = None, *, beside: Collection[str] = ()
    ) -> None:
        self.folder = folder
        self.pack = pack
        self._numbers = itertools.count()  # of files whose names would be alike
        self._lock = threading.Lock()  # guards the next two
        self._active: set[str] = set()
        names = set(folder.names()).difference(beside)
        for name in sorted(names):
            if MADE.fullmatch(name) is None:
                raise ForeignFileError(folder.path_of(name), "this program did not make it; move it out of the folder")
            # A body that was given its name, at the moment of a kill, has two.
            folder.check(name, names=name.endswith((WHOLE, TEMPORARY)))
        self._left = {name.removesuffix(NOTE) for name in names if name.endswith(NOTE)}
        for name in names:
            if name.endswith((PART, WHOLE, TEMPORARY)) and name.removesuffix(PART) not in self._left:
                folder.remove(name)

    def __repr__(self) -> str:
        return f"<Parts in {self.folder.path!r}: {len(self._active)} written, {len(self._left)} left>"

    def left_of(self, method: str, url: str) -> Left | None:
        """What is there of a request's body already, None as a rule. Raises FetchError (``disk``)."""
        if not self._left or method != "GET" or (key := _key(method, url)) not in self._left:
            return None
        try:
            left = self._noted(key)
        except ForeignFileError as error:
            raise disk(error.filename, error) from error
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            left = None
        if left is None or not left.size or (left.length is not None and left.size >= left.length):
            self.forget(method, url)
            return None
        return left

    def _noted(self, key: str) -> Left:
        """Read the note of a part. Raises OSError, ValueError, KeyError, TypeError for one that is no use."""
        with open(self.folder.open(key + NOTE, os.O_RDONLY), "rb") as file:  # noqa: PTH123
            note = json.loads(file.read(LONGEST_NOTE))
        self.folder.check(key + PART)
        validator, length = note["validator"], note["length"]
        if not (isinstance(validator, str) and validator.isprintable() and isinstance(length, int | None)):
            raise TypeError("not as it was written")
        return Left(self.folder.stat(key + PART).st_size, validator, length)

    def forget(self, method: str, url: str) -> None:
        """Throw away what is there of a request's body."""
        key = _key(method, url)
        with self._lock:
            self._left.discard(key)
            if key in self._active:
                return
        self.discard(key + NOTE)
        self.discard(key + PART)

    def begin(self, method: str, url: str, parser: ResponseParser, left: Left | None) -> Part:
        """Open the file of a body; ``left``: of the version that goes on. Raises FetchError (``disk``)."""
        key = _key(method, url)
        with self._lock:
            alone = key not in self._active
            if not alone:  # the same request twice at once: only one of them can be found again
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
                if note is not None:  # after the bytes of another version are gone
                    self._note(key, note)
            except BaseException:
                os.close(fd)
                raise
        except OSError as error:
            self.ended(key, again=False)
            raise self.disk(name, error) from error
        return Part(self, key, fd, can_go_on=note is not None or left is not None)

    def _note(self, key: str, note: str) -> None:
        fd = self.folder.open(key + NOTE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        with open(fd, "w", encoding="ascii") as file:  # noqa: PTH123
            file.write(note)

    def ended(self, key: str, *, again: bool) -> None:
        """Take note that a part's file is closed. again: it may be gone on with; else its note goes."""
        with self._lock:
            self._active.discard(key)
            if again:
                self._left.add(key)
        if not again:
            self.discard(key + NOTE)

    def name_whole(self, key: str) -> str:
        """A name for a body that is whole; requests may be alike, and each has its own."""
        return f"{key}-{next(self._numbers)}{WHOLE}"

    def disk(self, name: str, error: OSError) -> FetchError:
        """What a file that cannot be written comes to."""
        return disk(error.filename if isinstance(error, ForeignFileError) else self.folder.path_of(name), error)

    def discard(self, name: str) -> None:
        """Delete a file of a body that is not wanted."""
        with contextlib.suppress(OSError):
            self.folder.remove(name)


class Part:
    """A body's file while it is written. Used by one thread at a time."""

    def __init__(self, parts: Parts, key: str, fd: int, *, can_go_on: bool) -> None:
        self.name = key + PART
        self._parts = parts
        self._key = key
        self._fd = fd
        self._can_go_on = can_go_on

    def __repr__(self) -> str:
        return f"<Part {self.path!r}>"

    @property
    def path(self) -> str:
        """Its path, for messages."""
        return self._parts.folder.path_of(self.name)

    def read(self, size: int) -> bytes:
        """The next bytes of what is there. Raises FetchError (``disk``)."""
        try:
            return os.read(self._fd, size)
        except OSError as error:
            raise disk(self.path, error) from error

    def write(self, data: bytes | memoryview) -> None:
        """Append. Raises FetchError (``disk``)."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            raise disk(self.path, error) from error

    def finish(self) -> str:
        """The body is whole: close the file, packed if it is to be; its name in the folder, which is no other body's.

        Raises FetchError (``disk``).
        """
        folder, whole = self._parts.folder, self._parts.name_whole(self._key)
        try:
            folder.check_is(self.name, self._fd)
            if self._parts.pack is None:
                folder.replace(self.name, folder, whole)
            else:
                self._pack(self._parts.pack(), whole)
        except OSError as error:
            raise self._parts.disk(whole, error) from error
        finally:
            self._close(again=False)  # not before: the next body of the same request begins in the same file
        return whole

    def _pack(self, pack: Packer, whole: str) -> None:
        folder = self._parts.folder
        os.lseek(self._fd, 0, os.SEEK_SET)
        with open(folder.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:  # noqa: PTH123
            while data := os.read(self._fd, READ_SIZE):
                file.write(pack.compress(data))
            file.write(pack.flush())
        folder.remove(self.name)

    def abandon(self) -> None:
        """The body broke off: keep what can be gone on with, delete what cannot."""
        if not self._can_go_on:
            self._parts.discard(self.name)
        self._close(again=self._can_go_on)  # not before: the next body of the same request begins in the same file

    def _close(self, *, again: bool) -> None:
        with contextlib.suppress(OSError):
            os.close(self._fd)
        self._parts.ended(self._key, again=again)


def disk(path: str, error: OSError) -> FetchError:
    """What a file that cannot be written comes to."""
    return FetchError(ErrorKind.DISK, f"{path}: {error.strerror or error}")


def _key(method: str, url: str) -> str:
    return blake2b(f"{method} {url}".encode(errors="surrogatepass"), digest_size=16).hexdigest()


def _validator(parser: ResponseParser) -> str | None:
    """What ``If-Range`` can name this version by: a strong ETag, or a date that is old enough to be one."""
    if parser.status != 200 or parser.get(b"content-encoding") is not None:
        return None
    etag = (parser.get(b"etag") or b"").decode("latin-1")
    if etag.startswith('"') and etag.endswith('"') and len(etag) > 1 and etag.isprintable():
        return etag
    modified, date = parser.get(b"last-modified"), parser.get(b"date")
    if etag or modified is None or date is None:
        return None
    try:
        since, now = (parsedate_to_datetime(value.decode("latin-1")) for value in (modified, date))
        settled = (now - since).total_seconds() >= SETTLED
    except (ValueError, TypeError, OverflowError):
        return None
    return modified.decode("latin-1") if settled else None
