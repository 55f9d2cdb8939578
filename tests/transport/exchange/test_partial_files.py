"""Bodies on their way into files: like requests do not share one."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from scrapepool.folder import Folder
from scrapepool.model import ErrorKind, Failed
from scrapepool.owned_file import ForeignFileError
from scrapepool.transport.errors import FetchError
from scrapepool.transport.exchange.partial_files import PartialFiles
from scrapepool.transport.http1.response import ResponseParser
from tests.transport.fetching import lease_context, only, run
from tests.transport.loopback import Server, read_head


def test_like_requests_on_one_thread_have_a_file_each(tmp_path: Path) -> None:
    """However many there were before, and whichever of them have ended."""
    parser = ResponseParser("POST")
    parser.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
    parts = PartialFiles(Folder(str(tmp_path), os.O_RDONLY))
    open_ = [parts.begin("POST", "http://a.test/", parser, None) for _ in range(4)]
    whole = []
    for number in range(20):
        ended = open_.pop(number % len(open_))
        whole.append(ended.finish())
        open_.append(parts.begin("POST", "http://a.test/", parser, None))
        assert len({part.name for part in open_}) == len(open_)
    for part in open_:
        part.abandon()
    assert len(set(whole)) == 20
    assert sorted(tmp_path.iterdir()) == sorted(tmp_path / name for name in whole)


def test_a_part_that_is_swapped_while_it_is_written_ends_its_body(tmp_path: Path) -> None:
    """The server's bytes do not reach the file that the link leads to, and no body is made of another's file."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    parser = ResponseParser("GET")
    parser.feed(b'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nETag: "1"\r\n\r\n')
    (tmp_path / "work").mkdir()
    parts = PartialFiles(Folder(str(tmp_path / "work"), os.O_RDONLY))
    part = parts.begin("GET", "http://a.test/", parser, None)
    part.write(b"ab")
    Path(part.path).unlink()
    Path(part.path).symlink_to(victim)
    part.write(b"cd")
    with pytest.raises(FetchError, match="replaced during the run"):
        part.finish()
    with pytest.raises(FetchError, match="it is a link"):
        parts.begin("GET", "http://a.test/", parser, None)
    assert victim.read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["notes.tmp", "film.part", "a.whole", "x.json", ".DS_Store", f"{'a' * 31}.part"])
def test_nothing_is_deleted_that_this_program_did_not_make(tmp_path: Path, name: str) -> None:
    """What has another name is reported, and no other file is deleted either."""
    ours = tmp_path / f"{'a' * 32}.part"
    ours.touch()
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(ForeignFileError) as caught:
        PartialFiles(Folder(str(tmp_path), os.O_RDONLY))
    assert caught.value.filename == str(tmp_path / name)
    assert {path.name for path in tmp_path.iterdir()} == {name, ours.name}


@pytest.mark.parametrize("status", [b"416 No", b"206 Other"])
def test_a_failure_after_a_refused_range_has_no_response(tmp_path: Path, status: bytes) -> None:
    """Where no connection can be had to begin anew, the response to the range tells nothing of it."""

    def script(sock: socket.socket) -> None:
        read_head(sock)
        server.refuse()
        sock.sendall(b"HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)

    parser = ResponseParser("GET")
    parser.feed(b'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nETag: "1"\r\n\r\n')
    parts = PartialFiles(Folder(str(tmp_path), os.O_RDONLY))
    with Server(script) as server, lease_context(parts=parts, output={"body": False}) as made:
        url = f"http://127.0.0.1:{server.port}/"
        part = parts.begin("GET", url, parser, None)
        part.write(b"ab")
        part.abandon()
        failed = only(run(made, url).results)
    assert isinstance(failed, Failed)
    assert (failed.error, failed.status, failed.unsent) == (ErrorKind.CONNECT_REFUSED, None, True)
