"""How a robots.txt is requested, and what the response means for its URLs (RFC 9309 section 2.3).

Decides which responses are rules, which mean that there are none, and which that nothing may be requested now. It is
fetched as any URL is, through the pools of the run. Does not know who waits for the verdict, when a host is requested
again, nor what becomes of the URLs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ...model import Attempt, ErrorKind, Failed, HostKey, Redirected, Result, Skipped, Target, Transcript
from ...ports import Done, Work
from ...running_clock import monotonic
from ...schedule.robots import RobotsVerdict
from ...settings import OutputSettings, Settings, SizeLimits
from ..classify import classify
from ..work.context import LeaseContext
from ..work.follow_redirects import FollowRedirects
from ..work.lease import RunningLease
from .rules import MOST_READ, ROBOTS_TXT, product_token, rules_of

REDIRECTS: Final = 5
"""Redirects that are followed, to other hosts too: what RFC 9309 section 2.3.1.2 asks for at least."""

LEADS_NOWHERE = frozenset(
    {
        ErrorKind.TOO_MANY_REDIRECTS,
        ErrorKind.INVALID_URL,
        ErrorKind.UNSUPPORTED_SCHEME,
        ErrorKind.FORBIDDEN_ADDRESS,
    }
)
"""Failures that tell of no robots.txt, not of a host in trouble: a URL that has the same one is told so itself."""

_LIMITS = SizeLimits(max_size=MOST_READ + 1, cut=True)  # one more than is read, which tells that there is more
_NO_RULES = RobotsVerdict()


class RobotsFetcher:
    """What works leases on a robots.txt, over the pools of ``fetcher``.

    The ``Done`` of such a lease has no results but a verdict; neither where the run is stopping.
    """

    def __init__(self, context: LeaseContext, settings: Settings) -> None:
        plain = replace(
            settings,
            request=replace(settings.request, method="GET", data=None, max_redirects=REDIRECTS),
            size=_LIMITS,
            output=OutputSettings(body=True),
        )
        self._context = LeaseContext(context.session, plain, of=context)

    def chain(self, work: Work) -> RobotsChain | None:
        """What works a lease on a robots.txt; None for any other lease."""
        return RobotsChain(self._context, self.agent, work) if work.lease.robots else None

    def agent(self, host: HostKey) -> str:
        """The product token of the User-Agent that ``host`` is sent, whichever option it comes from."""
        route = self._context.routes.get(host, "GET")
        return product_token(route.prepared.headers.get("User-Agent", ""))


class RobotsChain(FollowRedirects):
    """The leases that one robots.txt takes, through redirects to other hosts, and what they come to."""

    def __init__(self, context: LeaseContext, agent: Callable[[HostKey], str], work: Work) -> None:
        host = work.lease.host
        super().__init__(context, Attempt(Target(host.origin + ROBOTS_TXT, host, ROBOTS_TXT)))
        self._agent = agent
        self._work = work
        self._began = monotonic()
        self._opened = self._requests = self._idle = 0
        self._transcripts: list[Transcript] = []

    def next(self, done: Done) -> RunningLease | Done:
        """As ``FollowRedirects.next``, with the verdict in the end."""
        host = self._work.lease.host
        self._opened += done.opened
        self._requests += done.requests
        self._transcripts += done.transcripts
        if done.work.lease.host == host:
            self._idle = done.idle
        following = super().next(done)
        if isinstance(following, RunningLease):
            return following
        result = done.results[0] if done.results else None
        verdict: RobotsVerdict | None = None
        if result is not None and not (isinstance(result, Failed) and result.error is ErrorKind.INTERRUPTED):
            verdict = self._verdict(result)
        return Done(
            self._work,
            (),
            self._opened,
            self._requests,
            self._idle,
            verdict,
            monotonic() - self._began,
            self._transcripts,
        )

    def _verdict(self, result: Result) -> RobotsVerdict:
        try:
            return verdict_of(result, self._agent(self._work.lease.host))
        except Exception as error:  # noqa: BLE001 - what breaks the reader of a file concerns its host alone
            return RobotsVerdict(unreachable=classify(error).detail)


def verdict_of(result: Result, agent: str) -> RobotsVerdict:
    """What the end of asking for a robots.txt means (RFC 9309 section 2.3.1); a ``Redirected`` is no end.

    agent: the product token to go by. 2xx: its rules. 4xx but 429, redirects that lead nowhere, and 3xx that are none:
    no rules. 429, 5xx, and no whole response: nothing may be asked for.
    """
    assert not isinstance(result, Redirected)  # noqa: S101 - see above
    status = result.status
    failure = result if isinstance(result, Failed) else None
    if (isinstance(result, Failed | Skipped) and result.error in LEADS_NOWHERE) or (
        status and 300 <= status < 500 and status != 429
    ):
        return _NO_RULES
    if status and status < 300 and not failure:
        rules = rules_of(result.body or b"", agent)
        return RobotsVerdict(None if rules.unrestricted else rules, rules.crawl_delay, agent=agent.lower())
    why = f"{failure.error}: {failure.detail}" if failure else f"status {status}"
    after = None if result.retry is None else result.retry.after
    at_another = bool(result.redirects)
    return RobotsVerdict(unreachable=why, after=after, failure=None if at_another else failure)
