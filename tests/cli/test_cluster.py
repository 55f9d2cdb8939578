"""``--cluster``: a run on a Dask cluster with one worker process, and what is refused before one is asked."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from place import Place

from scrapepool.errors import ClusterError
from tests.servers.polite import PoliteServer


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """A scheduler in this process, and a worker process."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as cluster:
        yield cluster


def recorded(place: Place) -> Counter[str]:
    parts = (place.folder / "out").glob("part-*")
    return Counter(json.loads(line)["url"] for part in parts for line in part.read_bytes().splitlines())


def test_a_run_on_a_cluster_and_its_resumption(place: Place, cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every line has one record; the summary, the exit code and the markers are those of a run in one process.

    Standard input is a list like any other.
    """
    with PoliteServer(hosts=4) as server:
        good = [server.url(f"/ok?{number}", number % 4) for number in range(20)]
        place.write("urls.txt", "\n".join([*good, good[0], server.url("/status/404"), "http://[bad"]))
        command = ("fetch", str(place.folder / "urls.txt"), "-o", f"{place.folder}/out/")
        options = ("--cluster", cluster.scheduler_address, "--summary-json", "summary.json", "--rate", "1000")
        ran = place.run(*command, *options)
        assert ran.code == 1, ran.err
        summary = json.loads((place.folder / "summary.json").read_text())
        found = recorded(place)
        assert found == Counter([*good, good[0], server.url("/status/404"), "http://[bad"])
        outcomes = {word: number for word, number in summary["outcomes"].items() if number}
        assert outcomes == {"ok": 20, "http_error": 1, "skipped": 2}
        assert "on worker slots: 1\n" in ran.err
        names = {path.name for path in (place.folder / "out").iterdir()}
        assert "_SUCCESS" in names
        assert not [name for name in names if name.startswith((".", "_shards"))]
        requests = server.requests
        stdin = BytesIO((place.folder / "urls.txt").read_bytes())
        monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": stdin, "isatty": lambda self: False})())
        again = place.run("fetch", "-", *command[2:], *options, "--resume=all", "--host-memory", "hosts.db")
        assert "--host-memory is read to divide the hosts; the shards neither read nor write it" in again.err
        assert (again.code, server.requests) == (1, requests)
        assert "21 URLs of the lists are done already" in again.err
        assert recorded(place) == found
    message = place.complaint(*command, "--resume", "--shard", "1/4")
    assert message.endswith("/out/ holds the parts of a run on a cluster; continue it with --cluster, for which "
                            "local:1 is enough")  # fmt: skip
    message = place.complaint(*command, *options)
    assert message.endswith("/out/ holds the parts of another run: another folder is needed, or --resume to continue "
                            "that run")  # fmt: skip


def test_workers_that_see_other_files(place: Place, cluster: Any) -> None:
    """Nothing is submitted; the worker's folder is not the one of this process."""
    command = ("fetch", "https://example.org/", "-o", "out/", "--cluster", cluster.scheduler_address)
    message = place.complaint(*command)
    assert message.startswith("--cluster: tcp://127.0.0.1:")
    assert message.endswith(" does not see out/ as this machine does; use a folder that all machines share")
    place.write("cookies.txt", "# Netscape HTTP Cookie File\n")
    message = place.complaint(*command, "--cookies", "cookies.txt")
    assert message.endswith(" cannot read cookies.txt; put it into a folder that all machines share")


def test_what_is_refused_before_a_cluster_is_contacted(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """These are a missing extra, options for one process only, and an invalid address."""
    place.write("urls.txt", "https://example.org/")
    message = place.complaint("fetch", "urls.txt", "-o", "out.jsonl", "--cluster", "local:2")
    assert message.startswith("with --cluster, the records need a folder whose name ends with /")
    assert "local:4" in place.complaint("fetch", "urls.txt", "-o", "out/", "--cluster", "elsewhere")
    pattern = ("--glob", "http://127.0.0.1:9/[1-2000000]")
    message = place.complaint("fetch", *pattern, "-o", "out/", "--cluster", "elsewhere")
    assert message.startswith("with --cluster, a pattern of more than a million URLs cannot be read")
    monkeypatch.setattr("scrapepool.cli.fetching.cluster_run.find_spec", lambda _: None)
    message = place.complaint("fetch", "urls.txt", "-o", "out/", "--cluster", "local:2")
    assert message.startswith("--cluster needs Dask's distributed: ")


def test_a_cluster_that_is_lost(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit code is 75, and the summary says what is left; a cluster that does not answer has the same code."""
    from scrapepool.ports import Snapshot
    from scrapepool.run.cluster.client import ClusterResult
    from scrapepool.run.cluster.shard_state import NOTHING

    last = Snapshot(**{**NOTHING, "done": 1, "outcomes": {"ok": 1}})
    result = ClusterResult(last, left=("the cluster has had no worker for 60 s",), lost=True)
    monkeypatch.setattr("scrapepool.run.cluster.client.run_on_cluster", lambda *_, **__: result)
    place.write("urls.txt", "https://example.org/")
    ran = place.run("fetch", "urls.txt", "-o", "out/", "--cluster", "local:2", "--progress", "plain")
    assert ran.code == 75
    assert "no worker for 60 s; the remaining URLs are left for another run (--resume)" in ran.err

    def refuse(*_: object, **__: object) -> None:
        raise ClusterError("tcp://10.0.0.1:8786", "the scheduler does not answer within 10 s")

    monkeypatch.setattr("scrapepool.run.cluster.client.run_on_cluster", refuse)
    ran = place.run("fetch", "urls.txt", "-o", "out/", "--cluster", "tcp://10.0.0.1:8786")
    assert (ran.code, ran.err) == (
        75,
        "scrapepool: --cluster tcp://10.0.0.1:8786: the scheduler does not answer within 10 s\n",
    )
