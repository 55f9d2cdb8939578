"""Lists of every format through the whole program."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from running import here

from tests.lists import lists_of
from tests.servers.polite import PoliteServer

URLS = 500


@pytest.fixture
def web() -> Iterator[PoliteServer]:
    with PoliteServer(5) as server:
        yield server


def test_a_list_of_each_format_gives_the_same_records(
    capfd: pytest.CaptureFixture[str], web: PoliteServer, tmp_path: Path
) -> None:
    """The same 500 URLs, each with one record that is a success."""
    urls = [web.url(f"/page/{n}?a=1&copy={n}", n % 5) for n in range(URLS)]
    for path in lists_of(urls, tmp_path):
        if path.suffix == ".gz":  # that these are the same lists is tested where lists are read
            continue
        ran = here(capfd, "fetch", path, "--no-robots", "-q")
        assert ran.code == 0, path
        assert sorted(record["url"] for record in ran.records) == sorted(urls), path
        assert {record["outcome"] for record in ran.records} == {"ok"}
