"""How a host is asked for its robots.txt, and what its answer means for its URLs (RFC 9309 section 2.3).

Decides which answers are rules, which mean that there are none, and which that nothing may be asked for now. It is
fetched as any URL is, by a ``Fetcher`` over the same pools. Does not know who waits for the verdict, when a host is
asked again, nor what becomes of the URLs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from ..model import Attempt, ErrorKind, Failed, HostKey, Redirected, Result, Skipped, Target, Transcript
from ..ports import Begun, Done, Resting, Source, Unbegun, Work
from ..schedule.robots import RobotsVerdict
from ..settings import OutputSettings, Settings, SizeLimits
from ..uptime import monotonic
from .classify import classify
from .doing import Doing, look
from .fetcher import Fetcher
from .hops import hops
from .lease_run import Give, LeaseRun
from .robots_rules import MOST_READ, ROBOTS_TXT, product_token, rules_of
from .turns import Turns

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
    """Keeps ``ports.Fetch``: leases on a robots.txt are worked here, all others by ``fetcher``, over the same pools.

    The ``Done`` of a lease on a robots.txt has no results but a verdict; neither where the run is stopping.
    """

    def __init__(self, fetcher: Fetcher, settings: Settings) -> None:
        plain = replace(
            settings,
            request=replace(settings.request, method="GET", data=None, max_redirects=REDIRECTS),
            size=_LIMITS,
            output=OutputSettings(body=True),
        )
        self._targets = fetcher
        self._robots = Fetcher(fetcher.session, plain, jar=fetcher.jar)
        # One table of routes, one set of connections to cut, one opinion of each host: they are the same hosts.
        self._robots.routes, self._robots.live, self._robots.trust = fetcher.routes, fetcher.live, fetcher.trust
        self._robots.capture = fetcher.capture

    def run(self, work: Work | Begun, give: Give | None = None) -> Done | LeaseRun:
        """Work a lease. Never raises for what a server, a URL or a robots.txt does."""
        if isinstance(work, Work) and work.lease.robots:
            return self.verdict(work)
        assert isinstance(work, Work | LeaseRun)  # noqa: S101 - nothing else is begun here
        return self._targets.run_to_rest(work, give)

    def verdict(self, work: Work) -> Done:
        """Work a lease on a robots.txt. Never raises, as ``run``."""
        began = monotonic()
        try:
            done = self._ask(work)
        except Exception as error:  # noqa: BLE001 - what breaks the reader of a file concerns its host alone
            done = Done(work, (), robots=RobotsVerdict(unreachable=classify(error).detail))
        return replace(done, elapsed=monotonic() - began)

    def run_in_turns(
        self,
        first: Work | Resting,
        source: Source,
        give: Callable[[Sequence[Done | Resting | Unbegun]], None],
        pass_on: Callable[[Begun], None],
    ) -> None:
        """Work leases, none of them on a robots.txt, in turns; see ``turns``."""
        Turns(self._targets, source, give, pass_on).run(first)

    def hanging(self) -> list[Work]:
        """What has got no byte for long, robots.txt included."""
        return self._targets.hanging()

    def drain(self) -> None:
        """Begin nothing more."""
        self._targets.drain()
        self._robots.drain()

    def abort(self) -> None:
        """Cut every connection that a worker holds."""
        self._robots.abort()
        self._targets.abort()

    def doing(self) -> list[Doing]:
        """What the requests in flight wait for now."""
        return look(self._targets.live, monotonic())

    def _ask(self, work: Work) -> Done:
        """Fetch a host's robots.txt, through redirects to other hosts too, and judge it."""
        host = work.lease.host
        opened = requests = idle = 0
        transcripts: list[Transcript] = []
        attempt = Attempt(Target(host.origin + ROBOTS_TXT, host, ROBOTS_TXT))
        for done in hops(self._robots, attempt, work):
            opened += done.opened
            requests += done.requests
            transcripts += done.transcripts
            if done.work.lease.host == host:
                idle = done.idle
            result = done.results[0] if done.results else None
        verdict: RobotsVerdict | None = None
        if result is not None and not (isinstance(result, Failed) and result.error is ErrorKind.INTERRUPTED):
            verdict = verdict_of(result, self.agent(host))
        return Done(work, (), opened, requests, idle, verdict, transcripts=transcripts)

    def agent(self, host: HostKey) -> str:
        """The product token of the User-Agent that ``host`` is sent, whichever option it comes from."""
        route = self._robots.routes.get(host, "GET")
        return product_token(route.prepared.headers.get("User-Agent", ""))


def verdict_of(result: Result, agent: str) -> RobotsVerdict:
    """What the end of asking for a robots.txt means (RFC 9309 section 2.3.1); a ``Redirected`` is no end.

    agent: the product token to go by. 2xx: its rules. 4xx but 429, redirects that lead nowhere, and 3xx that are none:
    no rules. 429, 5xx, and no whole answer: nothing may be asked for.
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
