"""``fetch --save-dir`` into a folder in which somebody else has put something, before the run or during it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from running import Ran, here

from scrapepool.transport.exchange.partial_files import _key
from tests.servers.polite import PoliteServer, Request, Response

NAME = "a" * 32
LONG = 200_000
"""Bytes of a body that does not stay in memory."""


def fetch(capfd: pytest.CaptureFixture[str], tmp_path: Path, urls: list[str], *options: object) -> Ran:
    """Fetch URLs into a folder, quietly."""
    (tmp_path / "urls.txt").write_text("\n".join(urls))
    common = ("--save-dir", tmp_path / "pages", "--no-robots", "-q", "--retries", 0)
    return here(capfd, "fetch", tmp_path / "urls.txt", *common, *options)


def refused(ran: Ran, path: Path) -> None:
    """The run ended with exit code 3, and its message names the path."""
    assert ran.code == 3, ran.err
    assert f"{path}:" in ran.err
    assert "Traceback" not in ran.err


def test_a_link_in_place_of_the_folder_for_work_deletes_nothing(capfd, tmp_path):
    """Files of the linked folder that are called as parts are stay."""
    victim = tmp_path / "victim"
    victim.mkdir()
    names = ["a.tmp", "b.part", "c.whole", f"{NAME}.part", "0.tmp", f"{NAME}-0.whole"]
    for name in names:
        (victim / name).write_bytes(b"mine")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/.scrapepool").symlink_to("../victim")
    with PoliteServer(1) as server:
        ran = fetch(capfd, tmp_path, [server.url("/a")])
        assert server.requests == 0
    refused(ran, tmp_path / "pages/.scrapepool")
    assert sorted(path.name for path in victim.iterdir()) == sorted(names)


@pytest.mark.parametrize("suffix", [".part", ".json"])
@pytest.mark.parametrize("make", [os.symlink, os.link], ids=["link", "hard link"])
def test_a_part_that_is_a_file_outside_is_not_overwritten(capfd, tmp_path, make: Callable[..., None], suffix: str):
    """The part may be a symbolic link or a hard link."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    (tmp_path / "pages/.scrapepool").mkdir(parents=True)
    with PoliteServer(1, lambda _: Response(200, body=b"x" * LONG)) as server:
        url = server.url("/a")
        name = tmp_path / f"pages/.scrapepool/{_key('GET', url)}{suffix}"
        make(victim, name)
        ran = fetch(capfd, tmp_path, [url])
    refused(ran, name)
    assert victim.read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["lock", "placed", f"{NAME}.json", f"{NAME}.part", "0.tmp"])
def test_a_fifo_in_place_of_a_file_does_not_hang_the_run(capfd, tmp_path, name: str):
    """It ends the run at once, with an error."""
    (tmp_path / "pages/.scrapepool").mkdir(parents=True)
    os.mkfifo(tmp_path / "pages/.scrapepool" / name)
    with PoliteServer(1) as server:
        ran = fetch(capfd, tmp_path, [server.url("/a")])
    refused(ran, tmp_path / "pages/.scrapepool" / name)


@pytest.mark.parametrize("name", ["lock", "placed"])
def test_a_lock_that_is_a_link_is_not_followed(capfd, tmp_path, name: str):
    """The file that it leads to is neither made nor changed."""
    (tmp_path / "pages/.scrapepool").mkdir(parents=True)
    (tmp_path / "pages/.scrapepool" / name).symlink_to(tmp_path / "victim")
    with PoliteServer(1) as server:
        ran = fetch(capfd, tmp_path, [server.url("/a")])
    refused(ran, tmp_path / "pages/.scrapepool" / name)
    assert not (tmp_path / "victim").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
@pytest.mark.parametrize("name", ["", f"{NAME}.part", "lock"])
def test_what_belongs_to_another_user_is_not_ours(capfd, tmp_path, name: str):
    """The folder for work as well as a file in it."""
    work = tmp_path / "pages/.scrapepool"
    work.mkdir(parents=True)
    if name:
        (work / name).touch()
    os.chown(work / name, 12345, 12345)
    with PoliteServer(1) as server:
        ran = fetch(capfd, tmp_path, [server.url("/a")])
    refused(ran, work / name if name else work)
    assert "another user" in ran.err


def test_a_hosts_folder_that_is_swapped_for_a_link_during_the_run(capfd, tmp_path):
    """No file leaves the folder, however late the link comes."""
    victim = tmp_path / "victim"
    victim.mkdir()

    def answer(request: Request) -> Response:
        if request.target == "/20":
            (host,) = (path for path in (tmp_path / "pages").iterdir() if path.name != ".scrapepool")
            host.rename(tmp_path / "before")
            host.symlink_to(victim)
        return Response(200, body=request.target.encode())

    with PoliteServer(1, answer) as server:
        urls = [server.url(f"/{number}") for number in range(40)]
        ran = fetch(capfd, tmp_path, urls, "-w", 1, "--per-host", 1, "--delay", 0.005)
    assert ran.code == 3, ran.err
    assert "it is a link to" in ran.err
    assert not list(victim.iterdir())


@pytest.mark.parametrize("put_back", ["link", "folder", "nothing"])
def test_a_folder_that_is_swapped_during_the_run(capfd, tmp_path, put_back: str):
    """No file is written into what is there in its place, and no record names one that is not where it says."""
    victim = tmp_path / "victim"
    victim.mkdir()

    def answer(request: Request) -> Response:
        if request.target == "/20":
            (tmp_path / "pages").rename(tmp_path / "before")
            if put_back == "link":
                (tmp_path / "pages").symlink_to(victim)
            elif put_back == "folder":
                victim.rename(tmp_path / "pages")
        return Response(200, body=b"x" * LONG)

    with PoliteServer(1, answer) as server:
        urls = [server.url(f"/{number}") for number in range(40)]
        ran = fetch(capfd, tmp_path, urls, "-w", 1, "--per-host", 1, "--delay", 0.005, "-o", tmp_path / "out.jsonl")
    refused(ran, tmp_path / "pages")
    there = tmp_path / "pages" if put_back == "folder" else victim
    assert not list(there.iterdir())


def test_a_folder_that_is_named_by_a_link_is_used(capfd, tmp_path):
    """A user may keep the folder on another disk."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "pages").symlink_to("disk")
    with PoliteServer(1) as server:
        ran = fetch(capfd, tmp_path, [server.url("/a")])
    assert ran.code == 0, ran.err
    assert len(list((tmp_path / "disk").glob("*/*"))) == 1
