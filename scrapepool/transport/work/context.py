"""What the leases of a run share: the session, routes, cookies, desync states, and whether the run is ending.

Decides how leases are stopped. What a lease does is for ``lease``.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from urllib3.exceptions import PoolError

from ...model import Attempt, HostKey, Target
from ...settings import Settings
from ...validators import Known
from ..exchange.cookies import CookieStore
from ..exchange.file_body import SavedBody
from ..exchange.outcomes import Reporter
from ..exchange.partial_files import Left, Parts, name_of
from ..exchange.read_ahead import Allowance
from ..exchange.route import Route, RouteTable
from ..exchange.transcript import Capture, folder_of
from ..http1.body import Body
from ..http1.packed_name import packed_name
from ..http1.response import ResponseParser
from ..net.connection import Connection
from ..net.session import PooledSession
from .desync import DesyncStates
from .lease import RunningLease

MOST_BLOCKED = 256
"""Connections that are opened at a time where that blocks a thread each."""


@dataclass(slots=True, repr=False, eq=False)
class RunState:
    """How a run is going, as all its leases see it.

    draining, aborted: nothing is begun, nothing goes on. keeps_no_idle: a proxy allows so few connections that none
    stays open for a host which has no request. live: the connections in use; each lease adds and removes its own.
    lag: seconds since when what came now may have been there, because the loop was busy. allowance: of bytes that are
    received before they can be parsed.
    """

    draining: bool = False
    aborted: bool = False
    keeps_no_idle: bool = False
    lag: float = 0.0
    allowance: Allowance = field(default_factory=Allowance)
    live: dict[Connection, RunningLease] = field(default_factory=dict)


class LeaseContext:
    """The context of leases over a ``PooledSession``.

    executor: gives threads for what can only be done by blocking; by default they are its own.
    jar: cookies that all targets share. capture: makes what an exchange is written down by, None where nobody asks.
    parts: where bodies are written to, None where they become no files.
    has_file: whether the file of a page is there as an earlier record says; None where bodies become no files, or
    nothing is known of earlier ones.
    of: the context of the run's targets, where this one is for other requests to the same hosts: they share their
    connections, routes, cookies and opinions of hosts.
    """

    def __init__(
        self,
        session: PooledSession,
        settings: Settings,
        *,
        jar: CookieStore | None = None,
        parts: Parts | None = None,
        has_file: Callable[[Known], bool] | None = None,
        executor: Executor | None = None,
        of: LeaseContext | None = None,
    ) -> None:
        self._executor = executor
        self._takers: Executor | None = None
        self._of = of
        self.session = session
        self.routes: RouteTable = (
            RouteTable(session, settings.request, settings.host_overrides) if of is None else of.routes
        )
        self.report = Reporter(settings)
        self.desync: DesyncStates = DesyncStates() if of is None else of.desync
        self.timeouts = settings.timeouts
        self.method: str = settings.request.method.upper()
        self.head_fallback = settings.request.head_fallback
        self.max_redirects = settings.request.max_redirects
        needs = settings.output.needs
        self._size = settings.size
        self._keep, self._digest = needs.body, needs.sha256 or settings.files.needs_digest
        self.parts = parts
        self.has_file = has_file
        self.capture = None if settings.warc.path is None else partial(Capture, folder_of(settings.warc.path))
        self.jar: CookieStore | None = jar if of is None else of.jar
        self.state: RunState = RunState() if of is None else of.state

    def __repr__(self) -> str:
        return f"<LeaseContext {len(self.state.live)} connections in use{', draining' if self.state.draining else ''}>"

    def takers(self) -> Executor:
        """Threads that take in long bodies, their digests and files: as many as there are cores."""
        if self._of is not None:
            return self._of.takers()
        if self._takers is None:
            self._takers = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="scrapepool-bodies")
        return self._takers

    def new_body(self, parser: ResponseParser) -> Body:
        """What takes the body of a response."""
        return Body(self._size, parser.get(b"content-encoding"), keep=self._keep, digest=self._digest)

    def saved_body(self, parts: Parts, method: str, target: Target, left: Left | None, parser: ResponseParser) -> Body:
        """What takes the body of a response to a target that is to become a file.

        left: what is there of it, if that was asked to go on.
        """
        if method == "HEAD" or not 200 <= parser.status < 300:
            return self.new_body(parser)
        if parser.status == 206 and left is not None:
            if not left.goes_on_in(parser):
                return self.new_body(parser)
        else:
            left = None
        coding = parser.get(b"content-encoding")
        body = SavedBody(
            self._size,
            coding,
            keep=self._keep,
            digest=self._digest,
            begin=partial(parts.begin, method, name_of(target), parser, left),
            left=left,
        )
        if coding is not None and not self._keep and (name := packed_name((target.url,), coding)) is not None:
            body.keep_own_coding(name)
        return body

    def method_of(self, attempt: Attempt) -> str:
        """What an attempt asks with next."""
        return attempt.target.method(self.method) if attempt.hop is None else attempt.hop.method

    def route_to(self, target: Target, host: HostKey, method: str, *, foreign: bool) -> Route:
        """The route on which a target is asked for at a host. Raises as ``RouteTable.get`` does."""
        own = target.request
        if own is None or own.plain:
            return self.routes.get(host, method, foreign=foreign)
        return self.routes.for_row(own, host, method, foreign=foreign)

    def executor(self) -> Executor:
        """Threads for what can only be done by blocking; they are begun as they are needed."""
        if self._of is not None:
            return self._of.executor()
        if self._executor is None:
            self._executor = ThreadPoolExecutor(MOST_BLOCKED, thread_name_prefix="scrapepool")
        return self._executor

    def drain(self) -> None:
        """Begin nothing more."""
        self.state.draining = True

    def abort(self) -> None:
        """Cut every connection in use. Whoever drives a lease then lets it go on to its end."""
        self.state.draining = self.state.aborted = True
        for conn in list(self.state.live):
            conn.abort()

    def make_room_at_proxy(self) -> bool:
        """Close idle connections through proxies, as one of them allows no further one; whether there were any.

        From then on none is kept for a host that has no request.
        """
        closed = sum(pool.evict_idle() for pool in self.session.adapter.pools(proxied=True))
        self.state.keeps_no_idle |= closed > 0
        return closed > 0

    def evict_idle(self) -> None:
        """Close an idle connection of every host, so that there are file descriptors for others."""
        for pool in self.session.adapter.pools():
            if not pool.idle:
                continue
            with contextlib.suppress(PoolError):
                conn, _ = pool.checkout(0)
                conn.close()
                pool.checkin(conn)
