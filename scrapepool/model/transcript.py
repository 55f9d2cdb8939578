"""One request and its response as they went over the wire, for an archive."""

from __future__ import annotations

from typing import BinaryIO, Literal

from ..named_tuple import NamedTuple


class Span(NamedTuple):
    """Part of an open file: ``size`` bytes from ``begin`` on."""

    file: BinaryIO
    begin: int
    size: int


TruncationReason = Literal["length", "time", "disconnect", "unspecified"]
"""Why a message was not received to its end: the reasons of WARC/1.1 section 5.13."""


class Transcript(NamedTuple):
    """One request and its response, byte for byte; made once the header block of the response has come.

    url: of the request; ASCII, without user and fragment.
    seed: the URL of the target.
    via: the URL that redirected here; None for the first request of an attempt.
    hops: redirects so far.
    attempt: number of the target's attempt.
    started: Unix time.
    elapsed: seconds.
    remote: the address that sent the response; None behind a proxy.
    request: as sent; whole unless ``unsent``.
    response: from the final status line to the end of the message, with chunks and codings; a long one is in a file.
    head: length of the response's header block, in bytes.
    cut: why the response is not whole; None if it is.
    interim: number of the responses before the final one, which are left out.
    not_modified: whether it is a 304 to a request that named validators of an earlier response.
    """

    url: str
    seed: str
    via: str | None
    hops: int
    attempt: int
    started: float
    elapsed: float
    remote: str | None
    request: bytes
    unsent: bool
    response: bytes | Span
    head: int
    cut: TruncationReason | None
    interim: int
    not_modified: bool = False
