"""What failures of a proxy come to: a proxy is the network of a run that uses it.

Decides whether it is down, allows only so many connections, wants to be left alone, or wants other credentials. As long
as other requests are answered, a connection that it refuses shows a limit: no more leases are out at a time than it
served. Where it refuses and nothing else is out, it is down, and that is an outage. A proxy that was never reached is
waited for briefly. Its 502, 503 and 504, and a connection that it closes, may be about the host that it was to connect
to: only many hosts at once prove an outage (``outage``), and only a host that is answered later a limit. Knows no
scheduler; time is an argument.
"""

from __future__ import annotations

from enum import Enum
from math import inf
from typing import Any

from ...model import Failed, HostKey, ProxyFault
from .outage import OutageGuard

MIN_FAILURES = 3
"""Connections that fail, with no answer in between, before a proxy counts as down while others are still out."""

UNPROVEN_PROXY_WAIT = 10.0
"""Seconds that are waited for a proxy that never answered in this run: one that is being started with it."""

MAX_CREDENTIAL_REFUSALS = 3
"""Requests for other credentials (407) in a row that end the run."""

PROXY_REFUNDS = 10
"""Attempts at one target that are given back because of a limit that the proxy may have, where its host is known."""

PROXY_REFUNDS_NEW_HOST = 4
"""The same where the host has not been answered yet, so that it may be the host that is down."""

LIMIT_LEFT_BY_CUT = 0.7
"""Share of its limit that is kept where only the result shows that it was too much."""

FIRST_GROWTH_DELAY = 10.0
MAX_GROWTH_DELAY = 160.0
"""Seconds after which a limit is raised to see whether it holds still; they double each time that it does."""

NO_LIMIT_FROM = 1000
"""A limit from which on there is none."""

MAX_DOUBTS = 10_000
"""Hosts of which is remembered that they may have met a limit."""


MAY_BE_HOST = frozenset({ProxyFault.CLOSED, ProxyFault.UNAVAILABLE, ProxyFault.GATEWAY})
"""Failures that may be about the host that the proxy was to connect to; on many hosts at once, they are not."""


class ProxyRuling(Enum):
    """What a proxy's failure means for the target: its attempt is REFUNDED now or SOON, or it is its OWN failure."""

    REFUNDED = 1
    SOON = 2
    OWN = 3


class ProxyGuard:
    """Watches the failures of the proxies of a run.

    limit: leases that may be out at a time. others: those that are out beside the one that failed; set by its user.
    over: why the run ends, None while it does not. refusals: requests for other credentials in a row.
    alert: whether an answer is news.
    """

    def __init__(self, outage: OutageGuard[Any]) -> None:
        self.limit: float = inf
        self.others = 0
        self.over: str | None = None
        self.refusals = 0
        self.alert = False
        self._outage = outage
        self._row = 0  # failures without an answer in between
        self._width = 0  # leases that were out when the row began
        self._before: float = inf  # the limit then
        self._cut_at = -inf
        self._grow_at = inf
        self._growth = FIRST_GROWTH_DELAY
        self._doubts: dict[HostKey, tuple[float, float, int]] = {}  # how a host failed that may have met a limit

    def __repr__(self) -> str:
        return f"<ProxyGuard: limit {self.limit}, {self._row} failures in a row>"

    def on_response(self, host: HostKey, now: float) -> None:
        """A host was answered, through a proxy as far as is known."""
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
        """Take in a failure with ``proxy`` set of a request that was ``started`` then.

        known: whether the host was answered in this run. refunds: attempts at the target given back before.
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
        """Take in a request for other credentials; what comes after the last of them is left for another run."""
        if self.over is not None:
            return ProxyRuling.REFUNDED
        self.alert = True
        self.refusals += 1
        if self.refusals >= MAX_CREDENTIAL_REFUSALS:
            self.over = f"{detail}; give its credentials in its URL: http://USER:PASSWORD@HOST:PORT"
        return ProxyRuling.OWN

    def _is_unavailable(self, failure: Failed, now: float) -> None:
        """No further connection can be had: for now, or because others are open."""
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
        """Lower the limit, once for all that was started before."""
        if started > self._cut_at:
            self._cut_at = now
            self._set(max(1, int(LIMIT_LEFT_BY_CUT * min(self.limit, others + 1))), now)

    def _set(self, limit: float, now: float) -> None:
        if self.limit != inf:
            self._growth = min(2 * self._growth, MAX_GROWTH_DELAY)
        self.limit = limit
        self._grow_at = now + self._growth
