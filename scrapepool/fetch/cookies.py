"""Cookies: those that all targets share, read from a file and never written back, and those that replies set.

Decides which files are understood: the Netscape format that browsers' exporters, curl and wget use. Which cookies go
where is ``http.cookiejar``'s to say.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from http.cookiejar import LoadError, MozillaCookieJar
from typing import Any

from requests import PreparedRequest
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar

from ..errors import UsageError


def load_jar(path: str | None) -> RequestsCookieJar | None:
    """The cookies of a Netscape cookie file; None for no file. Raises UsageError where it cannot be read."""
    if path is None:
        return None
    file = MozillaCookieJar(path)
    try:
        with warnings.catch_warnings():  # http.cookiejar warns of a bug of its own for a line that is none
            warnings.simplefilter("ignore")
            file.load(ignore_discard=True, ignore_expires=True)
    except (LoadError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not a Netscape cookie file ({error})") from error
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    for cookie in file:
        if cookie.expires == 0:  # for http.cookiejar the year 1970; whoever writes such files means the session
            cookie.expires, cookie.discard = None, True
    file.clear_expired_cookies()
    jar = RequestsCookieJar()
    jar.update(file)
    return jar


def remember(
    jar: RequestsCookieJar | None, asked: PreparedRequest, url: str, fields: Sequence[tuple[bytes, bytes]]
) -> RequestsCookieJar:
    """Take a reply's cookies into ``jar``, or into a new one for None, as far as their domains allow.

    asked: any request to the host. url: that was asked for. fields: the reply's header.
    """
    jar = RequestsCookieJar() if jar is None else jar
    request = asked.copy()
    request.url = url
    extract_cookies_to_jar(jar, request, _Reply(fields))  # type: ignore[no-untyped-call]
    return jar


class _Reply:
    """A reply as ``requests.cookies`` wants to see it."""

    def __init__(self, fields: Sequence[tuple[bytes, bytes]]) -> None:
        self._original_response = self
        self.msg = self
        self._fields = fields

    def get_all(self, name: str, default: Any = None) -> Any:
        wanted = name.lower().encode("latin-1")
        return [value.decode("latin-1") for field, value in self._fields if field.lower() == wanted] or default
