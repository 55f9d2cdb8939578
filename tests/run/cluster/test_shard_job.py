"""What travels to a worker: everything that a shard needs, and nothing that a log may show."""

from __future__ import annotations

import pickle

from cluster_cases import job, settings_of

from scrapepool.host_share import HostShare
from scrapepool.overrides import HostOverride, HostOverrides
from scrapepool.run.cluster.shard_job import ShardReport, shard_settings


def test_settings_travel_and_secrets_do_not_show() -> None:
    """Also settings of single hosts. Dask logs the representation of a task that fails."""
    hosts = HostOverrides((("*.example.org", HostOverride(delay=2.0, credentials="me:hunter2")),))
    sent = job("out", [])
    settings = sent.settings.with_(request={"headers": (("Cookie", "hunter2"),), "proxy": "http://me:hunter2@proxy/"})
    from dataclasses import replace

    sent = replace(sent, settings=replace(settings, host_overrides=hosts))
    assert "hunter2" not in repr(sent) + repr(ShardReport(0)) + repr((sent, "key"))
    received = pickle.loads(pickle.dumps(sent))
    assert received.settings == sent.settings
    assert received.number == 0


def test_limits_of_the_run_are_divided() -> None:
    """Rate and bandwidth among the shards that run at once; a time becomes an instant that all have in common."""
    settings = settings_of("out").with_(
        pool={"rate": 100.0, "workers": 8}, limits={"bandwidth": 1000.0, "max_time": 60.0, "until": 5000.0}
    )
    own = shard_settings(settings, HostShare(3, 8), 4, now=1000.0)
    assert (own.pool.rate, own.limits.bandwidth, own.pool.workers) == (25.0, 250.0, 8)
    assert (own.limits.max_time, own.limits.until) == (None, 1060.0)
    assert own.input.shard == HostShare(3, 8)
    assert shard_settings(settings_of("out"), HostShare(1, 8), 4).limits.until is None


def test_what_each_shard_has_of_its_own() -> None:
    """A folder for bodies; extraction in its own process, unless the user says otherwise."""
    settings = settings_of("out", links=True).with_(
        files={"save_dir": "pages"}, warc={"path": "crawl.warc.gz"}, start={"cluster": "local:2"}
    )
    own = shard_settings(settings, HostShare(3, 8), 4)
    assert (own.files.save_dir, own.output.extract_workers, own.start.cluster) == ("pages/00002", 0, None)
    assert own.warc.path == "crawl-shard-00002.warc.gz"
    chosen = settings.with_(output={"extract_workers": 3})
    assert shard_settings(chosen, HostShare(3, 8), 4).output.extract_workers == 3
