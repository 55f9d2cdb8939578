"""Downloads lists that are given by URL, without a run: with a session that is created for the first of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from ...ports import Clock, Download, Downloaded
from ...settings import Settings
from ..host_limits import limits_for


@contextmanager
def downloads(settings: Settings, clock: Clock) -> Iterator[Download]:
    """Return a function that downloads lists, valid inside the block."""
    with ExitStack() as opened:
        made: list[Download] = []

        def download(url: str, begin: Callable[[], Callable[[bytes | memoryview], object]]) -> Downloaded:
            if not made:
                made.append(_downloader(settings, clock, opened))
            return made[0](url, begin)

        yield download


def _downloader(settings: Settings, clock: Clock, opened: ExitStack) -> Download:
    from ...transport.net.session import PooledSession  # noqa: PLC0415
    from ...transport.work.context import LeaseContext  # noqa: PLC0415
    from ...transport.work.download import Downloader  # noqa: PLC0415 - requests is for those who need it
    from ..cookie_jar import cookies_for  # noqa: PLC0415

    private = settings.request.deny_private
    session = opened.enter_context(PooledSession(1, 1, deny_private=private))
    limits = limits_for(settings, clock)
    context = LeaseContext(session, settings, jar=cookies_for(settings.request))
    opened.callback(context.abort)
    return Downloader(context, settings, lambda host: limits(host).delay)
