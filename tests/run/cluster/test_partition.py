"""What each shard has to do."""

from __future__ import annotations

from pathlib import Path

from cluster_cases import settings_of

from scrapepool.host_share import share_of
from scrapepool.run.cluster.partition import partition


def test_shards_that_take_longest_come_first(tmp_path: Path) -> None:
    """By their slowest host, or by all of their requests; shards without work are left out."""
    hosts = [f"{name}.example" for name in "abcdefgh"]
    lines = [f"https://{host}/{number}" for rank, host in enumerate(hosts) for number in range(rank + 1)]
    (tmp_path / "urls.txt").write_text("\n".join([*lines, "http://[bad"]))
    works = partition([str(tmp_path / "urls.txt")], settings_of("out"), 1000)
    shares = {share_of(host, 1000): rank + 1 for rank, host in enumerate(hosts)}
    shares[0] = shares.get(0, 0) + 1
    assert {work.number: work.urls for work in works} == shares
    seconds = [work.seconds(32) for work in works]
    assert seconds == sorted(seconds, reverse=True)


def test_a_delay_makes_a_host_slow(tmp_path: Path) -> None:
    """The expected duration goes by the limits of the host."""
    settings = settings_of("out").with_(pool={"delay": 10.0})
    (work,) = partition(["https://a.example/1", "https://a.example/2"], settings, 1)
    assert work.seconds(32) == 20.0
