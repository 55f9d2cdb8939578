"""Makes text from outside safe to show to a person, on a terminal or in a one-line field.

Decides which characters are escaped, how much of a quoted text is shown, and which part of a URL is secret. Does not
know records, terminals or markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .lazy_pattern import lazy_pattern

_UNSAFE = lazy_pattern(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1: a terminal may obey them
    "\u2028\u2029"  # line and paragraph separators: a line must stay one line
    "\u202a-\u202e\u2066-\u2069"  # bidi embeddings, overrides and isolates: text must read as it is (CVE-2021-42574)
    "\ud800-\udfff"  # lone surrogates: no encoding can write them
    "]"
)

HIDDEN = "***"
"""What is shown in place of a password."""

_PORT = r"[0-9]{0,5}(?:[/\\?#\s]|\Z)"
_CREDENTIALS = lazy_pattern(r"([^/?#@]*:/{2,})([^/?#]*)@")
_IN_TEXT = lazy_pattern(
    r"(\b[a-z][a-z0-9+.-]{0,15}:[/\\]+)"
    r"(?:([^/\\?#\s\"'<>,]*)"  # what RFC 3986 takes for user and password
    rf"|([^\s:@/\\?#]*:(?!{_PORT})[^\s\"'<>]*))@",  # a password with "/", "?" or "#" in it
    re.IGNORECASE,
)
_WITHOUT_SCHEME = lazy_pattern(
    r"(\s*+(?>(?:/{2,})?))(?!(?:mailto|sips?|xmpp|acct|im|news|nntp|cid|mid|tel|data|javascript):)"
    rf"([\w.+%~-]+:(?!{_PORT})[^\s@]*)@",
    re.IGNORECASE,
)

_LONE = lazy_pattern(
    r"(?P<stays>\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"  # a backslash; a whole pair
    r"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
"""The escape of a lone surrogate in JSON in ASCII; not a lone one if the first group has matched."""

BRIEF = 60
"""Most characters of a text that a message quotes."""

MAX_COMPARED = 100
"""Characters of an unknown name that are compared with the known ones."""


def printable(text: str) -> str:
    r"""Escape, visibly, every character that could act on a terminal, end a line or reorder it: ``\x1b``, ``\u202e``.

    Idempotent, and clean text is returned as it is. Rich markup is left alone: text is never parsed as markup.
    """
    # str.isprintable() rejects a few harmless characters more (no-break space, soft hyphen): these take the slow way.
    return text if text.isprintable() else _UNSAFE.sub(_escape, text)


def strict_json(text: str) -> str:
    r"""Make JSON in ASCII that every reader accepts and no terminal obeys: lone surrogates are U+FFFD, DEL is escaped.

    RFC 8259 section 8.2 allows lone surrogates and leaves their meaning open: jq, DuckDB and pyarrow refuse them.
    U+FFFD is also what a request for such a URL contains (WHATWG URL, "scalar value string").
    """
    if "\x7f" in text:
        text = text.replace("\x7f", r"\u007f")
    if "\\" not in text or r"\ud" not in text:  # few texts have a backslash, and one character is found quickly
        return text
    return _LONE.sub(lambda found: found["stays"] or r"\ufffd", text)


def brief(text: str, limit: int = BRIEF) -> str:
    """Quote the beginning of a text: ``printable``, at most ``limit`` characters, with an ellipsis if it is cut."""
    shown = printable(text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like an unknown one, for a message that suggests it; None if none is."""
    from difflib import get_close_matches  # noqa: PLC0415 - for mistakes

    return next(iter(get_close_matches(name[:MAX_COMPARED], list(known), n=1)), None)


def hidden_userinfo(userinfo: str) -> str:
    """Hide the password of a URL's ``user:password``; a user name alone is hidden too, as it is usually an API key.

    Idempotent.
    """
    user, _, password = userinfo.partition(":")
    if password:
        return f"{user}:{HIDDEN}"
    return HIDDEN if user else userinfo


def without_password(url: str) -> str:
    """Hide the password in a URL, or the user name if there is no password. Idempotent."""
    if "@" not in url or (found := _CREDENTIALS.match(url)) is None:
        return url
    return f"{found[1]}{hidden_userinfo(found[2])}@{url[found.end() :]}"


def without_userinfo(url: str) -> str:
    """Remove user and password from a URL."""
    if "@" not in url or (found := _CREDENTIALS.match(url)) is None:
        return url
    return f"{found[1]}{url[found.end() :]}"


def without_passwords(text: str) -> str:
    """Hide the passwords of all URLs in a text, also of URLs that are not valid."""
    if "@" not in text:
        return text
    hidden = _IN_TEXT.sub(_hidden, without_password(text))
    found = _WITHOUT_SCHEME.match(hidden)
    if found is None or ("://" in found[2] and found[2].endswith(f":{HIDDEN}")):  # the "@" is that of a URL behind it
        return hidden
    return f"{_hidden(found)}{hidden[found.end() :]}"


def _hidden(found: re.Match[str]) -> str:
    before, *userinfo = found.groups()
    return f"{before}{hidden_userinfo(next(filter(None, userinfo), ''))}@"


def _escape(match: re.Match[str]) -> str:
    return ascii(match.group())[1:-1]
