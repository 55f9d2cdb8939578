"""A report as Markdown: for a pull request, a wiki or a mail.

Decides the markup. All text out of records is written so that Markdown interprets no character of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...lazy_pattern import lazy_pattern
from ..escaping import markdown_code
from .all_tables import all_tables
from .list_tables import ranked_hosts
from .table import Cell, Figures, Table, more_rows

_PLAIN = lazy_pattern(r"[\w .,:%()/+-]*", re.ASCII)


def markdown_page(reports: Sequence[Figures]) -> Iterator[str]:
    """Yield the report in pieces."""
    names = [markdown_code(str(one["records"])) for one in reports]
    if len(reports) == 1:
        yield f"# Report on {names[0]}\n"
    else:
        yield f"# Report on two runs\n\nA is {names[0]}, B is {names[1]}.\n"
    for table in all_tables(reports, ranked_hosts(reports)):
        yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    yield f"\n## {table.title}\n\n"
    if table.note:
        yield f"{table.note}\n\n"
    yield _row(name or " " for name in table.columns)
    yield _row("---:" if name in table.numbers else "---" for name in table.columns)
    for row in table.rows[: table.most]:
        yield _row(map(_cell, row))
    if more := more_rows(len(table.rows) - table.most, "row"):
        yield f"\n{more}\n"


def _row(cells: Iterator[str] | map[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _cell(cell: Cell) -> str:
    return cell.text if _PLAIN.fullmatch(cell.text) and cell.url is None else markdown_code(cell.text)
