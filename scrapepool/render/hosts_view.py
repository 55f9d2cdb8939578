"""Plain lines with the table of hosts, for a demo whose output is a file or a pipe.

Decides when the table is written; ``hosts_table`` decides what it shows.
"""

from __future__ import annotations

from ..ports import Snapshot
from .hosts_table import hosts_table
from .plain import PlainView

TABLE_INTERVAL = 6.0
"""Seconds between two tables: three of them in a demo."""

FILE_WIDTH = 100
"""Columns of the table: a file has no width."""

MAX_TABLE_LINES = 30
"""Lines of the table at most."""


class HostsView(PlainView):
    """A ``PlainView`` that writes the table of hosts before each line of progress, and before the summary."""

    def close(self, snapshot: Snapshot | None) -> None:
        """Write the table and the summary of ``snapshot``, nothing for None."""
        if snapshot is not None:
            self._table(snapshot)
        super().close(snapshot)

    def progress(self, snapshot: Snapshot) -> None:
        """Write the table, then a line."""
        self._table(snapshot)
        super().progress(snapshot)

    def _table(self, snapshot: Snapshot) -> None:
        unicode = self._stderr.encoding.lower().startswith("utf")
        for line in hosts_table(snapshot, FILE_WIDTH, MAX_TABLE_LINES, ascii_only=not unicode):
            self._line(line.plain.rstrip())
