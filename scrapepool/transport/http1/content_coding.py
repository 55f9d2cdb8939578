"""Content codings and how they are removed, in bounded steps (RFC 9110 section 8.4).

Decides which codings are understood, and what a whole stream is. No step yields more than STEP bytes, and no step is
made before the reader asks for it, so that a bomb costs its reader no more than the reader allows. Does not know how
much that is, and keeps nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from ...model import ErrorKind
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
"""Codings on top of each other: curl's figure; real servers use one, rarely two."""


class Decoder(Protocol):
    """Takes one or more content codings off a body."""

    @property
    def ended(self) -> bool:
        """Whether the coded stream has reached its own end."""

    @property
    def final(self) -> bool:
        """Whether the stream has ended and no further one may follow: then the body is known to be whole."""

    @property
    def notes(self) -> list[str]:
        """What was let pass, one human line each."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode ``data`` while it is iterated, which must go to its end before the next ``feed``.

        Pieces are at most STEP bytes; some are empty, where there was work and nothing came of it. Raises DecodeError
        (decode).
        """

    def finish(self) -> None:
        """Say that the body is over. Raises DecodeError (truncated) where the stream is not.

        No bytes at all are an empty body, as browsers have it.
        """


class _Coding(NamedTuple):
    """One content coding.

    name: for messages. start: opens a stream, given its first bytes. sniff: how many of them that takes.
    error: what its library raises. magics: how a further stream begins, which may follow the first;
    None where the library takes nothing behind the end, () where what stands there is passed over.
    """

    name: str
    start: Callable[[bytes], Stream]
    error: Callable[[], type[Exception]]
    magics: tuple[bytes, ...] | None = ()
    sniff: int = 1


class _Single:
    """Takes one coding off: a stream, further ones behind it, then perhaps padding or rubbish."""

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
            raise DecodeError(ErrorKind.TRUNCATED, f"the {self._coding.name} stream ends too soon")

    def _stream_of(self, data: bytes) -> Stream | None:
        """Find the stream that ``data`` belongs to; None where it takes more bytes to tell, or there is none."""
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
    """Passes on a body whose coding is not known, and says so."""

    ended = final = False

    def __init__(self, coding: str) -> None:
        self.notes = [f"Content-Encoding {coding!r} cannot be decoded; the body is as sent"]

    def feed(self, data: bytes) -> Iterator[bytes]:
        return cut(data)

    def finish(self) -> None:
        """Nothing can be said."""


class _Chain:
    """Takes several codings off, the last applied first."""

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
    """Make a decoder for a Content-Encoding, all its fields joined; None where there is nothing to decode.

    A coding that is not known is not an error: the decoder passes the body on and notes it.
    Raises DecodeError (decode) for more than MAX_CODINGS.
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
"""The Accept-Encoding header: what can be decoded here, and nothing else."""
