"""Systems that lack something: each thing is hidden from a program of its own, and from the processes it starts."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from running import ROOT, ended, program

from tests.servers.polite import PoliteServer

SIGNALS = ("SIGHUP", "SIGPROF", "SIGVTALRM", "SIGPIPE", "SIGALRM", "SIGXFSZ", "setitimer")
FLAGS = ("O_CLOEXEC", "O_NONBLOCK", "O_DIRECTORY", "O_NOFOLLOW", "O_PATH")
CALLS = ("pread", "pwrite", "geteuid", "fchmod", "fchown", "sched_getaffinity", "fork", "register_at_fork")

HIDDEN: dict[str, tuple[str, ...]] = {
    "fcntl": ("fcntl",),
    "termios": ("termios",),
    "resource": ("resource",),
    "users": ("pwd", "grp"),
    "pread": ("os.pread",),
    "epoll": ("select.epoll",),
    "poll": ("select.epoll", "select.poll", "select.PIPE_BUF"),
    "signals": tuple(f"signal.{name}" for name in SIGNALS),
    "flags": tuple(f"os.{name}" for name in FLAGS),
    "calls": tuple(f"os.{name}" for name in CALLS),
}
HIDDEN["everything"] = tuple(name for names in HIDDEN.values() for name in names)

SITE = """
import os, sys
for name in os.environ["HIDDEN"].split():
    module, _, attribute = name.partition(".")
    if attribute:
        if hasattr(__import__(module), attribute):
            delattr(sys.modules[module], attribute)
    else:
        sys.modules[module] = None  # an import of it raises ImportError
with open(os.environ["HIDDEN_FROM"], "a") as file:
    file.write(str(os.getpid()) + "\\n")
"""
"""What Python runs first in each process."""


@pytest.mark.slow
@pytest.mark.parametrize("what", HIDDEN)
def test_a_run_does_with_what_there_is(what: str, web: PoliteServer, tmp_path: Path) -> None:
    """A list from a file and one through a pipe, with bodies as files, an archive and values out of pages."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(SITE)
    hidden_from = tmp_path / "processes"
    environment = {
        **os.environ,
        "PYTHONPATH": f"{site}{os.pathsep}{ROOT}",
        "HOME": str(tmp_path),
        "HIDDEN": " ".join(HIDDEN[what]),
        "HIDDEN_FROM": str(hidden_from),
    }
    urls = [web.url(f"/page?{n}") for n in range(3)]
    (tmp_path / "urls.txt").write_text("".join(f"{url}\n" for url in urls))
    read, write = os.pipe()
    os.write(write, web.url("/page?piped\n").encode())
    os.close(write)
    try:
        ran = ended(
            program(
                *("fetch", "urls.txt", "-", "-o", "out.jsonl", "--save-dir", "pages", "--warc", "all.warc"),
                *("--select", "first=re:(.)", "--extract-workers", "1", "--no-robots", "--summary-json", "end.json"),
                stdin=read,
                cwd=tmp_path,
                env=environment,
            )
        )
    finally:
        os.close(read)
    assert ran.code == 0, ran.err
    records = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert sorted(one["url"] for one in records) == [*urls, web.url("/page?piped")]
    assert all(one["outcome"] == "ok" and one["data"]["first"] for one in records)
    assert all((tmp_path / one["path"]).stat().st_size == one["bytes"] for one in records)
    assert (tmp_path / "all.warc").read_bytes().count(b"WARC-Type: response") == 4
    assert len(set(hidden_from.read_text().split())) >= 3  # the program, and those for the archive and the pages
