"""Files that a command reads besides its lists: configuration, header fields, a body, cookies, certificates.

Decides which files these are, so that no output overwrites one. Opens none of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import click

from ...settings import Settings

_READ = "scrapepool.read"

BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
"""Environment variables that name certificates for requests or OpenSSL."""

NETRC_FILES = ("~/.netrc", "~/_netrc")

FileRead = tuple[str, str]
"""The option or variable that names a file, and the file's path."""


def note_read(ctx: click.Context, option: str, path: str) -> None:
    """Record a file that an option read while the command line was parsed."""
    ctx.meta.setdefault(_READ, []).append((option, path))


def files_read(ctx: click.Context, values: Mapping[str, Any], settings: Settings) -> list[FileRead]:
    """List every file that is read besides the lists. values: by the names of Click's parameters."""
    return [*ctx.meta.get(_READ, ()), *_named(values, settings)]


def _named(values: Mapping[str, Any], settings: Settings) -> Iterator[FileRead]:
    request = settings.request
    config, data = values.get("config"), values.get("data")
    if config is not None and config.path is not None:
        yield "--config", config.path
    if isinstance(data, str) and data.startswith("@"):
        yield "--data", data[1:]
    for option, path in (("--cacert", request.cacert), ("--cert", request.cert), ("--key", request.key)):
        if path is not None:
            yield option, path
    yield from _earlier(settings)
    if request.cookies is not None and request.cookies != request.save_cookies:  # else read, then replaced
        yield "--cookies", request.cookies
    if request.netrc:
        named = os.environ.get("NETRC")
        for path in NETRC_FILES if named is None else (named,):
            yield "--netrc", os.path.expanduser(path)  # noqa: PTH111 - Path.expanduser raises where there is no home
    for name in BUNDLES:
        if path := os.environ.get(name):
            yield name, path


def _earlier(settings: Settings) -> Iterator[FileRead]:
    """Name files of earlier runs, except those that this run reads before it appends to them."""
    for path in settings.since.records:
        if path not in ("-", settings.output.sqlite):
            yield "--since", path
    for path in settings.warc.dedup:
        if path != settings.warc.path or settings.output.resume is None:
            yield "--warc-dedup", path
