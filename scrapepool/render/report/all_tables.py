"""All tables of a report in the order of its forms: what failed comes first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .list_tables import list_tables
from .overview_tables import overview_tables
from .table import Figures, Table


def all_tables(reports: Sequence[Figures], hosts: Iterable[Table]) -> Iterator[Table]:
    """Yield the tables; those without rows are left out. hosts: the tables of hosts, as a form wants them."""
    overview, outcomes, *others = overview_tables(reports)
    errors, *lists = list_tables(reports)
    for table in (overview, outcomes, errors, *others, *hosts, *lists):
        if table.rows:
            yield table
