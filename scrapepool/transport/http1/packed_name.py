"""Files that are compressed according to their name, from servers that mistake this for a compression for transfer.

Many servers send ``pages.tar.gz`` with ``Content-Encoding: gzip``; without the coding it would be ``pages.tar``.
Decides whether the coding is the file's own, by the suffix of the URL's path, the Content-Encoding, and the first
bytes without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .content_coding import Decoder

_GZIP = ((".gz", ".tgz", ".taz", ".svgz", ".gzip"), b"\x1f\x8b")
_SUFFIXES = {"gzip": _GZIP, "x-gzip": _GZIP, "zstd": ((".zst", ".tzst"), b"\x28\xb5\x2f\xfd")}
"""By the coding: suffixes of files that are compressed so, and how these begin."""


class PackedName(NamedTuple):
    """A name that promises a compressed file. suffix: of the name. coding: of the response. begin: of such a file."""

    suffix: str
    coding: str
    begin: bytes


def packed_name(urls: Sequence[str], content_encoding: bytes) -> PackedName | None:
    """Find out whether a body with this coding has a name that promises the same compression; None as a rule."""
    coding = content_encoding.decode("latin-1").strip().lower()
    suffixes, begin = _SUFFIXES.get(coding, ((), b""))
    if suffixes:
        for url in urls:
            name = url.partition("#")[0].partition("?")[0].lower()
            if name.endswith(suffixes):
                return PackedName(next(suffix for suffix in suffixes if name.endswith(suffix)), coding, begin)
    return None


def unpacked_note(urls: Sequence[str], content_encoding: bytes, head: bytes) -> str | None:
    """Say that a body is no longer compressed as its name says; None where it is, or where no name says so.

    urls: that name the body. head: the first bytes of the decoded body.
    """
    name = packed_name(urls, content_encoding)
    if name is None or not head or head.startswith(name.begin):
        return None
    return f"the name ends in {name.suffix}, but without its Content-Encoding {name.coding} the body is not compressed"


class OwnCoding:
    """Keeps ``content_coding.Decoder``: leaves a coding on that turns out to be the file's own.

    It is where what comes out of the decoder is not compressed: a server that compresses a compressed file for
    transfer as well is undone as usual. Whether the file is whole is for its reader to say then.
    """

    def __init__(self, name: PackedName, decoder: Decoder) -> None:
        self._name = name
        self._decoder = decoder
        self._held: list[bytes] | None = []  # as received, until the first bytes behind the coding are known
        self._head = b""
        self._kept = False

    @property
    def ended(self) -> bool:
        """See ``Decoder``."""
        return not self._kept and self._decoder.ended

    @property
    def final(self) -> bool:
        """See ``Decoder``."""
        return not self._kept and self._decoder.final

    @property
    def notes(self) -> list[str]:
        """See ``Decoder``."""
        kept = f"saved with its Content-Encoding {self._name.coding}, which the suffix {self._name.suffix} stands for"
        return [kept] if self._kept else self._decoder.notes

    def feed(self, data: bytes) -> Iterator[bytes]:
        """See ``Decoder``."""
        if self._kept:
            yield data
            return
        parts = self._decoder.feed(data)
        if self._held is None:
            yield from parts
            return
        self._held.append(data)
        begin = self._name.begin
        while len(self._head) < len(begin) and (part := next(parts, None)) is not None:
            self._head += part
        if len(self._head) < len(begin) and not self._decoder.ended:
            return
        held, self._held = self._held, None
        if self._head.startswith(begin):
            yield self._head
            yield from parts
        else:
            self._kept = True
            yield from held

    def finish(self) -> None:
        """See ``Decoder``."""
        if not self._kept:
            self._decoder.finish()
