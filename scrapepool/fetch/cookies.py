"""Cookies that all targets share: read from a file, never written back.

Decides which files are understood: the Netscape format that browsers' exporters, curl and wget use.
"""

from __future__ import annotations

from http.cookiejar import LoadError, MozillaCookieJar

from requests.cookies import RequestsCookieJar

from ..errors import UsageError


def load_jar(path: str | None) -> RequestsCookieJar | None:
    """The cookies of a Netscape cookie file; None for no file. Raises UsageError where it cannot be read."""
    if path is None:
        return None
    file = MozillaCookieJar(path)
    try:
        file.load(ignore_discard=True, ignore_expires=False)
    except (LoadError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not a Netscape cookie file ({error})") from error
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    jar = RequestsCookieJar()
    jar.update(file)
    return jar
