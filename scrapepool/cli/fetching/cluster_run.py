"""One run of ``fetch`` on a cluster, from its settings to its exit code.

Decides what is checked before a cluster is asked, and that the end of such a run is that of a run in one process.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec

from ...engine import Stop
from ...errors import UsageError
from ...extras import how_to_install
from ...ports import View
from ...read.seen.finished import Finished
from ...render.choose import view_for
from ...settings import Settings
from ...storage.urls import is_storage
from ..arguments.file_conflicts import check_files
from ..arguments.list_arguments import all_names, source_names
from ..exits import Exit
from ..parameters.files_read import FileRead
from .run_end import RunEnd, conclude, exit_code
from .run_log import RunLog
from .signals import Signals

PARSED_HERE = frozenset({"--config", "--data", "--since", "--netrc"})
"""Files that are read before the run is divided, or in the home of each worker."""


def run_once(
    sources: Sequence[str],
    settings: Settings,
    files_read: Sequence[FileRead],
    end: RunEnd,
    *,
    note: str | None,
    view: View | None,
) -> int:
    """As ``fetch_run.run_once``. Raises ClusterError as well."""
    if find_spec("distributed") is None:
        raise UsageError(f"--cluster needs Dask's distributed: {how_to_install('cluster')}")
    from ...run.cluster.client import run_on_cluster  # noqa: PLC0415 - an extra
    from ...run.cluster.supported import check_supported  # noqa: PLC0415

    check_supported(settings, sources)
    check_files(all_names(sources, settings.input), settings, files_read)
    view = view or view_for(settings.display, sys.stderr)
    stop = Stop()
    with RunLog(settings.display, view, note) as log, Signals(stop) as signals:
        try:
            result = run_on_cluster(
                sources, settings, _shared_files(sources, settings, files_read), view=view, stop=stop, on_note=log.note
            )
        except BaseException:
            view.close(None)
            raise
        end.last = last = replace(result.last, passed_over=result.passed_over)
        end.lists = source_names(sources, settings.input)
        if result.passed_over:
            log.note(f"{result.passed_over:,} URLs of the lists are done already")
        view.close(last)
        for reason in result.left:
            log.note(f"{reason}; the remaining URLs are left for another run (--resume)")
        finished = Finished()
        finished.passed_over, finished.failures = result.passed_over, result.failures
        code = exit_code(last, signals.exit_code, finished, spent=result.spent)
        if result.lost and signals.exit_code is None:
            code = Exit.TEMPFAIL
        conclude(settings, log, last, code, stop)
        return code


def _shared_files(sources: Sequence[str], settings: Settings, files_read: Sequence[FileRead]) -> list[str]:
    """List the files of this machine that each worker has to read."""
    lists = [name for name in all_names(sources, settings.input) if "://" not in name and not is_storage(name)]
    return [*lists, *(path for option, path in files_read if option not in PARSED_HERE)]
