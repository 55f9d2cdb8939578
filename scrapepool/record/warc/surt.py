"""The key of a URL in an index of web archives: SURT, as pywb and OpenWayback look it up.

Decides which URLs count as one page: without ``www.``, session ids, capitals and the order of the query. The rules are
those of the Internet Archive's canonicalizer, for http and https URLs as they are requested.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote_from_bytes, unquote_to_bytes

from ...lazy_pattern import lazy_pattern

SURTS_KEPT = 1024
"""Hosts whose keys are kept: a run returns to each of them."""

_PARTS = lazy_pattern(r"(https?)://([^/?#]*)([^?#]*)(?:\?([^#]*))?", re.IGNORECASE)
_HOST = lazy_pattern(r"(?:\[(.*)\]|(.*?))(:\d+)?")
_WWW = lazy_pattern(r"^www\d*\.")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_SAFE = "!\"$&'()*+,-./:;<=>?@[\\]^_`{|}~"
_ESCAPED = lazy_pattern(r"[%#\s\x7f-\U0010ffff]")
_PATH_SESSIONS = (
    re.compile(r"^(.*/)(\((?:[a-z]\([0-9a-z]{24}\))+\)/)([^?]+\.aspx.*)$", re.IGNORECASE),
    re.compile(r"^(.*/)(\([0-9a-z]{24}\)/)([^?]+\.aspx.*)$", re.IGNORECASE),
)
_QUERY_SESSIONS = tuple(
    re.compile(rf"^(.*)(?:{name})(?:&(.*))?$", re.IGNORECASE)
    for name in (
        "jsessionid=[0-9a-zA-Z]{32}",
        "phpsessid=[0-9a-zA-Z]{32}",
        "sid=[0-9a-zA-Z]{32}",
        "ASPSESSIONID[a-zA-Z]{8}=[a-zA-Z]{24}",
        "cfid=[^&]+&cftoken=[^&]+",
    )
)


def surt(url: str) -> str:
    """Make the key of an http or https URL; any other text is its own key."""
    parts = _PARTS.match(url)
    if parts is None:
        return url
    scheme, host, path, query = parts.groups()
    key = _host_key(scheme.lower(), host) + _path_key(path)
    query = _query_key(query or "")
    return f"{key}?{query}" if query else key


@lru_cache(SURTS_KEPT)
def _host_key(scheme: str, authority: str) -> str:
    host = authority.rpartition("@")[2].lower().removesuffix(_DEFAULT_PORTS[scheme])
    match = _HOST.fullmatch(host)
    name, port = (match[1] or match[2], match[3] or "") if match is not None else (host, "")
    return ",".join(reversed(_WWW.sub("", name.rstrip("."), count=1).split("."))) + f"{port})"


def _path_key(path: str) -> str:
    path = _escaped_once(path)
    if "//" in path or "/." in path:
        path = _without_dots(path)
    path = path.lower()
    if ".aspx" in path:
        for session in _PATH_SESSIONS:
            if match := session.match(path):
                path = match[1] + match[3]
    return path.removesuffix("/") if len(path) > 1 else "/"


def _without_dots(path: str) -> str:
    kept: list[str] = []
    for part in path.split("/")[1:]:
        if part == "..":
            kept = kept[:-1] if kept else [part]
        elif part != ".":
            kept.append(part)
    if not kept:
        return "/"
    return "/" + "".join(f"{part}/" for part in kept[:-1] if part) + kept[-1]


def _query_key(query: str) -> str:
    query = _escaped_once(query)
    if "id" in query.lower():
        for session in _QUERY_SESSIONS:
            if match := session.match(query):
                query = match[1] + (match[2] or "")
    query = query.lower()
    return "&".join("=".join(pair) for pair in sorted(tuple(part.split("=", 1)) for part in query.split("&")))


def _escaped_once(text: str) -> str:
    """Return a path or query with its characters percent-encoded once, however often they were before."""
    if not _ESCAPED.search(text):
        return text
    data = text.encode()
    while (plain := unquote_to_bytes(data)) != data:
        data = plain
    return quote_from_bytes(data, safe=_SAFE)
