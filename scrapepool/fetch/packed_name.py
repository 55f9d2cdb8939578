"""Whether a body is what its name promises, where a server sends a compressed file as one that it has compressed.

Decides by the suffix of a URL's path, the Content-Encoding and the first bytes without it. Many servers send
``pages.tar.gz`` with ``Content-Encoding: gzip``; what is left once that is taken off is ``pages.tar``.
"""

from __future__ import annotations

from collections.abc import Sequence

_SUFFIXES = {
    "gzip": ((".gz", ".tgz", ".taz", ".svgz", ".gzip"), b"\x1f\x8b"),
    "x-gzip": ((".gz", ".tgz", ".taz", ".svgz", ".gzip"), b"\x1f\x8b"),
    "zstd": ((".zst", ".tzst"), b"\x28\xb5\x2f\xfd"),
    "br": ((".br",), None),
}
"""By the coding: suffixes of files that are compressed so, and how these begin; None where nothing tells them."""


def unpacked_note(urls: Sequence[str], content_encoding: bytes, head: bytes) -> str | None:
    """Say that a body is no longer compressed as its name says; None where it is, or where no name says so.

    urls: that name the body. head: the first bytes of the decoded body.
    """
    coding = content_encoding.decode("latin-1").strip().lower()
    suffixes, begin = _SUFFIXES.get(coding, ((), None))
    if not suffixes or not head or (begin is not None and head.startswith(begin)):
        return None
    for url in urls:
        name = url.partition("#")[0].partition("?")[0].lower()
        if name.endswith(suffixes):
            suffix = next(suffix for suffix in suffixes if name.endswith(suffix))
            return f"the name ends in {suffix}, but without its Content-Encoding {coding} the body is not compressed"
    return None
