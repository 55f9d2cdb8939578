"""How a list that is given by URL is requested: with GET, larger and longer than pages may be, and without a record.

Decides how large a list may be and how long it may take. Its body is passed on piece by piece. robots.txt is not
consulted, because the user named the list, or the site named it in a sitemap. Does not know what a list contains, where
its bytes are kept, or when it is requested again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ...errors import ListError
from ...model import ErrorKind, ListTarget
from ...ports import Done, Work
from ...settings import MIB, OutputSettings, Settings, SizeLimits
from ..errors import FetchError
from ..exchange.file_body import IN_MEMORY
from ..http1.body import Body
from ..http1.response import ResponseParser
from ..net.steps import Resume
from .context import LeaseContext
from .lease import RunningLease

MIN_TIMEOUT = 3600.0
"""Seconds that a list may take, even if ``--timeout`` is less: lists are longer than pages."""

LIMITS = SizeLimits(max_size=1024 * MIB)
"""Limits of one list, as received and as decoded. The size is that of twenty sitemaps of the maximum size."""


class ListFetcher:
    """Makes the leases that fetch lists, over the connections of the run."""

    def __init__(self, context: LeaseContext, settings: Settings) -> None:
        self._context = context
        self._settings = replace(
            settings,
            request=replace(settings.request, method="GET", data=None),
            timeouts=replace(settings.timeouts, total=max(settings.timeouts.total, MIN_TIMEOUT)),
            size=LIMITS,
            output=OutputSettings(fields=("url",)),
        )

    def chain(self, work: Work) -> ListLease:
        """Return the lease for work on a list."""
        return ListLease(self._context, self._settings, work)


class ListLease(LeaseContext):
    """The lease on one list, and its context. Implements ``task.Chain``."""

    def __init__(self, run: LeaseContext, settings: Settings, work: Work) -> None:
        super().__init__(run.session, settings, of=run)
        self.capture = None
        self._work = work

    def first(self, resume: Resume) -> RunningLease:
        """Return the lease. A redirect to another host is a lease of its own."""
        return RunningLease(self, self._work, resume)

    def next(self, done: Done) -> Done:
        """Return how it ended."""
        return done

    def new_body(self, parser: ResponseParser) -> Body:
        """Make the body of a response; a successful response is the list."""
        target = self._work.attempts[0].target
        if not 200 <= parser.status < 300 or not isinstance(target, ListTarget):
            return super().new_body(parser)
        return _ListBody(self._size, parser.values.get(b"content-encoding"), target.begin())


class _ListBody(Body):
    """A body that passes its pieces on as they arrive."""

    __slots__ = ("_give",)

    def __init__(
        self, limits: SizeLimits, content_encoding: bytes | None, give: Callable[[bytes | memoryview], object]
    ) -> None:
        super().__init__(limits, content_encoding, keep=False, digest=False)
        self._give = give

    def may_block(self, size: int) -> bool:
        """Return whether the next ``size`` bytes may have to be written to a file, or take long to decode."""
        return self.coded or self.size + size > IN_MEMORY

    def _add(self, part: bytes | memoryview) -> None:
        super()._add(part)
        try:
            self._give(part)
        except ListError as error:
            raise FetchError(ErrorKind.DISK, error.reason) from None
