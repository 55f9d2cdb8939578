"""One run of ``fetch`` on a cluster, from its settings to its exit code.

Decides what is checked before the cluster is contacted. Such a run ends like a run in one process.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from ...engine import Stop
from ...errors import UsageError
from ...extras import how_to_install
from ...plural import counted
from ...ports import View
from ...read import OpenDocument, TargetList
from ...read.seen.finished import Finished
from ...render.choose import view_for
from ...settings import Settings
from ..arguments.file_conflicts import check_files
from ..arguments.list_arguments import ListFormats, all_names, source_names, standard_input
from ..exits import Exit
from ..parameters.files_read import FileRead
from .invocation import Invocation
from .long_steps import step
from .run_end import RunEnd, conclude, exit_code
from .run_log import RunLog
from .stop_signals import StopSignals

PARSED_HERE = frozenset({"--config", "--data", "--since", "--netrc", "--host-memory"})
"""Options whose files are read before the run is divided, or from the home folder of each worker."""


def run_once(
    sources: Sequence[str],
    settings: Settings,
    invocation: Invocation,
    end: RunEnd,
    view: View | None,
) -> int:
    """As ``fetch_run.run_once``. Raises ClusterError as well."""
    if find_spec("distributed") is None:
        raise UsageError(f"--cluster needs Dask's distributed: {how_to_install('cluster')}")
    from ...run.cluster.client import run_on_cluster  # noqa: PLC0415 - an extra
    from ...run.cluster.supported import check_supported  # noqa: PLC0415

    check_supported(settings)
    check_files(all_names(sources, settings.input), settings, invocation.files_read)
    view = view or view_for(settings.display, sys.stderr)
    stop, stdin = Stop(), standard_input(sources, settings.input)
    with RunLog(settings.display, view, invocation.notes) as log, StopSignals(stop) as signals:
        formats = ListFormats(log.note if invocation.names_column else None)
        if settings.politeness.host_memory is not None:
            log.note("--host-memory is read to divide the hosts; the shards neither read nor write it")

        def make_targets(open_document: OpenDocument) -> TargetList:
            return TargetList(
                sources,
                settings.with_(input={"dedupe": False}).input,  # the shards find duplicates
                stdin=stdin,
                on_note=log.note,
                method=settings.request.method,
                open_document=open_document,
                on_format=formats.add,
                whole=True,
            )

        try:
            result = run_on_cluster(
                make_targets,
                settings,
                _shared_files(settings, invocation.files_read),
                view=view,
                stop=stop,
                on_note=log.note,
                step=partial(step, view, note=log.note),
            )
        except BaseException:
            view.close(None)
            raise
        end.last = last = replace(result.last, passed_over=result.passed_over)
        end.lists = source_names(sources, settings.input, formats)
        if result.passed_over:
            log.note(f"{counted(result.passed_over, 'URL of the lists is', 'URLs of the lists are')} done already")
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


def _shared_files(settings: Settings, files_read: Sequence[FileRead]) -> list[str]:
    """List the files and folders of this machine that each worker has to see."""
    files = [path for option, path in files_read if option not in PARSED_HERE]
    return files if settings.warc.path is None else [*files, str(Path(settings.warc.path).parent)]
