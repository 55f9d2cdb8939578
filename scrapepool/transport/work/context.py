"""The state that the leases of a run share: session, routes, cookies, desync states, and whether the run is ending.

Decides how leases are stopped. ``lease`` decides what a lease does.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from urllib3.exceptions import PoolError

from ...model import Attempt, Fetched, HostKey, OpenBody, Target
from ...settings import Settings
from ..exchange.outcomes import Reporter
from ..exchange.read_ahead import Allowance
from ..exchange.route import Route, RouteTable
from ..http1.body import Body
from ..http1.packed_name import packed_name
from ..http1.response import ResponseParser
from ..net.connection import Connection
from ..net.session import PooledSession
from .desync import DesyncStates
from .lease import RunningLease

if TYPE_CHECKING:
    from ...validators import Known
    from ..exchange.cookies import CookieStore
    from ..exchange.partial_files import PartialDownload, PartialFiles
    from ..exchange.transcript import Capture

MAX_BLOCKING = 256
"""Connections that are opened at once if each of them blocks a thread."""


class RunState:
    """The state of a run that all its leases see.

    draining: no further request is begun. aborted: those in flight are ended, too.
    keeps_no_idle: a proxy allows so few connections that none stays open for a host without a request.
    lag: seconds for which the bytes that are received now may have been in the socket, because the loop was busy.
    allowance: how many bytes may be received before they can be parsed.
    live: the connections in use; each lease adds and removes its own.
    """

    def __init__(self) -> None:
        self.draining = self.aborted = self.keeps_no_idle = False
        self.lag = 0.0
        self.allowance = Allowance()
        self.live: dict[Connection, RunningLease] = {}


class LeaseContext:
    """The context of leases over a ``PooledSession``.

    executor: runs blocking calls; by default the context makes one when it is needed.
    jar: the cookies that all targets share.
    capture: makes the capture of an exchange; None if there is no archive.
    partial_files: the files that bodies are written to; None if bodies are not saved.
    has_file: returns whether a page's file exists as an earlier record says; None if bodies are not saved, or if there
    are no earlier records.
    unexpected: returns why a successful response to a method is not what was expected; None if nothing is.
    of: the context of the run's targets, if this one is for other requests to the same hosts. Both share their
    connections, routes, cookies and desync states.
    """

    def __init__(
        self,
        session: PooledSession,
        settings: Settings,
        *,
        jar: CookieStore | None = None,
        partial_files: PartialFiles | None = None,
        has_file: Callable[[Known], bool] | None = None,
        executor: Executor | None = None,
        unexpected: Callable[[Fetched, str], str | None] | None = None,
        of: LeaseContext | None = None,
    ) -> None:
        self._executor = executor
        self._body_executor: Executor | None = None
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
        self.keeps_body = needs.body or settings.files.needs_body
        self.keeps_tls = needs.tls
        self._digest = needs.sha256 or settings.files.needs_digest
        self.partial_files = partial_files
        self.has_file = has_file
        self._unexpected = unexpected
        self._output, self._files = settings.output, settings.files
        self.capture = None if settings.warc.path is None else _capture(settings.warc.path)
        self.jar: CookieStore | None = jar if of is None else of.jar
        self.state: RunState = RunState() if of is None else of.state

    def __repr__(self) -> str:
        return f"<LeaseContext {len(self.state.live)} connections in use{', draining' if self.state.draining else ''}>"

    def body_executor(self) -> Executor:
        """Return the executor that decodes, hashes and saves long bodies, with one thread per core."""
        if self._of is not None:
            return self._of.body_executor()
        if self._body_executor is None:
            self._body_executor = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="scrapepool-bodies")
        return self._body_executor

    def new_body(self, parser: ResponseParser) -> Body:
        """Make the body of a response."""
        return Body(self._size, parser.values.get(b"content-encoding"), keep=self.keeps_body, digest=self._digest)

    def saved_body(
        self,
        partial_files: PartialFiles,
        method: str,
        target: Target,
        left: PartialDownload | None,
        parser: ResponseParser,
    ) -> Body:
        """Make the body of a response that is saved to a file.

        left: the partial download whose rest was requested; None if the whole body was.
        """
        if method == "HEAD" or not 200 <= parser.status < 300:
            return self.new_body(parser)
        if parser.status == 206 and left is not None:
            if not left.is_continued_by(parser):
                return self.new_body(parser)
        else:
            left = None
        from ..exchange.file_body import SavedBody  # noqa: PLC0415 - for --save-dir

        coding = parser.values.get(b"content-encoding")
        body = SavedBody(
            self._size,
            coding,
            keep=self.keeps_body,
            digest=self._digest,
            begin=partial(partial_files.begin, method, partial_files.name_of(target), parser, left),
            left=left,
        )
        if coding is not None and not self.keeps_body and (name := packed_name((target.url,), coding)) is not None:
            body.keep_own_coding(name)
        return body

    def streamed_body(self, open_body: OpenBody, parser: ResponseParser) -> Body:
        """Make the body of a response that goes to an object of the calling program."""
        if not 200 <= parser.status < 300:
            return self.new_body(parser)
        from ..exchange.streamed_body import StreamedBody  # noqa: PLC0415 - for programs

        coding = parser.values.get(b"content-encoding")
        return StreamedBody(self._size, coding, keep=self.keeps_body, digest=self._digest, open_body=open_body)

    def failed_expectation(self, response: Fetched, method: str) -> str | None:
        """Return why a whole response is not what was expected, None if it is. What was kept for that alone is dropped.

        The file of an unexpected body is deleted, so that it takes no place of a good one.
        """
        if self._unexpected is None or (response.status or 0) >= 400:
            return None
        why = self._unexpected(response, method)
        file = None if response.saved is None else response.saved.file
        if why is not None and file is not None and self.partial_files is not None:
            self.partial_files.discard(file)
        wanted = why is None and (self._output.wants_data or self._files.needs_body)
        if not (self._output.body or wanted):
            response.body = None
        return why

    def method_of(self, attempt: Attempt) -> str:
        """Return the method of an attempt's next request."""
        return attempt.target.method(self.method) if attempt.hop is None else attempt.hop.method

    def route_to(self, target: Target, host: HostKey, method: str, *, foreign: bool) -> Route:
        """Return the route for a request for a target to a host. Raises the same as ``RouteTable.get``."""
        own = target.request
        if own is None or own.plain:
            return self.routes.get(host, method, foreign=foreign)
        return self.routes.for_row(own, host, method, foreign=foreign)

    def executor(self) -> Executor:
        """Return the executor for blocking calls; it starts threads as they are needed."""
        if self._of is not None:
            return self._of.executor()
        if self._executor is None:
            self._executor = ThreadPoolExecutor(MAX_BLOCKING, thread_name_prefix="scrapepool")
        return self._executor

    def drain(self) -> None:
        """Begin no further request."""
        self.state.draining = True

    def abort(self) -> None:
        """Abort every connection in use. The loop then runs each lease to its end."""
        self.state.draining = self.state.aborted = True
        for conn in list(self.state.live):
            conn.abort()

    def make_room_at_proxy(self) -> bool:
        """Close idle connections through proxies, because a proxy refuses further ones; return whether there were any.

        From then on, no connection through a proxy is kept for a host that has no request.
        """
        closed = sum(pool.evict_idle() for pool in self.session.adapter.pools(proxied=True))
        self.state.keeps_no_idle |= closed > 0
        return closed > 0

    def evict_idle(self) -> None:
        """Close an idle connection of every host, so that file descriptors become free."""
        for pool in self.session.adapter.pools():
            if not pool.idle:
                continue
            with contextlib.suppress(PoolError):
                conn, _ = pool.checkout(0)
                conn.close()
                pool.checkin(conn)


def _capture(archive: str) -> Callable[[], Capture]:
    from ..exchange.transcript import Capture, folder_of  # noqa: PLC0415 - for --warc

    return partial(Capture, folder_of(archive))
