"""scrapepool reads targets, schedules them, fetches them, records the outcomes and renders what happens.

Five verbs, five packages: ``read``, ``schedule``, ``transport``, ``record``, ``render``. ``engine``
carries values between them, ``run`` builds engines from ``settings``, ``cli`` turns words into
settings. Of use to others are ``PooledSession``, ``Settings`` and ``fetch``::

    for outcome in fetch(["https://example.org/"], Settings()):
        ...
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
    from collections.abc import Iterable, Iterator

    from .model import Outcome, verdict
    from .settings import Settings
    from .transport.net.session import PooledSession, PoolStats

__all__ = ["Outcome", "PoolStats", "PooledSession", "Settings", "__version__", "fetch", "verdict"]

_HOMES = {
    "PooledSession": ".transport.net.session",
    "PoolStats": ".transport.net.session",
    "Outcome": ".model",
    "verdict": ".model",
    "Settings": ".settings",
}


def fetch(urls: "Iterable[str]", settings: "Settings | None" = None) -> "Iterator[Outcome]":
    """Fetch every URL and yield its outcome as it completes: what the command does, lazily.

    Nothing new is begun while the caller does not ask for more. Stopping the iteration early
    (``break``, ``close()``) cuts what is in flight. Raises UsageError for settings that cannot be meant.
    """
    from .run.assemble import outcomes  # noqa: PLC0415 - so that ``scrapepool --help`` does not pay for requests

    return outcomes(urls, settings)


def __getattr__(name: str) -> Any:
    """Import a public name at its first use, for the same reason."""
    from importlib import import_module  # noqa: PLC0415

    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
