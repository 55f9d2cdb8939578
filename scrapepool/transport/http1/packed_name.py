"""Compressed files that a server sends with a Content-Encoding, as if they were compressed for the transfer.

Many servers send ``pages.tar.gz`` with ``Content-Encoding: gzip``; decoded, it would be ``pages.tar``. This module
decides whether the coding belongs to the file itself. It uses the suffix of the URL's path, the Content-Encoding, and
the first decoded bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...named_tuple import NamedTuple
from .content_coding import Decoder

_GZIP = ((".gz", ".tgz", ".taz", ".svgz", ".gzip"), b"\x1f\x8b")
_SUFFIXES = {"gzip": _GZIP, "x-gzip": _GZIP, "zstd": ((".zst", ".tzst"), b"\x28\xb5\x2f\xfd")}
"""For each coding: the suffixes of files with that compression, and the first bytes of such files."""


class PackedName(NamedTuple):
    """A file name that denotes a compressed file.

    suffix: the suffix of the name.
    coding: the content coding of the response.
    begin: the first bytes of such a file.
    """

    suffix: str
    coding: str
    begin: bytes


def packed_name(urls: Sequence[str], content_encoding: bytes) -> PackedName | None:
    """Return the suffix and coding if a name of the body denotes the same compression as its coding; else None."""
    coding = content_encoding.decode("latin-1").strip().lower()
    suffixes, begin = _SUFFIXES.get(coding, ((), b""))
    if suffixes:
        for url in urls:
            name = url.partition("#")[0].partition("?")[0].lower()
            if name.endswith(suffixes):
                return PackedName(next(suffix for suffix in suffixes if name.endswith(suffix)), coding, begin)
    return None


def unpacked_note(urls: Sequence[str], content_encoding: bytes, head: bytes) -> str | None:
    """Return a note if the name denotes a compressed file but the decoded body is not compressed; else None.

    urls: the URLs that name the body.
    head: the first bytes of the decoded body.
    """
    name = packed_name(urls, content_encoding)
    if name is None or not head or head.startswith(name.begin):
        return None
    return f"the name ends in {name.suffix}, but without its Content-Encoding {name.coding} the body is not compressed"


class OwnCoding:
    """A ``content_coding.Decoder`` that keeps a coding which belongs to the file itself.

    The coding belongs to the file if the decoded bytes are not compressed. If they are still compressed, the server
    compressed the file once more for the transfer, and that coding is removed as usual. A kept coding is not checked
    for completeness.
    """

    def __init__(self, name: PackedName, decoder: Decoder) -> None:
        self._name = name
        self._decoder = decoder
        self._held: list[bytes] | None = []  # the bytes as received, until the first decoded bytes are known
        self._head = b""
        self._kept = False

    @property
    def ended(self) -> bool:
        """The same as in ``Decoder``."""
        return not self._kept and self._decoder.ended

    @property
    def final(self) -> bool:
        """The same as in ``Decoder``."""
        return not self._kept and self._decoder.final

    @property
    def notes(self) -> list[str]:
        """The same as in ``Decoder``."""
        kept = f"saved with its Content-Encoding {self._name.coding}, which the suffix {self._name.suffix} denotes"
        return [kept] if self._kept else self._decoder.notes

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode ``data`` as in ``Decoder``, or return it unchanged if the coding is kept."""
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
        """End the body as in ``Decoder``; a kept coding is not checked."""
        if not self._kept:
            self._decoder.finish()
