"""Opens the web archive of a run, and decides what its first record says of the run (``warcinfo``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...engine import Stop
from ...settings import Settings
from ...version import __version__

if TYPE_CHECKING:
    from ...record.warc import ArchiveProcess


def open_archive(settings: Settings, stop: Stop, on_note: Callable[[str], None]) -> ArchiveProcess | None:
    """Start the process that writes the archive of ``--warc``; None without one. Raises as ``ArchiveProcess`` does."""
    if settings.warc.path is None:
        return None
    from ...record.warc import ArchiveProcess  # noqa: PLC0415 - most runs keep none

    info = {
        "software": f"scrapepool/{__version__}",
        "format": "WARC File Format 1.1",
        "conformsTo": "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
        "robots": "classic" if settings.politeness.robots else "ignore",
    }
    if settings.request.user_agent is not None:
        info["http-header-user-agent"] = settings.request.user_agent
    return ArchiveProcess(
        settings.warc,
        info,
        resume=settings.output.resume is not None,
        fsync=settings.output.fsync,
        should_stop=lambda: stop.requested,
        on_note=on_note,
    )
