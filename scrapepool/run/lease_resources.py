"""What all requests of a run share: cookies, files for bodies, the session with its connections, and threads.

Decides in which order these are opened and closed. Knows neither targets nor the scheduler.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from typing import TYPE_CHECKING

from ..frozen import frozen
from ..settings import FileSettings, RequestSettings, Settings
from ..transport.net.bandwidth import Bandwidth
from ..transport.net.session import PooledSession
from ..transport.work.context import MAX_BLOCKING, LeaseContext
from .host_limits import most_per_host

if TYPE_CHECKING:
    from ..transport.exchange.cookies import CookieStore
    from ..transport.exchange.partial_files import PartialFiles
    from ..validators import Known
    from .expectations import Unexpected

Share = Callable[[PooledSession, "CookieStore"], AbstractContextManager[None]]
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
    cookies = _cookies(settings.request, on_note, shared=share is not None)
    bandwidth = settings.limits.bandwidth
    with (
        _saved(cookies, settings.request),
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


def _cookies(settings: RequestSettings, on_note: Callable[[str], None], *, shared: bool) -> CookieStore | None:
    """Return the cookies that all requests share; None if each URL has its own. Raises UsageError for a bad file."""
    if not shared and settings.cookies is None and settings.save_cookies is None:
        return None
    from ..transport.exchange.cookies import CookieStore  # noqa: PLC0415 - rarely needed
    from .cookie_jar import cookies_for  # noqa: PLC0415

    cookies = cookies_for(settings, on_note)
    return CookieStore() if cookies is None else cookies


def _saved(cookies: CookieStore | None, settings: RequestSettings) -> AbstractContextManager[None]:
    """Write the cookies to their file at the end of the block, if that is wanted."""
    if cookies is None:
        return nullcontext()
    from .cookie_jar import saved_cookies  # noqa: PLC0415 - rarely needed

    return saved_cookies(cookies, settings)


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
