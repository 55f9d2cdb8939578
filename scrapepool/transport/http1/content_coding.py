"""Decoders for content codings (RFC 9110 section 8.4), with bounded output per step.

This module decides which codings are supported, and when a stream is complete. No step yields more than STEP bytes, and
each step runs only when the caller requests it, so that a decompression bomb costs no more than the caller allows. The
limits themselves are not known here, and no data is kept.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

from ...model import ErrorKind
from ...named_tuple import NamedTuple
from ..errors import DecodeError
from .compressed_stream import (
    ZSTD_MODULE,
    Stream,
    brotli,
    brotli_module,
    cut,
    deflate,
    gzip,
    present,
    zstd,
    zstd_module,
)

MAX_CODINGS = 5
"""The maximum number of stacked codings, as in curl; real servers use one, rarely two."""


class Decoder(Protocol):
    """Removes one or more content codings from a body."""

    @property
    def ended(self) -> bool:
        """Whether the compressed stream has ended."""

    @property
    def final(self) -> bool:
        """Whether the stream has ended and no other may follow, so that the body is known to be complete."""

    @property
    def notes(self) -> list[str]:
        """What was ignored or tolerated, one line for people per item."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode ``data`` step by step. The iteration must finish before the next ``feed``.

        Each piece has at most STEP bytes. A piece is empty if a step did some work but produced no output.
        Raises DecodeError (``decode``).
        """

    def finish(self) -> None:
        """End the body. Raises DecodeError (``truncated``) if the stream has not ended.

        If no byte was received, the body is empty and valid, as in browsers.
        """


class _Coding(NamedTuple):
    """One content coding.

    name: the name for messages.
    start: returns a decoder for a stream, given its first bytes.
    sniff: how many first bytes ``start`` needs.
    error: returns the exception type that the library raises.
    magics: the first bytes of another stream, which may follow the first one. None means that nothing may follow;
        an empty tuple means that the bytes that follow are ignored.
    """

    name: str
    start: Callable[[bytes], Stream]
    error: Callable[[], type[Exception]]
    magics: tuple[bytes, ...] | None = ()
    sniff: int = 1


class _Single:
    """Removes one coding: one stream or several in sequence, which may be followed by padding or other bytes."""

    __slots__ = ("_coding", "_held", "_over", "_stream", "notes")

    def __init__(self, coding: _Coding) -> None:
        self._coding = coding
        self._stream: Stream | None = None
        self._held = b""
        self._over = False
        self.notes: list[str] = []

    @property
    def ended(self) -> bool:
        return self._stream is not None and self._stream.ended

    @property
    def final(self) -> bool:
        return self.ended and (self._over or not self._coding.magics)

    def feed(self, data: bytes) -> Iterator[bytes]:
        data, self._held = self._held + data, b""
        padding = b"" if self._coding.magics is None else b"\0"
        try:
            while data := data.lstrip(padding) if self.ended else data:
                stream = self._stream_of(data)
                if stream is None:
                    return
                yield from stream.feed(data)
                data = stream.rest
                if data:
                    yield b""
        except self._coding.error() as error:
            reason = str(error).rpartition(": ")[2]
            raise DecodeError(ErrorKind.DECODE, f"the body is not {self._coding.name}: {reason}") from error

    def finish(self) -> None:
        if self._held or not (self._stream is None or self._stream.ended):
            raise DecodeError(ErrorKind.TRUNCATED, f"the {self._coding.name} stream ends too early")

    def _stream_of(self, data: bytes) -> Stream | None:
        """Return the stream that ``data`` belongs to; None if more bytes are needed, or if ``data`` is ignored."""
        coding = self._coding
        if self._over:
            return None
        if self._stream is not None:
            if not self._stream.ended:
                return self._stream
            if coding.magics is None:
                raise DecodeError(ErrorKind.DECODE, f"bytes after the end of the {coding.name} stream")
            if not data.startswith(coding.magics):
                if any(magic.startswith(data) for magic in coding.magics):
                    self._held = data
                else:
                    self._ignore_rest()
                return None
        if len(data) < coding.sniff:
            self._held = data
            return None
        self._stream = coding.start(data)
        return self._stream

    def _ignore_rest(self) -> None:
        self._over = True
        self.notes.append(f"ignored bytes after the end of the {self._coding.name} stream")


class _AsSent:
    """Returns a body with an unknown coding unchanged, with a note."""

    ended = final = False

    def __init__(self, coding: str) -> None:
        self.notes = [f"Content-Encoding {coding!r} cannot be decoded; the body is as sent"]

    def feed(self, data: bytes) -> Iterator[bytes]:
        return cut(data)

    def finish(self) -> None:
        """Do nothing: the end of an unknown coding cannot be checked."""


class _Chain:
    """Removes several codings, in the reverse order of their application."""

    def __init__(self, decoders: list[_Single]) -> None:
        self._decoders = decoders

    @property
    def ended(self) -> bool:
        return all(decoder.ended for decoder in self._decoders)

    @property
    def final(self) -> bool:
        return all(decoder.final for decoder in self._decoders)

    @property
    def notes(self) -> list[str]:
        return [note for decoder in self._decoders for note in decoder.notes]

    def feed(self, data: bytes) -> Iterator[bytes]:
        return self._through(data, 0)

    def finish(self) -> None:
        for decoder in self._decoders:
            decoder.finish()

    def _through(self, data: bytes, position: int) -> Iterator[bytes]:
        if position == len(self._decoders):
            yield data
            return
        for piece in self._decoders[position].feed(data):
            yield from self._through(piece, position + 1)
            yield b""


def decoder_for(content_encoding: bytes | str | None) -> Decoder | None:
    """Return a decoder for the joined values of Content-Encoding; None if there is nothing to decode.

    An unknown coding is not an error: the decoder returns the body unchanged and adds a note.
    Raises DecodeError (``decode``) for more than MAX_CODINGS codings.
    """
    if not content_encoding:
        return None
    text = content_encoding if isinstance(content_encoding, str) else content_encoding.decode("latin-1")
    names = [name for part in text.lower().split(",") if (name := part.strip()) not in {"", "identity"}]
    if not names:
        return None
    if len(names) > MAX_CODINGS:
        raise DecodeError(ErrorKind.DECODE, f"{len(names)} content codings, over {MAX_CODINGS}")
    if not all(name in _CODINGS for name in names):
        return _AsSent(text[:60])
    decoders = [_Single(_CODINGS[name]) for name in reversed(names)]
    return decoders[0] if len(decoders) == 1 else _Chain(decoders)


_GZIP = _Coding("gzip", gzip, lambda: zlib.error, magics=(b"\x1f\x8b",))
_CODINGS = {
    "gzip": _GZIP,
    "x-gzip": _GZIP,
    "deflate": _Coding("deflate", deflate, lambda: zlib.error, sniff=2),
}
if present("brotli"):
    _CODINGS["br"] = _Coding("br", brotli, lambda: brotli_module().error, magics=None)
if present(ZSTD_MODULE):
    _ZSTD_MAGICS = (b"\x28\xb5\x2f\xfd", *(bytes([low]) + b"\x2a\x4d\x18" for low in range(0x50, 0x60)))
    _CODINGS["zstd"] = _Coding("zstd", zstd, lambda: zstd_module().ZstdError, magics=_ZSTD_MAGICS)

ACCEPT_ENCODING = ", ".join(name for name in _CODINGS if name != "x-gzip")
"""The value of Accept-Encoding: exactly the codings that can be decoded here."""
