"""The lists of all shards are written in one pass over those of the run."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from cluster_cases import division, settings_of

from scrapepool.errors import OutputError
from scrapepool.host_share import share_of
from scrapepool.read import TargetList
from scrapepool.record.parts.part_folder import LocalParts, StoredParts
from scrapepool.run.cluster.connection import Shards
from scrapepool.run.cluster.shard_files import divide
from scrapepool.run.cluster.shard_job import list_name

HOSTS = [f"{name}.example" for name in "abcdefgh"]
LINES = [f"https://{host}/{number}" for rank, host in enumerate(HOSTS) for number in range(rank + 1)]


def test_each_shard_has_its_rows(tmp_path: Path) -> None:
    """Rows without a host are in the first bucket. The shards that take longest come first; empty ones are left out."""
    (tmp_path / "urls.txt").write_text("\n".join([*LINES, "http://[bad", LINES[0]]))
    found = division(f"{tmp_path}/out/", [str(tmp_path / "urls.txt")], settings_of("out"), Shards(1000, range(1000)))
    assert found.shard_of == list(range(1000))
    expected = {share_of(host, 1000): rank + 1 for rank, host in enumerate(HOSTS)}
    expected[share_of(HOSTS[0], 1000)] += 1
    expected[0] = expected.get(0, 0) + 1
    assert {work.number: work.urls for work in found.works} == expected
    assert [work.seconds for work in found.works] == sorted((work.seconds for work in found.works), reverse=True)
    written = {path.name: path.read_text() for path in (tmp_path / "out" / "_shards").iterdir()}
    assert written.keys() == {list_name(number) for number in expected}
    head, chunk, *rows = written[list_name(share_of(HOSTS[1], 1000))].splitlines()
    assert json.loads(head)[0]["name"] == str(tmp_path / "urls.txt")
    assert (json.loads(chunk)["lines"], rows) == ([2, 3], LINES[1:3])


def test_a_new_run_divides_hosts_by_duration(tmp_path: Path) -> None:
    """And a run that goes on with it does as that did, whatever its list is."""
    settings = settings_of("out").with_(pool={"delay": 10.0})
    first = division("memory://divided/", LINES, settings, Shards(4, None))
    assert len(first.shard_of) == 64
    assert first.works[0].seconds == pytest.approx(70.3)
    again = division("memory://divided/", LINES[:5], settings_of("out"), Shards(4, first.shard_of))
    assert again.shard_of == first.shard_of
    folder = StoredParts("memory://divided/_shards/")
    assert len(folder.names()) == len(first.works)
    folder.delete()
    assert folder.names() == []


def test_what_keeps_lists_from_being_divided(tmp_path: Path) -> None:
    """A stop, and a folder in which nothing can be written."""
    for stopped in (True, False):
        targets, folder = TargetList(LINES, settings_of("out").input, whole=True), LocalParts(str(tmp_path / "x"), None)
        with closing(targets), closing(folder):
            folder.delete()
            if stopped:
                assert divide(targets, settings_of("out"), folder, Shards(4, None), should_stop=lambda: True) is None
                continue
            with pytest.raises(OutputError, match="its folder does not exist"):
                divide(targets, settings_of("out"), folder, Shards(4, None), should_stop=lambda: False)
