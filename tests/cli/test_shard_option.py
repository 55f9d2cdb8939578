"""``--shard I/N``: one of N shares of the hosts."""

from __future__ import annotations

import json

import pytest
from place import Place
from running import here

from scrapepool.host_share import share_of

HOSTS = [f"127.0.1.{n}" for n in range(1, 9)]


def test_shards_fetch_each_url_once(capfd: pytest.CaptureFixture[str], place: Place) -> None:
    """Records name the lines of the whole list; the line that is no URL is reported by the first shard."""
    urls = [f"http://{host}:1/{n}" for n in range(2) for host in HOSTS]
    path = place.write("urls.txt", "\n".join([*urls, "mailto:x@example.org", ""]))
    records = []
    for number in (1, 2, 3):
        args = ("--no-robots", "--retries", 0, "--shard", f"{number}/3")
        ran = here(capfd, "fetch", path, *args)
        shares = {share_of(one["url"][7:16], 3) for one in ran.records if one["error"] == "connect_refused"}
        assert (ran.code, shares) == ((1, {number - 1}) if number < 3 else (0, set()))
        assert f"shard {number}/3: lines in other shards: {17 - len(ran.records)}" in ran.err
        records += ran.records
    assert sorted((one["line"], one["url"]) for one in records) == list(enumerate([*urls, "mailto:x@example.org"], 1))
    plan = json.loads(here(capfd, "plan", path, "--offline", "--shard", "2/3", "--json").out)
    assert (plan["urls"], plan["other_shards"], plan["rejected"]) == (8, 9, 0)


def test_an_empty_share_is_no_error(place: Place) -> None:
    """The process with it has nothing to do, and its output is there."""
    share = share_of("127.0.1.1", 4)
    empty = f"{(share + 1) % 4 + 1}/4"
    place.write("urls.txt", "http://127.0.1.1:1/\n")
    ran = place.run("fetch", "urls.txt", "--shard", empty, "-o", "out.jsonl")
    assert (ran.code, (place.folder / "out.jsonl").read_text()) == (0, "")
    assert f"shard {empty}: lines in other shards: 1" in ran.err
    ran = place.run("plan", "urls.txt", "--shard", empty)
    assert (ran.code, ran.out) == (0, f"plan      no URL is in shard {empty}\n")
    place.write("none.txt", "\n")
    assert place.complaint("fetch", "none.txt", "--shard", empty).startswith("no usable URL in none.txt")


def test_failures_of_a_shard(capfd: pytest.CaptureFixture[str], place: Place) -> None:
    """The same share of the hosts; what is no URL is in the first."""
    urls = [f"http://{host}/" for host in HOSTS] + ["nonsense"]
    records = [{"url": url, "outcome": "failed", "error": "dns"} for url in urls]
    path = place.write("out.jsonl", "".join(f"{json.dumps(one)}\n" for one in records))
    outs = [here(capfd, "failed", path, "--shard", f"{number}/2").out.split() for number in (1, 2)]
    assert outs[1] == [url for url in urls[:-1] if share_of(url[7:-1], 2) == 1]
    assert sorted(outs[0] + outs[1]) == sorted(urls)
    assert outs[0][-1] == "nonsense"


@pytest.mark.parametrize("command", ["fetch", "plan", "failed"])
def test_what_is_no_shard_is_refused(place: Place, command: str) -> None:
    """The message says what can be written."""
    assert place.complaint(command, "x", "--shard", "4").startswith("--shard: 4 is not a shard")
    assert "there is no shard 9 of 8" in place.complaint(command, "x", "--shard", "9/8")


def test_a_shard_from_the_environment(place: Place) -> None:
    """A job of Kubernetes sets it there."""
    place.environment["SCRAPEPOOL_FETCH_SHARD"] = "2/4"
    assert json.loads(place.run("config", "--json").out)["options"]["shard"]["value"] == "2/4"
