"""Files that a command line reads beside its lists: configuration, header fields, a body, cookies, certificates.

Decides which these are, so that no output is written over one. Opens none of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import click

from ...settings import Settings

_READ = "scrapepool.read"

BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
"""Variables of the environment that name certificates, for requests or OpenSSL."""

NETRC_FILES = ("~/.netrc", "~/_netrc")

Input = tuple[str, str]
"""What names the file, as an option, and its path."""


def note_read(ctx: click.Context, option: str, path: str) -> None:
    """Take note of a file that an option read while the command line was parsed."""
    ctx.meta.setdefault(_READ, []).append((option, path))


def files_read(ctx: click.Context, values: Mapping[str, Any], settings: Settings) -> list[Input]:
    """Name every file that is read beside the lists. values: Click's."""
    return [*ctx.meta.get(_READ, ()), *_named(values, settings)]


def _named(values: Mapping[str, Any], settings: Settings) -> Iterator[Input]:
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
    if request.cookies is not None and request.cookies != request.save_cookies:  # which is read first, and replaced
        yield "--cookies", request.cookies
    if request.netrc:
        named = os.environ.get("NETRC")
        for path in NETRC_FILES if named is None else (named,):
            yield "--netrc", os.path.expanduser(path)  # noqa: PTH111 - Path.expanduser raises where there is no home
    for name in BUNDLES:
        if path := os.environ.get(name):
            yield name, path


def _earlier(settings: Settings) -> Iterator[Input]:
    """What earlier runs left, but for what this one reads before it goes on with it."""
    for path in settings.since.records:
        if path not in ("-", settings.output.sqlite):
            yield "--since", path
    for path in settings.warc.dedup:
        if path != settings.warc.path or settings.output.resume is None:
            yield "--warc-dedup", path
