"""Downloads of lists that are given by URL. A list is fetched whole before it is read.

Decides how often a list is requested, how long it may take and how large it may be. Lists are fetched through the pools
of the run, like any URL, but one at a time, and not before the delay of the host has passed. robots.txt is not
consulted, because the user named the list, or the site named it in a sitemap. Does not know what a list contains, or
where its bytes are kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus

from ...errors import InvalidURLError, ListError
from ...model import Attempt, Failed, Fetched, HostKey, Outcome, Redirected, Result, Skipped, Target
from ...ports import Downloaded, Work
from ...running_clock import RUNNING_CLOCK
from ...schedule.lease import Lease
from ...settings import MIB, OutputSettings, Settings, SizeLimits
from ...text import without_password
from ...url import parse
from ..http1.body import Body
from ..http1.response import ResponseParser
from .context import LeaseContext
from .follow_redirects import FollowRedirects
from .loop import run_alone

MIN_TIMEOUT = 3600.0
"""Seconds that a list may take, even if ``--timeout`` is less: lists are longer than pages."""

LIMITS = SizeLimits(max_size=1024 * MIB)
"""Limits of one list, as received and as decoded. The size is that of twenty sitemaps of the maximum size."""

MAX_PAUSE = 60.0
"""Maximum number of seconds between two tries."""

STOP_POLL = 0.1
"""Seconds between two checks, during a pause, whether the run is stopping."""

STOPPED = "the run was stopped"

Keep = Callable[[bytes | memoryview], object]


class Downloader:
    """Implements ``ports.Download``. Used by one thread.

    context: the context of the run, which gives pools and routes, and says when the run ends.
    delay_of: returns the minimum number of seconds between two requests to a host.
    """

    def __init__(self, context: LeaseContext, settings: Settings, delay_of: Callable[[HostKey], float]) -> None:
        self._run_context = context
        self._policy = settings.retry
        self._delay_of = delay_of
        self._free_at: dict[HostKey, float] = {}
        timeouts = replace(settings.timeouts, total=max(settings.timeouts.total, MIN_TIMEOUT))
        request = replace(settings.request, method="GET", data=None)
        self._lists = _ListContext(context, replace(settings, request=request, timeouts=timeouts, size=LIMITS))

    def __call__(self, url: str, begin: Callable[[], Keep]) -> Downloaded:
        """Fetch a list, with as many retries as the policy allows. Raises ListError."""
        try:
            host, path, userinfo = parse(url)
        except InvalidURLError as error:
            raise ListError(url, error.reason) from None
        target = Target(without_password(url), host, path, None, userinfo)
        tries = 0
        while True:
            self._sleep(max(0.0, self._free_at.get(host, 0.0) - time.monotonic()), url)
            self._free_at[host] = time.monotonic() + self._delay_of(host)
            with RUNNING_CLOCK:
                result = self._lists.fetch(target, begin)
            tries += 1
            if result is None or self._run_context.state.draining:
                raise ListError(url, STOPPED)
            assert not isinstance(result, Redirected)  # noqa: S101 - the chain of leases follows them
            if isinstance(result, Fetched) and (result.status or 0) < 300:
                found_at = result.final_url if result.redirects else None
                return Downloaded(found_at or url, result.content_type)
            pause = None if result.retry is None else result.retry.after
            if pause is None:
                pause = min(MAX_PAUSE, self._policy.backoff * 2.0 ** (tries - 1))
            if result.retry is None or tries > self._policy.retries or pause > self._policy.max_park:
                raise ListError(url, _reason(result))
            self._sleep(pause, url)

    def _sleep(self, seconds: float, url: str) -> None:
        """Sleep. Raises ListError if the run stops meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._run_context.state.draining:
                raise ListError(url, STOPPED)
            time.sleep(min(STOP_POLL, left))


class _ListContext(LeaseContext):
    """The context of leases on lists. It fetches one list at a time, and passes its body on piece by piece."""

    def __init__(self, run: LeaseContext, settings: Settings) -> None:
        super().__init__(run.session, replace(settings, output=OutputSettings(fields=("url",))), of=run)
        self.capture = None
        self._begin: Callable[[], Keep] | None = None

    def fetch(self, target: Target, begin: Callable[[], Keep]) -> Result | None:
        """Fetch a list and follow its redirects; return None if the run stops. begin: called when the body begins."""
        self._begin = begin
        attempt = Attempt(target)
        done = run_alone(self, Work(Lease(target.host, attempt=attempt), [attempt]), FollowRedirects(self, attempt))
        return done.results[0] if done.results else None

    def new_body(self, parser: ResponseParser) -> Body:
        """Make the body of a response; a successful response is the list."""
        if not 200 <= parser.status < 300 or self._begin is None:
            return super().new_body(parser)
        return _KeptBody(self._size, parser.get(b"content-encoding"), self._begin())


class _KeptBody(Body):
    """A body that passes its pieces on as they arrive."""

    __slots__ = ("_give",)

    def __init__(self, limits: SizeLimits, content_encoding: bytes | None, give: Keep) -> None:
        super().__init__(limits, content_encoding, keep=False, digest=False)
        self._give = give

    def _add(self, part: bytes | memoryview) -> None:
        super()._add(part)
        self._give(part)


def _reason(result: Outcome) -> str:
    if isinstance(result, Failed | Skipped):
        return f"{result.error}: {result.detail}" if result.detail else str(result.error)
    status = result.status or 0
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"status {status}"
