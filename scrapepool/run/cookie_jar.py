"""The cookies of a run: reads them from a file and writes them back.

A file with an invalid line is still used. A cookie file is replaced atomically and is readable by its owner only. The
format is that of ``transport.exchange.cookie_file``. No message repeats a line, since it may contain a secret.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from ..errors import OutputError, UsageError
from ..record.safe_io.atomic_replace import replaced
from ..settings import RequestSettings
from ..transport.exchange.cookies import CookieStore

LINES_NAMED = 5
"""Maximum number of invalid lines that a message names."""


def cookies_for(settings: RequestSettings, on_note: Callable[[str], None] = lambda _: None) -> CookieStore | None:
    """Return the cookies that all requests share; None if each URL has its own. Raises UsageError for a bad file."""
    if settings.cookies is None:
        return None if settings.save_cookies is None else CookieStore()
    from ..transport.exchange.cookie_file import read_cookies  # noqa: PLC0415 - rarely needed

    path = settings.cookies
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a Path of its own would say no more
            data = file.read()
    except OSError as error:
        if isinstance(error, FileNotFoundError) and path == settings.save_cookies:
            return CookieStore()
        raise UsageError(f"{path}: {error.strerror}") from error
    cookies, bad = read_cookies(data)
    if bad and not cookies:
        raise UsageError(f"{path}: not a Netscape cookie file: it has no cookie, and {_named(bad)} cannot be read")
    if bad:
        on_note(f"{path}: {_named(bad)} cannot be read as a cookie, and is left out")
    return CookieStore(cookies, time.time())


def _named(numbers: Sequence[int]) -> str:
    more = f" and {len(numbers) - LINES_NAMED} more" if len(numbers) > LINES_NAMED else ""
    return f"line{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers[:LINES_NAMED]))}{more}"


@contextmanager
def saved_cookies(store: CookieStore | None, settings: RequestSettings) -> Iterator[None]:
    """Write the cookies to the file of ``--save-cookies`` at the end of the block, also after an error.

    Raises OutputError if the file cannot be written; at the beginning of the block if that is known then.
    """
    path = settings.save_cookies
    if store is None or path is None:
        yield
        return
    _check(path)
    try:
        yield
    except BaseException:
        with suppress(OutputError):
            _save(store, path)
        raise
    _save(store, path)


def _check(path: str) -> None:
    """Check that the file can be created. Raises OutputError."""
    folder = os.path.dirname(os.path.realpath(path))  # noqa: PTH120
    if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113
        raise OutputError(path, "it is no regular file")
    if not os.path.isdir(folder):  # noqa: PTH112
        raise OutputError(path, "its folder does not exist")
    if not os.access(folder, os.W_OK):
        raise OutputError(path, "its folder cannot be written to")


def _save(store: CookieStore, path: str) -> None:
    """Replace the file atomically. Raises OutputError."""
    from ..transport.exchange.cookie_file import spell_cookies  # noqa: PLC0415 - rarely needed

    with replaced(path, 0o600) as file:
        file.write(spell_cookies(store.cookies(time.time())))
