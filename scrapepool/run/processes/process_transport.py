"""Fetches in worker processes: a ``ports.Transport`` whose leases run on event loops in other processes.

Decides when processes are started and replaced. All that concerns the whole run stays where it is without them: one
scheduler decides what is requested and when, and knows nothing of processes. For one thread; only ``wake`` and
``in_flight`` may be used by others. The file exceeds 300 lines because all of it shares the state of the processes.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf

from ...errors import ProcessError, system_reason
from ...fallbacks import IN, OUT, poll
from ...model import HostKey
from ...ports import Done, SystemClock, Unbegun, Work
from ...settings import Settings
from ...transport.exchange.cookies import Cookie, CookieStore
from ...transport.work.activity import Activity
from ...transport.work.loop import Loop
from ...transport.work.wakeup import WakeupPipe
from .codec import Report, loads
from .messages import Ask
from .placement import Placement
from .process_starter import ProcessStarter
from .shares import divide
from .suspects import Suspects
from .worker import Start
from .worker_handle import WorkerHandle

DIVIDE_EVERY = 1.0
"""Seconds between two divisions of ``--bandwidth``."""

ANSWER_WITHIN = 1.0
"""Seconds that a process may take to answer a question: one that is busy or stopped is left out."""

LIST_TURN = 0.002
"""Seconds for which lists by URL are downloaded before the processes get their turn, while there are any."""

TRIES = 3
"""Processes in a row that may end by themselves before they report anything: something is wrong with all of them."""

KILLS = 30
"""The same for processes that are killed, as by a machine that is short of memory, which may have some soon."""


class ProcessTransport:
    """Runs leases in up to ``count`` worker processes, each started when it is needed.

    settings: of the run. lists: downloads lists by URL, in the run's own process. cookies: the cookies that all
    requests share, which get those of the processes at the end; None if each URL has its own. on_note: receives lines
    for the user. makes_records: whether the outcomes become records as the settings say. starter: starts the processes.
    Raises ProcessError from ``submit`` and ``wait`` if no process can be started.
    """

    def __init__(
        self,
        settings: Settings,
        count: int,
        lists: Loop,
        cookies: CookieStore | None = None,
        on_note: Callable[[str], None] = lambda _: None,
        *,
        makes_records: bool = False,
        starter: ProcessStarter | None = None,
    ) -> None:
        self._starter = starter or ProcessStarter()
        self._makes_records = makes_records
        self._in_processes = 0  # leases in flight
        self._settings = settings
        self._count = count
        self._lists = lists
        self._lists_out = 0
        self._cookies = cookies
        self._on_note = on_note
        self._workers: list[WorkerHandle | None] = [None] * count
        self._placement = Placement(by_site=cookies is not None)
        self._wakeup = WakeupPipe()
        self._numbers = 0  # of the leases so far
        self._started = 0  # processes so far
        self._in_vain = 0.0  # of those in a row that ended before they reported anything: 1.0 is too many
        self._how = ""  # the last one that ended did so
        self._suspects = Suspects()
        self._ready: list[Done | Unbegun] = []
        self._draining = False
        self._divided_at = -inf  # monotonic time
        self._answers: list[bytes] = []

    def __repr__(self) -> str:
        return f"<ProcessTransport {self._count} processes, {self.in_flight} in flight>"

    # -- ports.Transport ---------------------------------------------------------------------------------

    @property
    def in_flight(self) -> int:
        """As ``ports.Transport``."""
        return self._in_processes + self._lists.in_flight

    @property
    def receiving(self) -> int:
        """As ``ports.Transport``: 0, since the processes report bodies when they are complete."""
        return 0

    def submit(self, work: Work) -> None:
        """As ``ports.Transport``."""
        if work.lease.of_list:
            self._lists_out += 1
            self._lists.submit(work)
            return
        worker = self._worker_for(work.lease.host)
        self._in_processes += 1
        if self._suspects.are_in(work):
            if len(work.attempts) > 1:
                self._ready.append(Unbegun(work, 1))
            worker.held.append(work)
            self._begin_held(worker)
        else:
            self._begin(worker, work, len(work.attempts))

    def wait(self, timeout: float | None) -> Sequence[Done | Unbegun]:
        """As ``ports.Transport``."""
        self._divide_bandwidth()
        end = inf if timeout is None else time.monotonic() + timeout
        before, woken = self.in_flight, False
        while True:
            left = 0.0 if self._ready else max(0.0, end - time.monotonic())
            woken |= self._poll(0.0 if self._lists_out else left)
            if self._lists_out:
                ended = self._lists.wait(min(left, LIST_TURN))
                self._lists_out -= len(ended)
                self._ready += ended
            if self._ready or woken or self.in_flight < before or time.monotonic() >= end:
                back, self._ready = self._ready, []
                return back

    @property
    def processes(self) -> int:
        """As ``ports.Transport``: those that were started."""
        return max(1, len(self._alive()))

    def wake(self) -> None:
        """As ``ports.Transport``."""
        self._wakeup.wake()

    def discount_hanging(self) -> None:
        """As ``ports.Transport``."""
        self._lists.discount_hanging()
        for worker in self._alive():
            if worker.out:
                worker.ask(Ask.DISCOUNT_HANGING)

    def drain(self) -> None:
        """As ``ports.Transport``."""
        self._lists.drain()
        if self._draining:
            return
        self._draining = True
        for worker in self._alive():
            worker.ask(Ask.DRAIN)
            self._return_held(worker)

    def abort(self) -> None:
        """As ``ports.Transport``; nothing comes back any more."""
        self._lists.abort()
        for worker in self._alive():
            worker.ask(Ask.ABORT)

    # -- what the run asks beside ---------------------------------------------------------------------------

    @property
    def cpu(self) -> float:
        """The CPU time of the worker process that has used most, in seconds."""
        return max((worker.cpu for worker in self._alive()), default=0.0)

    def prefers(self, host: HostKey) -> bool:
        """Whether a host is with a process that has no more leases in flight than its share, so that none idles."""
        number = self._placement.number_of(host, self._count)
        worker = None if number is None else self._workers[number]
        return worker is None or worker.in_flight * self._count <= self._in_processes

    def activity(self) -> list[Activity]:
        """Return what each request in flight waits for, as far as the processes answer."""
        found: list[Activity] = []
        asked = [worker for worker in self._alive() if worker.out]
        for worker in asked:
            worker.ask(Ask.ACTIVITY)
        self._answers = []
        end = time.monotonic() + ANSWER_WITHIN
        while len(self._answers) < len(asked) and (left := end - time.monotonic()) > 0:
            self._poll(left)
        for answer in self._answers:
            found += pickle.loads(answer)  # noqa: S301 - our own child's
        return found

    def close(self) -> None:
        """End all processes, and take their cookies over. Never raises for a process that does not end as it should."""
        for worker in self._alive():
            with suppress(OSError, EOFError, ProcessError):
                worker.ask(Ask.END)
                worker.flush()
        for worker in self._alive():
            self._take_cookies(worker)
            worker.end()
        self._workers = [None] * self._count

    # -- processes ------------------------------------------------------------------------------------------

    def _alive(self) -> list[WorkerHandle]:
        return [worker for worker in self._workers if worker is not None]

    def _worker_for(self, host: HostKey) -> WorkerHandle:
        """Return the process for a host, which is started unless it runs. Raises ProcessError."""
        number = self._placement.place(host, self._loads())
        worker = self._workers[number]
        if worker is not None:
            return worker
        try:
            if self._in_vain >= 1.0:
                raise ChildProcessError(
                    f"several in a row have ended as soon as they were started, the last one {self._how}"
                )
            started = WorkerHandle(self._start(), self._starter)
        except OSError as error:
            reason = system_reason(error)
            others = self._alive()
            if not others:
                raise ProcessError(reason) from error
            self._count = len(others)
            self._on_note(
                f"{self._count} of {len(self._workers)} worker processes, as no more can be started: {reason}"
            )
            self._workers = list(others)
            self._placement.clear()
            return self._worker_for(host)
        self._workers[number] = started
        self._divided_at = -inf
        if self._draining:
            started.ask(Ask.DRAIN)
        return started

    def _start(self) -> Start:
        self._started += 1
        cookies = None if self._cookies is None else self._cookies.cookies(time.time())
        return Start(self._settings, self._started, cookies, self._settings.limits.bandwidth, self._makes_records)

    def _loads(self) -> list[int]:
        return [0 if worker is None else worker.in_flight for worker in self._workers]

    def _begin(self, worker: WorkerHandle, work: Work, begins: int) -> None:
        self._numbers += 1
        worker.begin(self._numbers, work, begins)

    def _begin_held(self, worker: WorkerHandle) -> None:
        """Begin the next lease on a suspect, if none is out: if the process dies, it is known which one it was."""
        if worker.suspect is None and worker.held:
            work = worker.held.popleft()
            self._begin(worker, work, min(1, len(work.attempts)))
            worker.suspect = self._numbers

    def _return_held(self, worker: WorkerHandle) -> None:
        self._ready += [Done(work, ()) for work in worker.held]
        self._in_processes -= len(worker.held)
        worker.held.clear()

    # -- messages -------------------------------------------------------------------------------------------

    def _poll(self, seconds: float) -> bool:
        """Send and receive, and wait up to ``seconds`` for something to do; return whether ``wake`` was called."""
        poller = poll()
        poller.register(self._wakeup.fd, IN)
        by_fd: dict[int, WorkerHandle] = {}
        for worker in self._alive():
            try:
                events = IN if worker.flush() else IN | OUT
            except OSError:
                events = IN  # it is gone, as the end of its stream will tell
            fd = worker.channel.fileno()
            by_fd[fd] = worker
            poller.register(fd, events)
        woken = False
        for fd, _ in poller.poll(None if seconds == inf else seconds * 1000):
            if fd == self._wakeup.fd:
                woken |= self._wakeup.drain()
            else:
                self._receive(by_fd[fd])
        return woken

    def _receive(self, worker: WorkerHandle) -> None:
        try:
            messages = worker.channel.receive()
        except (EOFError, OSError):
            self._replace(worker)
            return
        for message in messages:
            ask, what = loads(message)
            if ask == Ask.REPORT:
                self._take(worker, Report(*what))
            elif ask == Ask.ACTIVITY:
                self._answers.append(what)
            elif ask == Ask.FAILED:
                worker.failure = what

    def _take(self, worker: WorkerHandle, report: Report) -> None:
        self._in_vain = 0.0
        before = worker.in_flight
        back = worker.take(report)
        if worker.held:
            self._begin_held(worker)
        self._in_processes += worker.in_flight - before
        self._suspects.note_results(back)
        self._ready += back

    def _take_cookies(self, worker: WorkerHandle) -> None:
        """Take over the cookies of a process, which keeps those of its own sites; see ``Placement``."""
        store, now = self._cookies, time.time()
        if store is None:
            return
        end = time.monotonic() + ANSWER_WITHIN
        poller = poll()
        poller.register(worker.channel.fileno(), IN)
        with suppress(EOFError, OSError):
            while (left := end - time.monotonic()) > 0:
                poller.poll(left * 1000)
                for ask, what in map(loads, worker.channel.receive()):
                    if ask == Ask.END:
                        number = self._workers.index(worker)
                        for cookie in (Cookie(*fields) for fields in what):
                            if self._placement.number_of_site(cookie.domain, len(self._workers)) == number:
                                store.put(cookie, now)
                        return

    # -- processes that died ---------------------------------------------------------------------------------

    def _replace(self, worker: WorkerHandle) -> None:
        """Return what a dead process had to the scheduler. Its hosts get a new process when they are requested next."""
        number = self._workers.index(worker)
        self._workers[number] = None
        how = self._how = worker.end()
        if not worker.proven:
            self._in_vain += 1 / (KILLS if worker.killed else TRIES)
        self._in_processes -= worker.in_flight
        self._ready += [Done(work, ()) for work in worker.held]
        self._on_note(f"a worker process {how}; what it had in flight is requested again: {len(worker.out):,} leases")
        for lease_number, out in worker.out.items():
            self._ready.append(self._suspects.given_back(out, how, alone=lease_number == worker.suspect))

    # -- bandwidth --------------------------------------------------------------------------------------------

    def _divide_bandwidth(self) -> None:
        total = self._settings.limits.bandwidth
        if total is None or (now := time.monotonic()) < self._divided_at + DIVIDE_EVERY:
            return
        workers = self._alive()
        if workers:
            seconds = now - self._divided_at
            used = [(worker.received - worker.counted) / seconds for worker in workers]
            shares = divide(total, [worker.share for worker in workers], used)
            for worker, share in zip(workers, shares, strict=True):
                worker.share, worker.counted = share, worker.received
                worker.ask(Ask.BANDWIDTH, share)
            self._divided_at = now


class BusiestClock(SystemClock):
    """A clock whose CPU time is that of the busiest process of the run: that one sets the pace, if any does."""

    def __init__(self, transport: ProcessTransport) -> None:
        self._transport = transport

    def cpu(self) -> float:
        """As ``ports.Clock``."""
        return max(time.process_time(), self._transport.cpu)
