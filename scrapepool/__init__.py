"""Fetch many URLs: fast, polite, nothing lost and nothing wrong.

>>> from scrapepool import Settings, fetch
>>> for outcome in fetch(["https://example.org/"], Settings().with_(output={"body": True})):
...     print(outcome.target.url, outcome.status, outcome.text)

What is public is imported from here: ``dir(scrapepool)`` lists it, and ``docs/library.md`` is its reference.

All modules are internal, and may change with any version: ``read`` reads targets, ``schedule`` decides which is next,
``transport`` fetches, ``record`` writes the outcomes and ``render`` shows them. ``engine`` carries values between them,
``run`` builds engines from ``settings``, and ``cli`` turns words into settings.
"""

# No ``from __future__``, which would be looked for in the current folder too.
import os
import sys

if sys.argv[:1] == ["-m"] and not sys.flags.safe_path and any(word.endswith(__name__) for word in sys.orig_argv[1:]):
    # Python looks for modules in the current folder first, and --save-dir may put a server's json.py there.
    _folder = sys.path.pop(0)
    if __path__ == [f"{_folder}{os.sep}{__name__}"]:
        sys.path.append(_folder)  # this package is in it, and processes beside this one have to find it

from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Iterable

    import requests

    from .errors import (
        ExtractionError,
        InvalidURLError,
        ListError,
        LockedError,
        OutageError,
        OutputError,
        ProcessError,
        ScrapepoolError,
        SettingsError,
        UsageError,
    )
    from .host_share import HostShare
    from .model import (
        BodyWriter,
        Deferred,
        ErrorKind,
        Failed,
        Fetched,
        HostKey,
        Outcome,
        ProxyFault,
        Redirect,
        Skipped,
        Target,
        Timings,
        TLSFacts,
        Unchanged,
        error_of,
        verdict,
    )
    from .overrides import HostOverride, HostOverrides
    from .read.items import Request
    from .settings import (
        AlarmSettings,
        DisplaySettings,
        FileSettings,
        InputSettings,
        OutputSettings,
        PolitenessSettings,
        PoolSettings,
        RequestSettings,
        RetryPolicy,
        RunLimits,
        Settings,
        SinceSettings,
        SizeLimits,
        StartSettings,
        Timeouts,
        WarcSettings,
    )
    from .transport.net.session import PooledSession, PoolStats
    from .window import Window

_HOMES = {
    "errors": """ExtractionError InvalidURLError ListError LockedError OutageError OutputError ProcessError
        ScrapepoolError SettingsError UsageError""",
    "model": """BodyWriter Deferred ErrorKind Failed Fetched HostKey Outcome ProxyFault Redirect Skipped Target Timings
        TLSFacts Unchanged error_of verdict""",
    "host_share": "HostShare",
    "overrides": "HostOverride HostOverrides",
    "read.items": "Request",
    "settings": """AlarmSettings DisplaySettings FileSettings InputSettings OutputSettings PolitenessSettings
        PoolSettings RequestSettings RetryPolicy RunLimits Settings SinceSettings SizeLimits StartSettings Timeouts
        WarcSettings""",
    "transport.net.session": "PoolStats PooledSession",
    "window": "Window",
}
"""Modules, and the public names that are imported from each at their first use, so that the command starts quickly."""

__all__ = [
    "AlarmSettings",
    "BodyWriter",
    "Deferred",
    "DisplaySettings",
    "ErrorKind",
    "ExtractionError",
    "Failed",
    "Fetched",
    "FileSettings",
    "HostKey",
    "HostOverride",
    "HostOverrides",
    "HostShare",
    "InputSettings",
    "InvalidURLError",
    "ListError",
    "LockedError",
    "OutageError",
    "Outcome",
    "OutputError",
    "OutputSettings",
    "PolitenessSettings",
    "PoolSettings",
    "PoolStats",
    "PooledSession",
    "ProcessError",
    "ProxyFault",
    "Redirect",
    "Request",
    "RequestSettings",
    "RetryPolicy",
    "RunLimits",
    "ScrapepoolError",
    "Settings",
    "SettingsError",
    "SinceSettings",
    "SizeLimits",
    "Skipped",
    "StartSettings",
    "TLSFacts",
    "Target",
    "Timeouts",
    "Timings",
    "Unchanged",
    "UsageError",
    "WarcSettings",
    "Window",
    "__version__",
    "afetch",
    "error_of",
    "fetch",
    "verdict",
]


def fetch(
    urls: "Iterable[str | Request]",
    settings: "Settings | None" = None,
    *,
    session: "requests.Session | None" = None,
    on_outcome: "Callable[[Outcome], object] | None" = None,
) -> "Generator[Outcome]":
    """Fetch every URL and yield its outcome as it completes: what the command does, lazily.

    >>> settings = Settings().with_(pool={"per_host": 2}, output={"body": True})
    >>> for outcome in fetch(["https://example.org/a", "https://example.org/b"], settings):
    ...     match outcome:
    ...         case Fetched(status=200):
    ...             print(outcome.target.url, outcome.text)
    ...         case Failed() | Skipped():
    ...             print(outcome.target.url, outcome.error, outcome.detail)

    urls: URLs, and ``Request`` objects for a method, header fields, a body or a context of their own. They are read as
        they are needed, so there may be no end of them. A URL that is given twice is fetched once (``input.dedupe``).
    settings: all that a run goes by. ``help(scrapepool.Settings)`` and ``docs/library.md`` have the groups and fields,
        with types, units and defaults. None: ``Settings()``.
    session: a ``requests.Session`` or ``PooledSession``, such as one that has logged in. Its header fields, user and
        password, cookies, proxies, ``verify`` and ``cert`` count as they are at the call; settings go before them.
        Cookies that hosts set are in the session after the run. The run opens connections of its own. It never closes
        the session: that is up to you.
    on_outcome: called with each outcome before it is yielded, as for a progress bar or a log.

    Every URL ends as one of five outcomes; a URL that fails is no exception. Each has ``target``, ``attempts``,
    ``elapsed``, ``detail`` and so on, and ``context``, which is that of its ``Request``. ``verdict(outcome)`` is the
    word for it that records have, and ``error_of(outcome)`` their error.

    Fetched: a whole response came, with any ``status``. With ``output.body`` it has ``body``, ``text`` and ``json()``.
    Unchanged: the server said 304.
    Failed: no whole response came; ``error`` says why.
    Skipped: not requested: no URL, a duplicate, or refused by robots.txt; ``error`` says which.
    Deferred: the host asked for a longer wait than ``retry.max_park``; ``not_before`` is its end, in Unix time.

    Nothing new is begun while you do not ask for more. What was not begun when one of ``limits`` was reached has no
    outcome. Leaving the iteration early (``break``, ``close()``) cuts what
    is in flight.

    Raises UsageError for settings that cannot be meant, or that only the command carries out, before anything is
    fetched; ListError for a list of ``input.lists`` that cannot be read; OutputError for a file that cannot be written;
    OutageError where the network or the proxy was down for longer than ``retry.max_outage``.
    """
    from .run.library import outcomes  # noqa: PLC0415 - so that ``scrapepool --help`` does not pay for requests

    return outcomes(urls, settings, session, on_outcome)


def afetch(
    urls: "Iterable[str | Request]",
    settings: "Settings | None" = None,
    *,
    session: "requests.Session | None" = None,
    on_outcome: "Callable[[Outcome], object] | None" = None,
) -> "AsyncGenerator[Outcome]":
    """Fetch every URL and yield its outcome as it completes, for programs with asyncio: ``fetch`` as an async iterator.

    >>> async for outcome in afetch(["https://example.org/a", "https://example.org/b"]):
    ...     print(outcome.target.url, outcome.status)

    urls: as for ``fetch``. They are read on a thread of the run, so an iterator of yours must not use the event loop.
    settings: as for ``fetch``.
    session: as for ``fetch``.
    on_outcome: as for ``fetch``; called in the event loop.

    The run has threads of its own, so that the event loop goes on. Nothing new is begun while you do not ask for more.
    To leave the iteration early, use ``contextlib.aclosing``; that and a cancelled task end the run: what is in flight
    is cut, and no thread is left. Raises what ``fetch`` raises.
    """
    from .engine import Stop  # noqa: PLC0415 - as above
    from .run.async_outcomes import async_outcomes  # noqa: PLC0415
    from .run.library import batches_of  # noqa: PLC0415

    stop = Stop()
    return async_outcomes(batches_of(urls, settings, session, stop), stop, on_outcome)


if not TYPE_CHECKING:  # a type checker would take any name for one that there is

    def __getattr__(name: str) -> Any:
        """Import a public name at its first use."""
        from importlib import import_module  # noqa: PLC0415

        for home, names in _HOMES.items():
            if name in names.split():
                return getattr(import_module(f".{home}", __name__), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return what is public."""
    return __all__
