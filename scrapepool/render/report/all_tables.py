"""All tables of a report, in the order in which every form shows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .list_tables import list_tables
from .overview_tables import overview_tables
from .table import Figures, Table


def all_tables(reports: Sequence[Figures], hosts: Iterable[Table]) -> Iterator[Table]:
    """Yield the tables; those without rows are left out. hosts: the tables of hosts, as a form wants them."""
    for table in (*overview_tables(reports), *hosts, *list_tables(reports)):
        if table.rows:
            yield table
