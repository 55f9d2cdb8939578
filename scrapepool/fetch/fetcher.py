"""The fetch stage as the engine sees it: what all workers share.

Decides what a run's fetches have in common, and how they are stopped. How a lease is worked is ``lease_run``'s.
"""

from __future__ import annotations

import contextlib
import time
from functools import partial
from typing import Any

from urllib3.exceptions import PoolError

from ..model import Attempt, HostKey, Target
from ..ports import Done, Work
from ..settings import Settings
from ..uptime import monotonic
from .body import Body
from .capture import Capture, folder_of
from .connection import LOOK, Connection
from .cookies import CookieStore
from .lease_run import Give, LeaseRun
from .outcomes import Reporter
from .packed_name import packed_name
from .parts import Left, Parts, name_of
from .reply import ReplyParser
from .route import Route, RouteTable
from .saved_body import SavedBody
from .session import PooledSession
from .trust import Trust


class Fetcher:
    """Keeps ``ports.Fetch`` over a ``PooledSession``. Called from many threads at once.

    jar: cookies that all targets share. capture: makes what an exchange is written down by, None where nobody asks.
    parts: where bodies are written to, None where they become no files.
    draining, aborted: nothing is begun, nothing goes on. keeps_no_idle: a proxy allows so few connections that none
    stays open for a host which has no request.
    """

    def __init__(
        self,
        session: PooledSession,
        settings: Settings,
        *,
        jar: CookieStore | None = None,
        parts: Parts | None = None,
    ) -> None:
        self.session = session
        self.routes = RouteTable(session, settings.request, settings.host_overrides)
        self.report = Reporter(settings)
        self.trust = Trust()
        self.patience = settings.patience
        self.method = settings.request.method.upper()
        self.head_fallback = settings.request.head_fallback
        self.max_redirects = settings.request.max_redirects
        needs = settings.output.needs
        self._size = settings.size
        self._keep, self._digest = needs.body, needs.sha256 or settings.files.needs_digest
        self.parts = parts
        self.capture = None if settings.warc.path is None else partial(Capture, folder_of(settings.warc.path))
        self.jar = jar
        self.draining = self.aborted = False
        self.keeps_no_idle = False
        self.live: dict[Connection, LeaseRun] = {}  # held by workers now; each adds and removes its own

    def __repr__(self) -> str:
        return f"<Fetcher {len(self.live)} connections in work{', draining' if self.draining else ''}>"

    def new_body(self, parser: ReplyParser) -> Body:
        """What takes the body of a reply."""
        return Body(self._size, parser.get(b"content-encoding"), keep=self._keep, digest=self._digest)

    def saved_body(self, parts: Parts, method: str, target: Target, left: Left | None, parser: ReplyParser) -> Body:
        """What takes the body of a reply to a target that is to become a file.

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

    def run(self, work: Work, of: Work | None = None) -> Done:
        """Fetch the work's attempts one after another, over one connection where the host allows.

        of: the engine's work that this is a part of.
        """
        lease = self._start(work, of)
        return lease if isinstance(lease, Done) else lease.done()

    def run_to_rest(self, work: Work | LeaseRun, give: Give | None = None) -> Done | LeaseRun:
        """As ``run``, or go on with what was begun; but come back before a watch over a connection.

        give: gets what will not be begun; without it that stays with the lease.
        """
        lease = work if isinstance(work, LeaseRun) else self._start(work, work)
        if isinstance(lease, Done):
            return lease
        back = lease.done_or_resting(give)
        if isinstance(back, LeaseRun):
            back.rested = True
        return back

    def _start(self, work: Work, of: Work | None) -> Done | LeaseRun:
        if self.session.bandwidth is not None:
            self._await_bandwidth(self.session.bandwidth.paid_at)
        return Done(work, ()) if self.draining else LeaseRun(self, work, of)

    def hanging(self) -> list[Work]:
        """What was begun and has got no byte for much longer than its host usually takes."""
        now = monotonic()
        return [run.of for run in tuple(self.live.values()) if run.of is not None and run.hangs(now)]

    def drain(self) -> None:
        """Begin nothing more."""
        self.draining = True

    def _await_bandwidth(self, paid_at: float) -> None:
        """Begin no lease before what was read until now is paid for, so that its own waits are the server's doing."""
        while not self.draining and (wait := paid_at - time.monotonic()) > 0:
            time.sleep(min(wait, LOOK))

    def abort(self) -> None:
        """Cut every connection that a worker holds."""
        self.draining = self.aborted = True
        for conn in list(self.live):
            conn.sever()

    def make_room_at_proxy(self) -> bool:
        """Close idle connections through proxies, as one of them allows no further one; whether there were any.

        From then on none is kept for a host that has no request.
        """
        closed = 0
        for manager in self.session.adapter.managers()[1:]:
            for key in list(manager.pools.keys()):
                pool: Any = manager.pools.get(key)
                closed += 0 if pool is None else pool.shed_idle()
        self.keeps_no_idle |= closed > 0
        return closed > 0

    def shed(self) -> None:
        """Close an idle connection of every host, so that there are file descriptors for others."""
        for manager in self.session.adapter.managers():
            for key in list(manager.pools.keys()):
                pool: Any = manager.pools.get(key)
                if pool is not None:
                    with contextlib.suppress(PoolError):
                        conn, _ = pool.checkout(0)
                        conn.close()
                        pool.checkin(conn)
