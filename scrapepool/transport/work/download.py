"""Lists that have a URL of their own, fetched whole before they are read.

Decides how often a list is requested, how long it may take and how large it may be. It is fetched as any URL is, over
the pools of the run, one at a time and not before its host's delay has passed. robots.txt is not consulted for it: the
user named the list, or the site did in a sitemap. Does not know what a list says, nor where its bytes are kept.
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

PATIENCE = 3600.0
"""Seconds that a list may take as a whole, if ``--timeout`` is less: it is longer than a page."""

LIMITS = SizeLimits(max_size=1024 * MIB)
"""Of one list, received and decoded. Twenty sitemaps of the largest size that there may be are as long."""

LONGEST_PAUSE = 60.0
"""Seconds between two tries, at most."""

STOP_POLL = 0.1
"""Seconds between two checks, during a pause, whether the run is stopping."""

STOPPED = "the run was stopped"

Keep = Callable[[bytes | memoryview], object]


class Downloader:
    """Keeps ``ports.Download``. Used by one thread.

    context: the run's, whose pools, routes and end it shares. delay_of: seconds between two starts on a host.
    """

    def __init__(self, context: LeaseContext, settings: Settings, delay_of: Callable[[HostKey], float]) -> None:
        self._run = context
        self._policy = settings.retry
        self._delay_of = delay_of
        self._free_at: dict[HostKey, float] = {}
        timeouts = replace(settings.timeouts, total=max(settings.timeouts.total, PATIENCE))
        request = replace(settings.request, method="GET", data=None)
        self._lists = _ListContext(context, replace(settings, request=request, timeouts=timeouts, size=LIMITS))

    def __call__(self, url: str, begin: Callable[[], Keep]) -> Downloaded:
        """Fetch a list, as often as the policy allows. Raises ListError."""
        try:
            host, path, userinfo = parse(url)
        except InvalidURLError as error:
            raise ListError(url, error.reason) from None
        target = Target(without_password(url), host, path, None, userinfo)
        made = 0
        while True:
            self._await(max(0.0, self._free_at.get(host, 0.0) - time.monotonic()), url)
            self._free_at[host] = time.monotonic() + self._delay_of(host)
            with RUNNING_CLOCK:
                result = self._lists.fetch(target, begin)
            made += 1
            if result is None or self._run.state.draining:
                raise ListError(url, STOPPED)
            assert not isinstance(result, Redirected)  # noqa: S101 - hops go on until there is none
            if isinstance(result, Fetched) and (result.status or 0) < 300:
                found_at = result.final_url if result.redirects else None
                return Downloaded(found_at or url, result.content_type)
            pause = None if result.retry is None else result.retry.after
            if pause is None:
                pause = min(LONGEST_PAUSE, self._policy.backoff * 2.0 ** (made - 1))
            if result.retry is None or made > self._policy.retries or pause > self._policy.max_park:
                raise ListError(url, _reason(result))
            self._await(pause, url)

    def _await(self, seconds: float, url: str) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._run.state.draining:
                raise ListError(url, STOPPED)
            time.sleep(min(STOP_POLL, left))


class _ListContext(LeaseContext):
    """Fetches one list at a time, its body piece by piece to who keeps it."""

    def __init__(self, run: LeaseContext, settings: Settings) -> None:
        super().__init__(run.session, replace(settings, output=OutputSettings(fields=("url",))), of=run)
        self.capture = None
        self._begin: Callable[[], Keep] | None = None

    def fetch(self, target: Target, begin: Callable[[], Keep]) -> Result | None:
        """Fetch a list, through redirects to other hosts too; None where the run stops. begin: as its body begins."""
        self._begin = begin
        attempt = Attempt(target)
        done = run_alone(self, Work(Lease(target.host, attempt=attempt), [attempt]), FollowRedirects(self, attempt))
        return done.results[0] if done.results else None

    def new_body(self, parser: ResponseParser) -> Body:
        """What takes the body of a response, which is the list where it has been found."""
        if not 200 <= parser.status < 300 or self._begin is None:
            return super().new_body(parser)
        return _KeptBody(self._size, parser.get(b"content-encoding"), self._begin())


class _KeptBody(Body):
    """A body whose pieces are given away as they come."""

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
