"""``scrapepool plan``, through the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from place import Place

from tests.servers.polite import PoliteServer, Request, Response

LIST = """# a list
https://a.example.org/1
https://a.example.org/2
https://A.example.org/2
https://b.example.org/

mailto:someone@example.org
https://[::1/
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.write("urls.txt", LIST)
    return made


def test_a_plan(place: Place) -> None:
    """It counts URLs, hosts and duplicates, and names rejected lines by file and number."""
    ran = place.run("plan", "--offline", "urls.txt", "--delay", "2", "--latency", "500ms")
    assert ran.code == 1
    assert ran.err == ""
    assert (
        ran.out
        == """\
plan      3 URLs on 2 hosts
left out  1 duplicate
rejected  2 lines: unsupported_scheme 1  invalid_url 1
          urls.txt:7: scheme mailto is not supported (only http and https are): mailto:someone@example.org
          urls.txt:8: not a valid IPv6 address: https://[::1/
takes     4.5 s, decided by a.example.org: 2 URLs, 1 per 2 s
          with 32 workers, 0.5 s per request and no failures
size      unknown; --since RECORDS estimates it from an earlier run

host                URLs       takes  how
a.example.org          2       4.5 s  1 per 2 s
b.example.org          1       2.5 s  1 per 2 s
"""
    )


def test_a_plan_for_programs(place: Place) -> None:
    """--json says the same, and more."""
    ran = place.run("plan", "--offline", "urls.txt", "--json", "--hosts", "1", "--rejects", "1", "--delay", "2")
    assert ran.code == 1
    a = {
        "host": "a.example.org:443",
        "urls": 2,
        "seconds": 4.1,
        "delay": 2.0,
        "per_host": 4,
        "window": None,
        "latency": 0.1,
    }
    assert json.loads(ran.out) == {
        "urls": 3,
        "hosts": 2,
        "duplicates": 1,
        "other_shards": 0,
        "rejected": 2,
        "errors": {"unsupported_scheme": 1, "invalid_url": 1},
        "robots": None,
        "seconds": 4.1,
        "decided_by": "host",
        "longest": a,
        "latency": 0.1,
        "sizes": None,
        "disk_free": None,
        "most_urls": [a],
        "rejects": [
            {
                "line": 7,
                "url": "mailto:someone@example.org",
                "error": "unsupported_scheme",
                "detail": "urls.txt:7: scheme mailto is not supported (only http and https are)",
            }
        ],
    }


def test_exit_codes(place: Place) -> None:
    """0 when every line is a URL or a duplicate, 2 when none is one, or there is no list."""
    assert place.run("plan", "--offline", "https://example.org/", "https://example.org/").code == 0
    place.write("none.txt", "mailto:x@example.org\n")
    ran = place.run("plan", "--offline", "none.txt", "--json")
    assert ran.code == 2
    assert json.loads(ran.out)["urls"] == 0
    assert ran.err == "scrapepool: no usable URL in none.txt (read as text); --input-format chooses another format\n"
    ran = place.run("plan", "--offline", "missing.txt")
    assert (ran.code, ran.out) == (2, "")
    assert "missing.txt" in ran.err


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--workers", "1"], "decided by --workers: more of them would help (a.example.org alone needs 0.3 s)"),
        (["--rate", "2"], "2.1 s, decided by --rate 2"),
        (["--per-host", "1"], "0.3 s, decided by a.example.org: 2 URLs, 1 at a time"),
    ],
)
def test_what_decides(options: list[str], why: str, place: Place) -> None:
    """It says what to change for a shorter run."""
    assert why in place.run("plan", "--offline", "urls.txt", *options).out


def test_sections_for_hosts(place: Place) -> None:
    """What the configuration says of a host goes into the plan."""
    place.write("scrapepool.toml", "[host.'a.example.org']\ndelay = 3600\n[host.'*']\nwindow = '00:00-00:01 UTC'\n")
    out = place.run("plan", "--offline", "urls.txt").out
    assert "1 per 3600 s\n" in out
    assert "4 at a time, 00:00-00:01 UTC\n" in out


def test_more_than_is_shown(place: Place) -> None:
    """The tables say how much they leave out."""
    out = place.run("plan", "--offline", "urls.txt", "--hosts", "1", "--rejects", "1").out
    assert "and 1 line more (--rejects)" in out
    assert "and 1 host more (--hosts)" in out


def test_nothing_reaches_the_terminal_raw(place: Place) -> None:
    """Control characters of a list are shown escaped."""
    place.write("evil.txt", "https://example.org/\nhttps://\x1b]0;x\x07\u202e/\n")
    ran = place.run("plan", "--offline", "evil.txt")
    assert "rejected" in ran.out
    assert not {"\x1b", "\x07", "\u202e"} & set(ran.out)


def test_robots(place: Place) -> None:
    """Unless offline, each host is asked for its robots.txt: what it refuses is left out, what it delays is planned."""
    said = {
        0: Response(body=b"User-agent: *\nDisallow: /private\nCrawl-delay: 3\n"),
        1: Response(status=503, body=b""),
        2: Response(status=404, body=b""),
    }

    def handler(request: Request) -> Response | None:
        return said[[site.origin for site in server.sites].index(request.site.origin)]

    with PoliteServer(3, handler=handler) as server:
        pages = ("/", "/private/1", "/private/2", "/public")
        origins = [site.origin for site in server.sites]
        place.write("urls.txt", "\n".join(origin + page for page in pages for origin in origins))
        place.write("scrapepool.toml", "retries = 0\n[host.'*']\nrobots = true\n")
        plan = json.loads(place.run("plan", "urls.txt", "--json").out)
        ran = place.run("plan", "urls.txt")
        offline = json.loads(place.run("plan", "urls.txt", "--json", "--offline").out)
        assert server.asked("/robots.txt") == server.requests == 6
    one, two, _ = (origin.removeprefix("http://") for origin in origins)
    assert (plan["urls"], plan["hosts"], plan["seconds"]) == (6, 2, 6.1)
    assert plan["robots"]["refused"] == 6
    assert [(host["host"], host["refused"], host["crawl_delay"]) for host in plan["robots"]["hosts"]] == [
        (two, 4, 0.0),
        (one, 2, 3.0),
    ]
    assert "503" in plan["robots"]["hosts"][0]["unreachable"]
    assert f"{one}: 2 refused, Crawl-delay 3 s\n" in ran.out
    assert f"{two}: all 4 refused: its robots.txt cannot be fetched: " in ran.out
    assert (offline["urls"], offline["robots"]) == (12, None)


def test_all_refused(place: Place) -> None:
    """A plan without a URL says so."""
    with PoliteServer(handler=lambda _: Response(body=b"User-agent: *\nDisallow: /\n")) as server:
        place.write("scrapepool.toml", "[host.'*']\nrobots = true\n")
        ran = place.run("plan", server.url("/page"))
    assert ran.code == 2
    assert (
        ran.err
        == f"reading options from scrapepool.toml\nscrapepool: no URL that may be fetched in {server.url('/page')}\n"
    )
    assert "1 URL refused by robots.txt of 1 host" in ran.out


def test_sizes_are_estimated_from_earlier_records(place: Place) -> None:
    """A host that they know by its own mean, others by that of all; and what goes to the disk."""
    sizes = {"https://a.example.org/1": 3000, "https://a.example.org/9": 1000, "https://c.example.org/": 500}
    records = [
        {"url": url, "outcome": "ok", "status": 200, "bytes": 2 * size, "wire_bytes": size}
        for url, size in sizes.items()
    ]
    records += [{"url": "https://b.example.org/", "outcome": "skipped", "error": "robots", "wire_bytes": 0}]
    place.write("old.jsonl", "".join(f"{json.dumps(record)}\n" for record in records))
    args = ("plan", "--offline", "urls.txt", "--since", "old.jsonl")
    estimate = json.loads(place.run(*args, "--json").out)
    assert estimate["sizes"] == {
        "received": 5500, "decoded": 11_000, "known_urls": 2,
        "records": round(3 * sum(len(json.dumps(record)) + 1 for record in records) / 4),
    }  # fmt: skip
    assert estimate["disk_free"] is None
    ran = place.run(*args, "--save-dir", "pages", "--warc", "a.warc.gz", "-o", "new.jsonl")
    size, disk = (line for line in ran.out.splitlines() if line.startswith(("size", "disk")))
    assert size.endswith(
        "about 5.5 kB to receive, 1.8 kB per URL as in earlier records (known for the hosts of 2 URLs)"
    )
    assert re.match(r"disk {6}about 16\.\d kB, uncompressed: records \d+ B, pages 11\.0 kB, archive 5\.5 kB; ", disk)
    assert disk.endswith(" are free")
    place.write("old.jsonl", "")
    assert "size      unknown" in place.run(*args).out
    assert "size      unknown" in place.run(*args[:-1], "gone.jsonl", "--since-if-there").out
    assert (
        place.complaint("plan", "--offline", "urls.txt", "--since", "gone.jsonl")
        == "gone.jsonl: No such file or directory"
    )
