"""All outputs of a run, opened together: the archive, stores, and behind them the records.

Decides which outputs the settings name and the order in which they are opened and written. How each writes is
``record``'s to decide, how a run that resumes finds its records ``journal``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from ..engine import Stop
from ..errors import UsageError
from ..model import Outcome
from ..ports import Archive, Sink, Store
from ..read.finished import Finished
from ..record import Fanout, template_sink
from ..settings import Settings
from ..version import __version__
from .journal import pass_over, records_sink


class Outputs:
    """Keeps ``ports.Sink`` over all outputs. archive: what exchanges go to, None where nobody wants them."""

    def __init__(self, sink: Sink, archive: Archive | None) -> None:
        self._sink = sink
        self.archive = archive

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """As ``ports.Sink``."""
        self._sink.write(outcomes)

    def close(self) -> None:
        """Finish the archive, then what speaks of it; then raise the first error."""
        try:
            if self.archive is not None:
                self.archive.close()
        finally:
            self._sink.close()


def open_outputs(
    settings: Settings,
    finished: Finished,
    *,
    stop: Stop,
    should_stop: Callable[[], bool],
    on_note: Callable[[str], None],
) -> Outputs:
    """Open every output of a run; where one cannot be opened, none stays open.

    The parameters and errors are ``journal.records_sink``'s. To add a store, open it here, before the records; the one
    that names files is first, since the others write the names.
    """
    output, method = settings.output, settings.request.method
    stores: list[Store] = []
    records: list[Sink] = []
    with ExitStack() as opened:
        if settings.files.save_dir is not None:
            from ..record.files import Files  # noqa: PLC0415 - rarely needed

            stores.append(Files(settings.files, method=method, fsync=output.fsync == "always"))
            opened.callback(stores[-1].close)
        if output.sqlite is not None:
            from ..record.sqlite import SqliteStore  # noqa: PLC0415 - rarely needed

            if not settings.input.dedupe:
                raise UsageError("--sqlite holds one record a URL, and --no-dedupe fetches it more than once")
            stores.append(SqliteStore(output.sqlite, output, method=method, should_stop=should_stop))
            opened.callback(stores[-1].close)
        if output.template is not None:  # checked before a file is emptied
            shown = template_sink(output, method=method, should_stop=should_stop)
            records.append(shown)
        if output.path is not None or output.to_stdout:
            sink = records_sink(settings, finished, stop=stop, should_stop=should_stop, on_note=on_note)
            records.insert(0, sink)
        elif output.resume is not None:
            pass_over(settings, finished, stop=stop, on_note=on_note)
        for sink in records:
            opened.callback(sink.close)
        archive = _archive(settings, stop, on_note)
        opened.pop_all()
    return Outputs(records[0] if not stores and len(records) == 1 else Fanout(stores, records), archive)


def _archive(settings: Settings, stop: Stop, on_note: Callable[[str], None]) -> Archive | None:
    if settings.warc.path is None:
        return None
    from ..record.warc import WarcArchive  # noqa: PLC0415 - most runs keep none

    said = {
        "software": f"scrapepool/{__version__}",
        "format": "WARC File Format 1.1",
        "conformsTo": "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
        "robots": "classic" if settings.politeness.robots else "ignore",
    }
    if settings.request.user_agent is not None:
        said["http-header-user-agent"] = settings.request.user_agent
    return WarcArchive(
        settings.warc,
        said,
        resume=settings.output.resume is not None,
        fsync=settings.output.fsync,
        should_stop=lambda: stop.asked,
        on_note=on_note,
    )
