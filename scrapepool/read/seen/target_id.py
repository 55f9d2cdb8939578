"""The number by which tables of seen targets know a target.

Decides when two entries are the same target: when scheme, user and password, host, port, path and query are equal once
parsed, and the row asks for the same method and body. Knows no files.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote

from ...errors import InvalidURLError
from ...model import Apart
from ...text import hidden_userinfo
from ...url import HOST_KEYS_KEPT, SENDABLE, ParsedURL, parse

_AS_REQUESTED = re.compile(rf"(https?://[a-z0-9_.:-]++)/[{SENDABLE}]*+").fullmatch
"""Matches a URL without user, password and fragment whose path is requested as it is spelled."""


def target_id(parsed: ParsedURL, apart: Apart | None = None) -> int:
    """Return the id of a target, which differs from process to process. apart: see ``model.Apart``."""
    host, path, userinfo = parsed
    name = f"{host.origin}{path}"
    if userinfo is not None:
        user, _, password = userinfo.partition(":")
        name = f"{name} {unquote(user, 'latin-1')}\n{unquote(password, 'latin-1')}"
    if apart is not None:
        if apart.method:
            name = f"{name} {apart.method} {apart.data}"
        if apart.occurrence > 1:
            name = f"{name} {apart.occurrence}"
    return hash(name.encode())


def as_recorded(parsed: ParsedURL) -> ParsedURL:
    """Return a URL as records show it, with its password hidden."""
    return parsed if parsed.userinfo is None else parsed._replace(userinfo=hidden_userinfo(parsed.userinfo))


def recorded_target_id(url: str, apart: Apart | None = None) -> int:
    """Return the id of the target that a record is about. Raises InvalidURLError."""
    if apart is None and (found := _AS_REQUESTED(url)) is not None and is_origin(found[1]):
        return hash(url.encode())  # as below, in a fifth of the time
    return target_id(as_recorded(parse(url)), apart)


@lru_cache(maxsize=HOST_KEYS_KEPT)
def is_origin(text: str) -> bool:
    """Whether an origin is spelled as ``HostKey.origin`` spells it."""
    try:
        return parse(text).host.origin == text
    except InvalidURLError:
        return False
