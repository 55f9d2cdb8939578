"""Text that a command writes to a file or to standard output, such as a report.

Decides that it is UTF-8, and that a file is replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

BATCH = 1000
"""Pieces of text in one write."""


def write_text(pieces: Iterable[str], path: str | None) -> None:
    """Write the pieces to a file, or to standard output for None. Raises OutputError, BrokenPipeError."""
    from ...record.safe_io.atomic_replace import replaced  # noqa: PLC0415 - a quick --help needs none of these
    from ...record.safe_io.output import Output  # noqa: PLC0415

    left = iter(pieces)
    batches = iter(lambda: [piece.encode("utf-8", "backslashreplace") for piece in islice(left, BATCH)], [])
    if path is None:
        output = Output(None)
        for batch in batches:
            output.write(batch)
        return
    with replaced(path) as file:
        for batch in batches:
            file.writelines(batch)
