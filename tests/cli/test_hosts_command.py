"""``scrapepool hosts``: what a host memory knows, and what it is to forget."""

from __future__ import annotations

import json
import sqlite3

import pytest
from place import Place

from tests.servers.polite import PoliteServer

HOSTS = {
    "https://a.test": None,
    "http://a.test:8080": None,
    "https://b.test": '{"agent":"x","delay":2.5,"rules":[["/a",false]]}',
}


@pytest.fixture
def remembered(place: Place, web: PoliteServer) -> Place:
    """A memory with the host of a real run, and some more."""
    assert place.run("fetch", "-q", web.url("/a"), "-o", "r.jsonl", "--host-memory", "memory").code == 0
    with sqlite3.connect(place.folder / "memory") as db:
        for origin, robots in HOSTS.items():
            parked, down = (9e9, None) if origin == "http://a.test:8080" else (0, 1e9 if "b" in origin else None)
            db.execute(
                "INSERT INTO host VALUES (?, 4e9, 0.25, 2, 0.5, 0, ?, ?, ?, ?)",
                (origin, parked, down, 1e9 if robots else None, robots),
            )
    db.close()
    return place


def test_hosts_are_shown(remembered: Place, web: PoliteServer) -> None:
    """All, or those of a name, for people and for programs."""
    ran = remembered.run("hosts", "show", "memory")
    assert (ran.code, ran.err) == (0, "")
    head, *lines, last = ran.out.splitlines()
    assert head.split() == ["host", "seen", "latency", "in", "flight", "interval", "robots.txt", "state"]
    assert last == "4 hosts"
    assert any(line.startswith(web.url("")) for line in lines)
    by_host = {line.split()[0]: line for line in lines}
    assert "parked for" in by_host["http://a.test:8080"]
    assert "down since" in by_host["b.test"]
    assert "1 rules" in by_host["b.test"]

    everything = json.loads(remembered.run("hosts", "show", "memory", "--json").out)
    assert [one["host"] for one in everything] == sorted([*HOSTS, web.url("")])
    (b,) = json.loads(remembered.run("hosts", "show", "memory", "B.test", "--json").out)
    assert b == {
        "host": "https://b.test", "seen": "2096-10-02T07:06:40Z", "latency": 0.25, "in_flight": 2, "interval": 0.5,
        "free_at": None, "parked_until": None, "down_since": "2001-09-09T01:46:40Z",
        "robots_read": "2001-09-09T01:46:40Z", "robots_rules": 1, "crawl_delay": 2.5,
    }  # fmt: skip


def test_hosts_are_forgotten(remembered: Place) -> None:
    """They are those of a name with any port, one origin, or all. A host that is not there is reported."""
    assert remembered.run("hosts", "forget", "memory", "a.test:8080").out == "hosts forgotten: 1\n"
    assert remembered.run("hosts", "forget", "memory", "https://b.test", "--json").out == '{"forgotten": 1}\n'
    for action in ("forget", "show"):
        ran = remembered.run("hosts", action, "memory", "http://a.test")
        assert (ran.code, ran.err) == (1, "scrapepool: memory knows nothing of http://a.test\n")
    assert remembered.run("hosts", "forget", "memory", "--all").out == "hosts forgotten: 2\n"
    assert remembered.run("hosts", "show", "memory", "--json").out == "[]\n"


def test_wrong_files_are_reported(place: Place) -> None:
    """No file is created, and a file of another kind is not changed."""
    assert place.complaint("hosts", "show", "nowhere") == "nowhere: No such file or directory"
    place.write("rain", "rain")
    assert place.complaint("hosts", "show", "rain").startswith("rain: not a host memory")
    assert place.complaint("hosts", "forget", "rain").startswith("forget needs a HOST, or --all")
    assert place.complaint("hosts", "forget", "rain", "a.test", "--all").startswith("forget needs a HOST, or --all")
    assert place.complaint("hosts", "show", "rain", "--all").startswith("--all is only for forget")
    assert not (place.folder / "nowhere").exists()


def test_names_and_times_that_are_invalid(remembered: Place) -> None:
    """A database that another program wrote may hold them."""
    assert remembered.complaint("hosts", "show", "memory", "a..b").startswith("a..b is not the name of a host: ")
    with sqlite3.connect(remembered.folder / "memory") as db:
        db.execute("UPDATE host SET seen = 1e300")
    db.close()
    assert json.loads(remembered.run("hosts", "show", "memory", "b.test", "--json").out)[0]["seen"] is None
