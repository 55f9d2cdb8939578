"""The metrics of a run: written to a file with ``--metrics-file``, served with ``--metrics-port``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...ports import View
    from ...run.monitoring.counters import Counters
    from ...settings import DisplaySettings
    from .run_end import RunEnd


@contextmanager
def measured(
    settings: DisplaySettings, view: View, counters: Counters, end: RunEnd
) -> Iterator[tuple[View, str | None]]:
    """Yield the view with metrics added, and the URL at which they are served.

    The URL is None if metrics are not served, or at a port that the user chose. Raises UsageError, OutputError.
    """
    if not settings.has_metrics:
        yield view, None
        return
    from ...run.monitoring.prometheus import MetricsFile, MetricsView  # noqa: PLC0415 - an extra

    if settings.metrics_file is not None:
        end.metrics = MetricsFile(settings.metrics_file, counters)
        view = MetricsView(view, end.metrics)
    if settings.metrics_port is None:
        yield view, None
        return
    from ...run.monitoring.metrics_server import MetricsServer, ServedView  # noqa: PLC0415 - as above

    succeeded = None if end.metrics is None else end.metrics.succeeded
    with closing(MetricsServer(settings.metrics_port, counters, succeeded)) as server:
        yield ServedView(view, server), None if settings.metrics_port else server.url
