"""Bodies on their way into files: like requests do not share one."""

from __future__ import annotations

import gzip
import os
import socket
import zlib
from pathlib import Path

import pytest

from scrapepool.folder import Folder
from scrapepool.model import ErrorKind, Failed, Saved
from scrapepool.owned_file import ForeignFileError
from scrapepool.transport.errors import FetchError
from scrapepool.transport.exchange.partial_files import TEMPORARY, PartialFiles
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


@pytest.mark.parametrize("packed", [False, True])
def test_a_short_body_leaves_a_worker_process_in_a_file(tmp_path: Path, *, packed: bool) -> None:
    """Whole, compressed if files are, and under a name of its own; in the run's own process it stays in memory."""
    folder = Folder(str(tmp_path), os.O_RDONLY)
    pack = (lambda: zlib.compressobj(wbits=31)) if packed else None
    parts = [PartialFiles(folder, pack, process=process) for process in (1, 2)]
    saved = [one.keep_short(data) for one in parts for data in (b"a", b"")]
    assert [one.data for one in saved] == [None] * 4
    written = [(tmp_path / (one.file or "")).read_bytes() for one in saved]
    assert [gzip.decompress(data) if packed else data for data in written] == [b"a", b"", b"a", b""]
    assert len({one.file for one in saved}) == 4
    own = PartialFiles(folder, pack)
    assert own.keep_short(b"a") == Saved(b"a")
    assert not list(tmp_path.iterdir())  # what the processes of a run before left is removed


def test_a_short_body_that_cannot_be_written_is_an_error_of_the_disk(tmp_path: Path) -> None:
    """With the path."""
    parts = PartialFiles(Folder(str(tmp_path), os.O_RDONLY), process=1)
    name = parts.keep_short(b"").file or ""
    following = f"{int(name.removesuffix(TEMPORARY)) + 1}{TEMPORARY}"
    (tmp_path / following).mkdir()
    with pytest.raises(FetchError, match=f"{following}: Is a directory") as raised:
        parts.keep_short(b"")
    assert raised.value.kind is ErrorKind.DISK


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
