"""What failures of a proxy mean: a proxy is the network of a run that uses it.

Decides whether the proxy is down, limits the number of connections, asks for a pause, or requires other credentials.
While other requests get responses, a refused connection shows a limit: from then on, no more leases are out at a time
than the proxy served. If it refuses while no other lease is out, it is down, which is an outage. The run waits only
briefly for a proxy that it never reached. A 502, 503 or 504 of the proxy, and a connection that it closes, may be about
the host behind it: only failures of many hosts at once prove an outage (``outage``), and only a later response of the
same host proves a limit. Knows no scheduler; time is an argument.
"""

from __future__ import annotations

from enum import Enum
from math import inf
from typing import Any

from ...model import Failed, HostKey, ProxyFault
from .outage import OutageGuard

MIN_FAILURES = 3
"""Failing connections, with no response in between, until a proxy counts as down while other leases are out."""

UNPROVEN_PROXY_WAIT = 10.0
"""Seconds that the run waits for a proxy that never responded: it may just be starting."""

MAX_CREDENTIAL_REFUSALS = 3
"""Consecutive 407 responses that end the run."""

PROXY_REFUNDS = 10
"""Maximum refunds of one target because of a limit that the proxy may have, if its host responded before."""

PROXY_REFUNDS_NEW_HOST = 4
"""The same if the host has not responded yet, so that the host may be down."""

LIMIT_LEFT_BY_CUT = 0.7
"""Share of the limit that is kept when a response shows afterwards that the limit was too high."""

FIRST_GROWTH_DELAY = 10.0
MAX_GROWTH_DELAY = 160.0
"""Seconds after which a limit is raised, to test whether it still holds; they double each time that it does."""

NO_LIMIT_FROM = 1000
"""A limit that has grown to this number is dropped."""

MAX_DOUBTS = 10_000
"""Maximum number of hosts that are remembered because they may have failed at a limit."""

MAY_BE_HOST = frozenset({ProxyFault.CLOSED, ProxyFault.UNAVAILABLE, ProxyFault.GATEWAY})
"""Failures that the host behind the proxy may have caused; if many hosts fail at once, it did not."""


class ProxyRuling(Enum):
    """What a failure of a proxy means: the attempt is REFUNDED now or SOON, or counts as the target's OWN failure."""

    REFUNDED = 1
    SOON = 2
    OWN = 3


class ProxyGuard:
    """Watches the failures of the proxies of a run.

    limit: leases that may be out at a time. others: leases that are out beside the failed one; set by its user.
    over: why the run must end, or None. refusals: consecutive 407 responses.
    alert: whether the guard needs to know of the next response.
    """

    def __init__(self, outage: OutageGuard[Any]) -> None:
        self.limit: float = inf
        self.others = 0
        self.over: str | None = None
        self.refusals = 0
        self.alert = False
        self._outage = outage
        self._row = 0  # consecutive failures, with no response in between
        self._width = 0  # leases that were out when these failures began
        self._before: float = inf  # the limit then
        self._cut_at = -inf
        self._grow_at = inf
        self._growth = FIRST_GROWTH_DELAY
        self._doubts: dict[
            HostKey, tuple[float, float, int]
        ] = {}  # hosts that may have failed at a limit: started, failed at, leases out

    def __repr__(self) -> str:
        return f"<ProxyGuard: limit {self.limit}, {self._row} failures in a row>"

    def on_response(self, host: HostKey, now: float) -> None:
        """Record a response of a host."""
        self._row = self.refusals = 0
        doubt = self._doubts.pop(host, None)
        if doubt is not None:
            self._cut(*doubt)
        if now >= self._grow_at:
            self.limit += max(1, self.limit // 4)
            self._grow_at = now + self._growth
            if self.limit >= NO_LIMIT_FROM:
                self.limit = self._grow_at = inf
        self.alert = bool(self._doubts) or self.limit != inf

    def on_failure(  # noqa: PLR0911 - one for each kind
        self, failure: Failed, host: HostKey, now: float, *, started: float, known: bool, refunds: int
    ) -> ProxyRuling:
        """Record a failure with ``proxy`` set, of a request that ``started`` then.

        known: whether the host responded in this run. refunds: earlier refunds of the target.
        """
        self.alert = True
        after = failure.retry.after if failure.retry is not None else None
        match failure.proxy:
            case ProxyFault.CREDENTIALS:
                return self.on_credentials_refused(failure.detail)
            case ProxyFault.BUSY if after:
                if self._outage.down:
                    self._outage.delay_probe(now + after)
                else:
                    self._outage.begin(now, failure.detail, pause=after)
                return ProxyRuling.REFUNDED
            case ProxyFault.DOWN | ProxyFault.BUSY:
                if not self._outage.down:
                    self._is_unavailable(failure, now)
                return ProxyRuling.REFUNDED
            case ProxyFault.CLOSED | ProxyFault.UNAVAILABLE:
                if self._outage.down:
                    return ProxyRuling.REFUNDED
                if refunds >= (PROXY_REFUNDS if known else PROXY_REFUNDS_NEW_HOST):
                    return ProxyRuling.OWN
                if known:
                    self._cut(started, now, self.others)
                elif len(self._doubts) < MAX_DOUBTS:
                    self._doubts[host] = started, now, self.others
                return ProxyRuling.SOON
            case _:
                return ProxyRuling.REFUNDED if self._outage.down else ProxyRuling.OWN

    def on_credentials_refused(self, detail: str | None) -> ProxyRuling:
        """Record a 407; after ``MAX_CREDENTIAL_REFUSALS`` of them, the other targets are left to another run."""
        if self.over is not None:
            return ProxyRuling.REFUNDED
        self.alert = True
        self.refusals += 1
        if self.refusals >= MAX_CREDENTIAL_REFUSALS:
            self.over = f"{detail}; give its credentials in its URL: http://USER:PASSWORD@HOST:PORT"
        return ProxyRuling.OWN

    def _is_unavailable(self, failure: Failed, now: float) -> None:
        """Decide whether a refused connection means that the proxy is down, or that it limits connections."""
        others = self.others
        self._row += 1
        if self._row == 1:
            self._width, self._before = others + 1, self.limit
        if others and self._row < max(self._width, MIN_FAILURES):
            self._set(min(self.limit, others), now)
            return
        self.limit, self._row = self._before, 0
        if self.limit == inf:
            self._grow_at = inf
        if self._outage.has_responded:
            self._outage.begin(now, failure.detail)
        else:
            lost = f"{failure.detail}; it relayed no response in this run (see its URL, and HTTPS_PROXY)"
            self._outage.begin(now, failure.detail, longest=UNPROVEN_PROXY_WAIT, lost=lost)

    def _cut(self, started: float, now: float, others: int) -> None:
        """Lower the limit, once for all requests that started before this cut."""
        if started > self._cut_at:
            self._cut_at = now
            self._set(max(1, int(LIMIT_LEFT_BY_CUT * min(self.limit, others + 1))), now)

    def _set(self, limit: float, now: float) -> None:
        if self.limit != inf:
            self._growth = min(2 * self._growth, MAX_GROWTH_DELAY)
        self.limit = limit
        self._grow_at = now + self._growth
