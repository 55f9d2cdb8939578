"""``--quiet``: nothing where all went well, and what failed, in a few lines, where not. It is what cron wants."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from place import Place

from tests.servers.polite import PoliteServer

README = Path(__file__).parents[2] / "README.md"


def lists(place: Place, *urls: str) -> None:
    place.write("urls.txt", "".join(f"{url}\n" for url in urls))


ARGS = ("fetch", "urls.txt", "-o", "out.jsonl", "--no-robots", "--retries", "0")


@pytest.mark.parametrize("also", [[], ["-v"], ["--progress", "none"]])
def test_nothing_is_written_if_all_succeed(also: list[str], place: Place, web: PoliteServer) -> None:
    """Duplicates are no failures."""
    lists(place, web.url("/page?1"), web.url("/page?2"), *([] if also else [web.url("/page?1")]))
    ran = place.run(*ARGS, "-q", *also)
    assert (ran.code, ran.err) == (0, "")


def test_failures_are_reported_in_a_few_lines(place: Place, web: PoliteServer) -> None:
    """These are the counts, the first few URLs with the reason, and how many more there are."""
    missing = [web.url(f"/status/404?{n}") for n in range(9)]
    lists(place, web.url("/page"), *missing)
    ran = place.run(*ARGS, "-q")
    assert ran.code == 1
    lines = ran.err.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["done", "outcomes", "errors"]
    assert "ok 1  http_error 9" in lines[1]
    assert "http_4xx 9" in lines[2]
    assert len(lines) == 9
    assert all(
        re.fullmatch(rf"http_error  http_4xx  {re.escape(web.url('/status/404'))}\?\d  404.*", line)
        for line in lines[3:8]
    )
    assert lines[8] == "and 4 more, listed in the records"


def test_with_verbose_each_failure_is_reported_at_once(place: Place, web: PoliteServer) -> None:
    """All of them are written, then the counts."""
    lists(place, *(web.url(f"/status/404?{n}") for n in range(9)))
    ran = place.run(*ARGS, "-q", "-v")
    assert ran.code == 1
    lines = ran.err.splitlines()
    assert [line.split()[0] for line in lines] == ["http_error"] * 9 + ["done", "outcomes", "errors"]


def test_a_list_without_a_url_says_why(place: Place) -> None:
    """The reason is in the one line with which every such run ends."""
    lists(place, "https://", "https:///x")
    ran = place.run(*ARGS, "-q")
    assert ran.code == 2
    assert ran.err.startswith("scrapepool: no usable URL in urls.txt")
    assert ran.err.count("\n") == 1


def test_a_rejected_line_is_a_failure(place: Place, web: PoliteServer) -> None:
    """It has its list, number and reason."""
    lists(place, web.url("/page"), "https:///x")
    ran = place.run(*ARGS, "-q")
    assert ran.code == 1
    assert "urls.txt:2: no host" in ran.err


def test_control_characters_do_not_reach_the_terminal(place: Place) -> None:
    """A list may hold any character."""
    place.write("urls.txt", "https://\x1b[31m\n")
    assert "\x1b" not in place.run(*ARGS, "-q").err


def test_live_progress_is_not_quiet(place: Place) -> None:
    """These two contradict each other."""
    ran = place.run("fetch", "http://127.0.0.1:9/", "-q", "--progress", "live")
    assert (ran.code, ran.err) == (2, "scrapepool: --quiet and --progress live contradict each other\n")


@pytest.mark.slow
@pytest.mark.skipif(not README.exists(), reason="a checkout without its README")
def test_the_recipe_for_cron_works_as_it_stands(tmp_path: Path, web: PoliteServer) -> None:
    """It runs in cron's environment, and is silent if all URLs succeed, so that no mail is sent."""
    (recipe,) = re.findall(r"^15 3 \* \* \*  (.*)$", README.read_text(), re.MULTILINE)
    program = tmp_path / ".local" / "bin" / "scrapepool"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\nPYTHONPATH='{README.parent}' exec '{sys.executable}' -m scrapepool \"$@\"\n")
    program.chmod(0o755)
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", "LOGNAME": "me"}
    for path, code in (("/page", 0), ("/status/404", 1)):
        (tmp_path / "urls.txt").write_text(web.url(path))
        ran = subprocess.run(
            ["/bin/sh", "-c", recipe], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert ran.returncode == code
        assert ran.stdout == ""
        assert bool(ran.stderr) == bool(code)
        assert web.url(path) in (tmp_path / "pages.jsonl").read_text()
    assert (tmp_path / "pages.log").stat().st_size
