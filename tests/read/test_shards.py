"""The lists of a run that reads one share of the hosts."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings

from scrapepool.host_share import HostShare, share_of
from scrapepool.read import TargetList
from scrapepool.read.seen.finished import Finished
from scrapepool.settings import InputSettings
from tests.lists import lists_of
from tests.read.reading import Reading, read
from tests.read.test_target_list import LINES

COUNT = 3
SHARDS = [InputSettings(shard=HostShare(number, COUNT)) for number in range(1, COUNT + 1)]


def _rows(reading: Reading) -> tuple[list[object], list[object]]:
    found = [(target.line, target.url, target.source) for target in reading.found]
    return found, [(one.target.line, one.target.url, one.detail) for one in reading.rejected]


@settings(max_examples=60, deadline=None)
@given(lines=LINES)
def test_shards_divide_a_list(lines: list[str]) -> None:
    """Each line is found or rejected by one of them, as it would be without shards, and counted by the others."""
    text = "\n".join(lines).encode()

    def reading(own: InputSettings) -> tuple[list[object], list[object], int]:
        targets = TargetList(["-"], own, stdin=BytesIO(text))
        return *_rows(Reading(targets).to_the_end()), targets.of_other_shards

    whole, rejected, _ = reading(InputSettings())
    parts = list(map(reading, SHARDS))
    assert sorted(whole, key=str) == sorted((row for found, _, _ in parts for row in found), key=str)
    assert rejected == sorted((row for _, rejected, _ in parts for row in rejected), key=lambda row: row[0])
    for found, mine, others in parts:
        assert len(found) + len(mine) + others == len(whole) + len(rejected)


def test_every_format_is_divided_alike(tmp_path: Path) -> None:
    """By the name of the host alone."""
    urls = [f"https://{'www.' if n % 2 else ''}h{n // 2 % 5}.example:{8000 + n}/p?a={n}&b" for n in range(40)]
    wanted = [url for url in urls if share_of(f"h{urls.index(url) // 2 % 5}.example", COUNT) == 1]
    assert 0 < len(wanted) < len(urls)
    for path in lists_of(urls, tmp_path):
        reading = read(path, shard=HostShare(2, COUNT))
        assert sorted(target.url for target in reading.found) == sorted(wanted), path
        assert all(
            target.url == urls[target.line - 1 - ("sv" in path.name)] for target in reading.found if target.line
        ), path


def test_lines_of_other_shards_are_passed_over_quickly(tmp_path: Path) -> None:
    """A spelling of a host is parsed once; lines that are no URL are still rejected, by the first shard."""
    mine, other = sorted(("a.example", "b.example", "c.example", "d.example"), key=lambda name: share_of(name, 2))[::3]
    assert (share_of(mine, 2), share_of(other, 2)) == (0, 1)
    path = tmp_path / "urls.txt"
    lines = [f"http://{other}/{n}" for n in range(50)] + [
        f"http://{mine}/1",
        f"http://{other}/ http://{mine}/",
        f"http://{other}/é",
    ]
    path.write_text("\n".join([*lines, f"http://{other}/{'x' * 70_000}", f"http://{mine}/2"]))
    finished = Finished()
    targets = TargetList(
        [str(path)], InputSettings(shard=HostShare(1, 2)), finished=finished, on_note=(notes := []).append
    )
    reading = Reading(targets).to_the_end()
    assert [(target.line, target.url) for target in reading.found] == [
        (51, f"http://{mine}/1"),
        (55, f"http://{mine}/2"),
    ]
    assert [one.target.line for one in reading.rejected] == [52, 54]
    assert (targets.of_other_shards, finished.of_other_shards) == (51, 51)
    assert notes == ["shard 1/2: lines in other shards: 51"]


def test_spellings_of_other_hosts_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The cache is emptied when it is full, and the lines are passed over as before."""
    monkeypatch.setattr("scrapepool.read.host_cache.MAX_CACHED_HOSTS", 4)
    path = tmp_path / "urls.txt"
    path.write_text("".join(f"http://h{n % 20}.example/{n}\n" for n in range(100)))
    counts = [len(read(path, shard=one.shard).found) for one in SHARDS]
    assert (sum(counts), min(counts) > 0) == (100, True)
