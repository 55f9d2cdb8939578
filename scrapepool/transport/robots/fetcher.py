"""How a robots.txt is requested, and what the response means for the URLs of its host (RFC 9309 section 2.3).

Decides which responses contain rules, which ones mean that there are no rules, and which ones mean that no URL may be
requested now. A robots.txt is fetched through the pools of the run, like any URL. Does not know who waits for the
verdict, when robots.txt is requested again, or what happens to the URLs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ...model import Attempt, ErrorKind, Failed, HostKey, Redirected, Result, Skipped, Target, Transcript
from ...ports import Done, Work
from ...running_clock import monotonic
from ...schedule.lease import NO_USE, Lease
from ...schedule.robots import RobotsVerdict
from ...settings import OutputSettings, Settings, SizeLimits
from ..classify import classify
from ..net.steps import Resume
from ..work.context import LeaseContext
from ..work.lease import RunningLease
from .rules import MAX_READ, ROBOTS_TXT, product_token, rules_of

MAX_REDIRECTS: Final = 5
"""Maximum number of redirects, including those to other hosts: the minimum of RFC 9309 section 2.3.1.2."""

NO_ROBOTS_KINDS = frozenset(
    {
        ErrorKind.TOO_MANY_REDIRECTS,
        ErrorKind.INVALID_URL,
        ErrorKind.UNSUPPORTED_SCHEME,
        ErrorKind.FORBIDDEN_ADDRESS,
    }
)
"""Errors that mean that there is no robots.txt, and not that the host fails. A URL with the same error reports it."""

_LIMITS = SizeLimits(max_size=MAX_READ + 1, cut=True)  # one byte more than is read, which shows that there is more
_NO_RULES = RobotsVerdict()


class RobotsFetcher:
    """Makes the chains of leases that fetch a robots.txt, over the pools of the run.

    The ``Done`` of such a lease has a verdict and no results. If the run is stopping, it has neither.
    """

    def __init__(self, context: LeaseContext, settings: Settings) -> None:
        own_settings = replace(
            settings,
            request=replace(settings.request, method="GET", data=None, max_redirects=MAX_REDIRECTS),
            size=_LIMITS,
            output=OutputSettings(body=True),
        )
        self._context = LeaseContext(context.session, own_settings, of=context)

    def chain(self, work: Work) -> RobotsChain | None:
        """Return the chain for a lease on a robots.txt; None for any other lease."""
        return RobotsChain(self._context, self.agent, work) if work.lease.robots else None

    def agent(self, host: HostKey) -> str:
        """Return the product token of the User-Agent that is sent to ``host``, whichever option sets it."""
        route = self._context.routes.get(host, "GET")
        return product_token(route.prepared.headers.get("User-Agent", ""))


class RobotsChain:
    """The leases that fetch one robots.txt, including redirects to other hosts, and their verdict.

    Implements ``task.Chain``.
    """

    def __init__(self, context: LeaseContext, agent: Callable[[HostKey], str], work: Work) -> None:
        self._context = context
        self._agent = agent
        self._work = work
        self._began = monotonic()
        self._use = NO_USE
        self._transcripts: list[Transcript] = []

    def first(self, resume: Resume) -> RunningLease:
        """Return the lease on the host itself."""
        self._resume = resume
        host = self._work.lease.host
        return self._run(Attempt(Target(host.origin + ROBOTS_TXT, host, ROBOTS_TXT)))

    def next(self, done: Done) -> RunningLease | Done:
        """Return the lease on the host that a redirect leads to, or the ``Done`` with the verdict."""
        host = self._work.lease.host
        self._use = self._use.plus(done.use)
        self._transcripts += done.transcripts
        if done.work.lease.host == host:
            self._use = self._use._replace(idle=done.use.idle)
        result = done.results[0] if done.results else None
        if isinstance(result, Redirected):
            return self._run(result.attempt)
        verdict: RobotsVerdict | None = None
        if result is not None and not (isinstance(result, Failed) and result.error is ErrorKind.INTERRUPTED):
            verdict = self._verdict(result)
        return Done(self._work, (), self._use, self._transcripts, verdict, monotonic() - self._began)

    def _run(self, attempt: Attempt) -> RunningLease:
        return RunningLease(self._context, Work(Lease(attempt.host, attempt=attempt), [attempt]), self._resume)

    def _verdict(self, result: Result) -> RobotsVerdict:
        try:
            return verdict_of(result, self._agent(self._work.lease.host))
        except Exception as error:  # noqa: BLE001 - a file that breaks the parser affects only its host
            return RobotsVerdict(unreachable=classify(error).detail)


def verdict_of(result: Result, agent: str) -> RobotsVerdict:
    """Return what the result of a request for a robots.txt means (RFC 9309 section 2.3.1); not for a ``Redirected``.

    After a 2xx, the rules for ``agent``, a product token, apply. After a 4xx other than 429, a 3xx without a usable
    Location, and redirects that cannot be followed, there are no rules. After a 429, a 5xx, and without a whole
    response, no URL may be requested.
    """
    assert not isinstance(result, Redirected)  # noqa: S101 - the caller follows redirects
    status = result.status
    failure = result if isinstance(result, Failed) else None
    if (isinstance(result, Failed | Skipped) and result.error in NO_ROBOTS_KINDS) or (
        status and 300 <= status < 500 and status != 429
    ):
        return _NO_RULES
    if status and status < 300 and not failure:
        rules = rules_of(result.body or b"", agent)
        return RobotsVerdict(None if rules.unrestricted else rules, rules.crawl_delay, agent=agent.lower())
    why = f"{failure.error}: {failure.detail}" if failure else f"status {status}"
    after = None if result.retry is None else result.retry.after
    was_redirected = bool(result.redirects)
    return RobotsVerdict(unreachable=why, after=after, failure=None if was_redirected else failure)
