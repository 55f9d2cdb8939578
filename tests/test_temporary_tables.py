"""Tables on disk: what SQLite reports becomes a sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scrapepool.errors import ListError
from scrapepool.temporary_tables import TemporaryTables


def test_rows_come_back() -> None:
    """All of them, the first one, and none."""
    tables = TemporaryTables("a file", "CREATE TABLE t (n)")
    tables.insert("INSERT INTO t VALUES (?)", [(2,), (1,)])
    tables.execute("CREATE INDEX i ON t (n)")
    assert list(tables.rows("SELECT n FROM t ORDER BY n")) == [(1,), (2,)]
    assert tables.row("SELECT n FROM t WHERE n > ?", 1) == (2,)
    assert tables.row("SELECT n FROM t WHERE n > ?", 2) is None
    tables.close()


@pytest.mark.parametrize(
    "use",
    [
        lambda tables: tables.execute("INSERT INTO t VALUES (randomblob(9000000))"),
        lambda tables: tables.insert("INSERT INTO t VALUES (randomblob(?))", [(9_000_000,)]),
        lambda tables: tables.row("SELECT * FROM missing"),
        lambda tables: list(tables.rows("SELECT * FROM missing")),
    ],
)
def test_an_error_names_the_file_and_where_it_is(use: Callable[[TemporaryTables], object]) -> None:
    """A full disk is simulated by a limit of the size."""
    tables = TemporaryTables("the file of pages", "CREATE TABLE t (n)", "PRAGMA max_page_count = 20")
    with pytest.raises(ListError, match=r"the file of pages.*TMPDIR"):
        use(tables)
    tables.close()
