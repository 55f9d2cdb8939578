"""What a command line says about a run besides its settings."""

from __future__ import annotations

from collections.abc import Sequence

from ...frozen import frozen
from ..parameters.files_read import FileRead


@frozen
class Invocation:
    """The facts about one command line.

    files_read: files that were read besides the lists. notes: the first lines of the log. names_column: whether it has
    ``--url-field``, so that a list without columns is reported.
    """

    files_read: Sequence[FileRead] = ()
    notes: Sequence[str] = ()
    names_column: bool = False
