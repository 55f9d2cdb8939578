"""What a program hands in: requests are found again among URLs, and nothing of them is kept after that."""

from __future__ import annotations

import time
from typing import Any

from scrapepool.model import RowRequest, Target
from scrapepool.read.items import ItemRows, Request
from scrapepool.read.target_list import TargetList
from scrapepool.settings import InputSettings


def test_requests_and_urls_may_be_mixed() -> None:
    """Each is looked up once, in any order; repeats and what is no URL leave nothing behind."""
    items: list[Any] = []
    for number in range(2000):
        url = f"http://h{number % 7}.test/{number}"
        items.append(Request(url, method="POST", context=number) if number % 3 else url)
    items += [Request("http://h1.test/1", method="POST"), Request("nothing://x", context="bad"), items[1]]
    targets = TargetList.of_urls(iter(items), InputSettings())
    tickets, rejected, rows = [], [], targets._sources[0].rows
    try:
        while not targets.exhausted:
            if batch := targets.poll():
                tickets += [ticket for some in batch.added.values() for ticket in some]
                rejected += batch.rejected
            else:
                time.sleep(0.001)
        assert isinstance(rows, ItemRows)
        assert len(rows.requests) == sum(isinstance(item, Request) for item in items[:2000])
        found = [targets.target(ticket) for ticket in reversed(tickets)]
    finally:
        targets.close()
    assert rows.requests == {}
    assert all(isinstance(target, Target) for target in found)
    for target in found:
        number = int(target.path[1:])
        assert target.request == (RowRequest("POST", context=number) if number % 3 else None)
    assert len(found) == 2000
    assert [one.context for one in rejected] == [None, "bad", 1]
