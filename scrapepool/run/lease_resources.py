"""What all requests of a run share: cookies, files for bodies, the session with its connections, and threads.

Decides in which order these are opened and closed. Knows neither targets nor the scheduler.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from typing import TYPE_CHECKING

from ..frozen import frozen
from ..settings import FileSettings, Settings
from ..transport.exchange.cookies import CookieStore
from ..transport.exchange.partial_files import PartialFiles
from ..transport.net.bandwidth import Bandwidth
from ..transport.net.session import PooledSession
from ..transport.work.context import MAX_BLOCKING, LeaseContext
from ..validators import Known
from .cookie_jar import cookies_for, saved_cookies
from .host_limits import most_per_host

if TYPE_CHECKING:
    from .expectations import Unexpected

Share = Callable[[PooledSession, CookieStore], AbstractContextManager[None]]
"""Makes a run's session and cookies use those of its caller, for the time of the block."""


@frozen
class LeaseResources:
    """What leases need. executor: its first thread is for the engine, the others run calls that block."""

    context: LeaseContext
    executor: Executor


@contextmanager
def lease_resources(
    settings: Settings,
    now: float,
    on_note: Callable[[str], None],
    *,
    has_file: Callable[[Known], bool] | None = None,
    share: Share | None = None,
) -> Iterator[LeaseResources]:
    """Open the resources, and close them at the end of the block.

    now: monotonic time. has_file: see ``LeaseContext``. share: see its type; None for resources of this run only.
    Raises UsageError, OutputError, LockedError, OSError.
    """
    cookies = cookies_for(settings.request, on_note)
    if share is not None and cookies is None:
        cookies = CookieStore()
    bandwidth = settings.limits.bandwidth
    with (
        saved_cookies(cookies, settings.request),
        _partial_files(settings.files) as partial_files,
        PooledSession(
            settings.pool.workers,
            most_per_host(settings),
            tls_resume=settings.request.tls_resume,
            deny_private=settings.request.deny_private,
            bandwidth=None if bandwidth is None else Bandwidth(bandwidth, now),
        ) as session,
        nullcontext() if share is None or cookies is None else share(session, cookies),
        closing(_Threads(1 + MAX_BLOCKING, thread_name_prefix="scrapepool")) as executor,
    ):
        context = LeaseContext(
            session,
            settings,
            jar=cookies,
            partial_files=partial_files,
            has_file=has_file,
            executor=executor,
            unexpected=_unexpected(settings),
        )
        if partial_files is not None:
            partial_files.folder.on_full = context.evict_idle
        yield LeaseResources(context, executor)


class _Threads(ThreadPoolExecutor):
    """The threads of a run."""

    def close(self) -> None:
        """Shut down without waiting for threads that are blocked."""
        self.shutdown(wait=False, cancel_futures=True)


def _partial_files(settings: FileSettings) -> AbstractContextManager[PartialFiles | None]:
    """Open the folder of partial files, if bodies are saved."""
    if settings.save_dir is None:
        return nullcontext()
    from .save_dir import parts_in  # noqa: PLC0415 - rarely needed

    return parts_in(settings)


def _unexpected(settings: Settings) -> Unexpected | None:
    if not settings.output.expect:
        return None
    from .expectations import unexpected_of  # noqa: PLC0415 - rarely needed

    return unexpected_of(settings.output.expectations)
