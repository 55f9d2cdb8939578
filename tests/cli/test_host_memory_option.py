"""``--host-memory`` on the command line: messages about files that cannot be used."""

from __future__ import annotations

import json

from place import Place

from scrapepool.cli.exits import Exit
from tests.servers.polite import PoliteServer


def test_a_file_that_is_no_host_memory_ends_the_run_before_it_begins(place: Place) -> None:
    """The exit code is 2 and one line names the file. Nothing is requested, and the list stays as it was."""
    place.write("hosts", "not a database, and long enough to be taken for one: " + 99 * "x")
    with PoliteServer() as server:
        ran = place.run("fetch", "--host-memory", "hosts", "-o", "out.jsonl", server.url("/ok"))
        assert server.requests == 0
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert ran.err == "scrapepool: hosts: not a host memory of scrapepool; name another file\n"


def test_a_file_that_cannot_be_made_is_an_output_that_cannot_be_written(place: Place) -> None:
    """The exit code is 3."""
    ran = place.run("fetch", "--host-memory", "missing/hosts", "http://127.0.0.1:1/")
    assert ran.code == Exit.OUTPUT
    assert ran.err == "scrapepool: cannot write missing/hosts: its folder does not exist\n"


def test_the_memory_is_no_list_and_no_output(place: Place) -> None:
    """A file that is named twice is refused before anything is written."""
    place.write("urls.txt", "http://127.0.0.1:1/\n")
    ran = place.run("fetch", "--host-memory", "urls.txt", "urls.txt")
    assert (ran.code, ran.err) == (
        Exit.USAGE,
        "scrapepool: urls.txt is read as a list and would be overwritten by --host-memory; name another file\n",
    )
    ran = place.run("fetch", "--host-memory", "out.jsonl", "-o", "out.jsonl", "urls.txt")
    assert ran.code == Exit.USAGE
    assert "--output and --host-memory name the same file" in ran.err


def test_a_second_run_requests_no_robots_txt_again(place: Place) -> None:
    """The stored one is less than a day old. The memory is one file afterwards."""
    with PoliteServer() as server:
        for name in ("one", "two"):
            ran = place.run("fetch", "--robots", "--host-memory", "hosts", "-q", "-o", name, server.url(f"/{name}"))
            assert ran.code == Exit.OK
        assert server.asked("/robots.txt") == 1
    assert [path.name for path in place.folder.glob("hosts*")] == ["hosts"]


def test_a_plan_knows_what_the_run_before_it_found_out(place: Place) -> None:
    """A request takes as long as it did; and a plan makes no file."""
    with PoliteServer(latency="fixed:0.2") as server:
        url = server.url("/ok")
        plan = ("plan", "--offline", "--json", "--host-memory", "hosts", "--latency", "9s", url)
        assert json.loads(place.run(*plan).out)["seconds"] == 18.0  # with its robots.txt
        assert not (place.folder / "hosts").exists()
        place.run("fetch", "-q", "--host-memory", "hosts", "-o", "out.jsonl", url)
        assert 0.15 < json.loads(place.run(*plan).out)["longest"]["latency"] < 2.0
