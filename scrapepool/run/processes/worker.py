"""A worker process: it runs the leases that a run sends it, on an event loop and connections of its own.

Decides nothing about what is requested, or when. It ends when the run closes the stream, and so also when the run is
killed. Signals that stop a run are for the run alone.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from ...fallbacks import STOP_SIGNALS
from ...named_tuple import NamedTuple
from ...ports import Done, Unbegun
from ...record.formats.serializer import Serializer
from ...running_clock import RUNNING_CLOCK
from ...settings import FileSettings, Settings
from ...transport.exchange.cookies import Cookie, CookieStore
from ...transport.exchange.partial_files import PartialFiles
from ...transport.net.bandwidth import Bandwidth
from ...transport.net.session import PooledSession
from ...transport.robots.fetcher import RobotsFetcher
from ...transport.work.activity import in_flight
from ...transport.work.context import LeaseContext
from ...transport.work.loop import Loop
from ...validators import Known
from ..address_space import share_one_arena_if_limited
from ..host_limits import most_per_host
from .channel import Channel
from .codec import Plain, Report, dumps, loads, pack_back, unpack_work
from .messages import Ask

FIRST_TO_GO = "400"
"""The process's oom_score_adj (proc(5)): if memory runs out, the kernel ends this process and not the run."""

NAME = "scrapepool-work"
"""The name of the process in ``ps`` and ``top``, where the run has that of its program."""

COLLECT_AFTER = 20_000
"""Objects between two garbage collections, as in the run itself."""


class Start(NamedTuple):
    """The first message to a worker process.

    number: its place among the worker processes. cookies: the initial cookies that all requests share, None if each URL
    has its own. bandwidth: bytes per second, None for no limit. makes_records: whether it serializes records.
    """

    settings: Settings
    number: int
    cookies: list[Cookie] | None
    bandwidth: float | None
    makes_records: bool = False


def main(descriptor: int) -> None:
    """Serve the other end of a socket until it is closed."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO, encoding="ascii")
        Path("/proc/self/comm").write_text(NAME, encoding="ascii")
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    share_one_arena_if_limited()
    channel = Channel(descriptor)
    code = 1
    try:
        start: Start = pickle.loads(channel.wait())  # noqa: S301 - our own parent's
        with _server(start, channel) as server:
            server.serve()
        code = 0
    except EOFError:
        pass  # the run was killed
    except Exception as error:  # noqa: BLE001 - the run tells it
        with suppress(OSError):
            channel.send(dumps((int(Ask.FAILED), f"{type(error).__name__}: {error}")))
    finally:
        os._exit(code)  # threads may hang in name look-ups


@contextmanager
def _server(start: Start, channel: Channel) -> Iterator[Server]:
    settings = start.settings
    cookies = None if start.cookies is None else CookieStore(start.cookies)
    bandwidth = None if start.bandwidth is None else Bandwidth(start.bandwidth, time.monotonic())
    with (
        RUNNING_CLOCK,
        _parts(settings.files, start.number, repeats=not settings.input.dedupe) as parts,
        PooledSession(
            settings.pool.workers,
            most_per_host(settings),
            tls_resume=settings.request.tls_resume,
            deny_private=settings.request.deny_private,
            bandwidth=bandwidth,
        ) as session,
    ):
        context = LeaseContext(session, settings, jar=cookies, partial_files=parts, has_file=_has_file(settings))
        if parts is not None:
            parts.folder.on_full = context.evict_idle
        loop = Loop(context, RobotsFetcher(context, settings).chain)
        yield Server(channel, loop, context, bandwidth, _serializer(settings) if start.makes_records else None)


class Server:
    """Takes leases from a channel, and reports what comes back."""

    def __init__(
        self,
        channel: Channel,
        loop: Loop,
        context: LeaseContext,
        bandwidth: Bandwidth | None,
        serializer: Serializer | None,
    ) -> None:
        self._channel = channel
        self._loop = loop
        self._context = context
        self._bandwidth = bandwidth
        self._serializer = serializer
        self._out: dict[int, tuple[int, Serializer | None]] = {}  # by the identities of works: number, what serializes
        self._begun = 0
        self._ended = False

    def serve(self) -> None:
        """Serve until the run asks for the end. Raises EOFError if the run is gone, OSError."""
        channel, loop = self._channel, self._loop
        loop.watch(channel.fileno())
        reported = (0, 0)
        back: Sequence[Done | Unbegun] = ()
        while True:
            for message in channel.receive():  # those that came with the first message make nothing readable
                self._handle(loads(message))
            if self._ended:
                return
            state = self._begun, loop.in_flight
            if back or state != reported:
                reported = state
                descriptors: list[int] = []
                packed = [self._pack(one, descriptors) for one in back]
                self._send(Ask.REPORT, tuple(Report(*state, time.process_time(), self._received, packed)), descriptors)
            back = loop.wait(None)

    def _handle(self, message: Plain) -> None:
        loop, context = self._loop, self._context
        ask, what = message
        match ask:
            case Ask.BEGIN:
                for packed in what:
                    number, work, whole = unpack_work(packed)
                    self._out[id(work)] = number, self._serializer if whole else None
                    self._begun += 1
                    loop.submit(work)
            case Ask.DISCOUNT_HANGING:
                loop.discount_hanging()
            case Ask.BANDWIDTH:
                if self._bandwidth is not None:
                    self._bandwidth.change_rate(what)
            case Ask.DRAIN:
                loop.drain()
            case Ask.ABORT:
                loop.abort()
            case Ask.ACTIVITY:
                self._send(Ask.ACTIVITY, pickle.dumps(in_flight(context)))
            case Ask.END:
                cookies = [] if context.jar is None else context.jar.cookies(time.time())
                self._send(Ask.END, [tuple(cookie) for cookie in cookies])
                self._ended = True

    def _pack(self, one: Done | Unbegun, descriptors: list[int]) -> Plain:
        """Spell what came back of a lease, which is forgotten if it has ended."""
        work = id(one.work)
        number, serializer = self._out.pop(work) if isinstance(one, Done) else self._out[work]
        return pack_back(number, one, descriptors, serializer)

    @property
    def _received(self) -> int:
        return 0 if self._bandwidth is None else self._bandwidth.received

    def _send(self, ask: Ask, what: Plain, descriptors: list[int] | None = None) -> None:
        try:
            self._channel.send(dumps((int(ask), what)), descriptors or ())
        finally:
            for descriptor in descriptors or ():
                os.close(descriptor)


def _parts(settings: FileSettings, number: int, *, repeats: bool) -> AbstractContextManager[PartialFiles | None]:
    """Open the folder of partial files beside other processes of the run, which holds its lock."""
    if settings.save_dir is None:
        return nullcontext()
    from ..save_dir import parts_beside  # noqa: PLC0415 - rarely needed

    return parts_beside(settings, number, repeats=repeats)


def _has_file(settings: Settings) -> Callable[[Known], bool] | None:
    """As ``Recrawl.has_file``."""
    if not settings.since.records or settings.files.save_dir is None or settings.request.method.upper() == "HEAD":
        return None
    from ...record.body_files.known_files import KnownFiles  # noqa: PLC0415 - rarely needed

    return KnownFiles(settings.files).has


def _serializer(settings: Settings) -> Serializer | None:
    from ...record import early_serializer  # noqa: PLC0415 - not every run writes records

    return early_serializer(settings)
