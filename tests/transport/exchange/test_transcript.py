"""What an archive is handed of an exchange: the bytes as they went over the wire, and nothing else."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from scrapepool.model import ErrorKind, Span, Transcript
from scrapepool.transport.exchange import transcript as capture
from tests.servers.hostile import Behaviour, HostileServer
from tests.servers.wire import OK, Wire
from tests.transport.fetching import lease_context, run
from tests.transport.loopback import Server, read_head

GZIPPED = gzip.compress(b"text " * 20)


def message(head: bytes, body: bytes = b"") -> bytes:
    return b"HTTP/1.1 " + head + b"\r\n\r\n" + body


def responding(*pieces: bytes, close: bool = False) -> Any:
    """Return a script that responds to every request with these pieces, sent one by one."""

    def script(sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while read_head(sock):
            for piece in pieces:
                sock.sendall(piece)
            if close:
                return

    return script


def transcripts(tmp_path: Path, script: Any, *paths: str, **groups: Any) -> Sequence[Transcript]:
    """What is captured of a lease over these paths."""
    groups.setdefault("warc", {"path": str(tmp_path / "a.warc")})
    with Server(script) as server, lease_context(**groups) as made:
        return run(made, *(f"http://127.0.0.1:{server.port}{path}" for path in paths or ["/"])).transcripts


def content(transcript: Transcript) -> bytes:
    response = transcript.response
    if isinstance(response, bytes):
        return response
    response.file.seek(response.begin)
    return response.file.read(response.size)


@pytest.mark.parametrize(
    "whole",
    [
        message(b"200 OK\r\nContent-Length: 5", b"hello"),
        message(b"200 OK\r\nContent-Length: 0"),
        message(b"204 No Content"),
        message(b"404 Not Found\r\nX-odd :  kept  as it is\r\nContent-Length: 4", b"nope"),
        message(b"200\r\nTransfer-Encoding: chunked", b"5;x=y\r\nhello\r\n0\r\nTrailer: yes\r\n\r\n"),
        message(b"200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d" % len(GZIPPED), GZIPPED),
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    ],
)
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_a_response_is_kept_byte_for_byte(tmp_path: Path, whole: bytes, step: int) -> None:
    """Framing, codings and odd header lines stay as the server sent them, in whatever pieces they came."""
    pieces = [whole[at : at + step] for at in range(0, len(whole), step)]
    [transcript] = transcripts(tmp_path, responding(*pieces))
    assert content(transcript) == whole
    assert transcript.response[: transcript.head].endswith((b"\r\n\r\n", b"\n\n"))
    assert transcript.head == min(end + size for size, end in ends(whole))
    assert transcript.cut is None


def ends(whole: bytes) -> list[tuple[int, int]]:
    return [(len(end), whole.find(end)) for end in (b"\r\n\r\n", b"\n\n") if end in whole]


def test_a_body_that_ends_with_the_connection_is_whole(tmp_path: Path) -> None:
    """There is no other end to wait for."""
    whole = message(b"200 OK", b"all of it")
    [transcript] = transcripts(tmp_path, responding(whole, close=True))
    assert content(transcript) == whole
    assert transcript.cut is None


def test_the_request_is_kept_as_it_was_sent(tmp_path: Path) -> None:
    """Its head and its body, to the byte that the server read."""
    seen: list[bytes] = []

    def script(sock: socket.socket) -> None:
        data = b""
        while not data.endswith(b"some data"):
            data += sock.recv(65536)
        seen.append(data)
        sock.sendall(message(b"200 OK\r\nContent-Length: 0"))

    [transcript] = transcripts(tmp_path, script, "/p?q=1", request={"method": "POST", "data": b"some data"})
    assert [transcript.request] == seen
    assert not transcript.unsent
    assert transcript.url.endswith("/p?q=1")
    assert transcript.remote == "127.0.0.1"


def test_a_request_that_nobody_read_to_its_end_is_kept_as_far_as_it_was_sent(tmp_path: Path) -> None:
    """A server that responds at the beginning of a long upload."""
    response = message(b"413 Too Large\r\nConnection: close\r\nContent-Length: 0")

    def script(sock: socket.socket) -> None:
        sock.recv(1024)
        sock.sendall(response)
        sock.recv(1024)

    data = b"x" * 4_000_000
    [transcript] = transcripts(tmp_path, script, request={"method": "POST", "data": data})
    assert content(transcript) == response
    assert transcript.unsent
    assert transcript.request.startswith(b"POST / HTTP/1.1\r\n")
    assert len(transcript.request) < len(data)


def test_interim_responses_and_empty_lines_before_a_response_are_left_out(tmp_path: Path) -> None:
    """A reader would take the first header block for the response; the transcript has the number of them."""
    whole = message(b"200 OK\r\nContent-Length: 2", b"ok")
    early = message(b"103 Early Hints\r\nLink: </a>")
    [transcript] = transcripts(tmp_path, responding(early, early + b"\r\n" + whole[:9], whole[9:]))
    assert content(transcript) == whole
    assert transcript.interim == 2


def test_unsolicited_data_is_no_part_of_a_response(tmp_path: Path) -> None:
    """The first response on a connection is kept, without the data that follow it in the same piece."""
    whole = message(b"200 OK\r\nContent-Length: 2", b"ok")
    [transcript] = transcripts(tmp_path, responding(whole + b"rest" * 5000))
    assert content(transcript) == whole


@pytest.mark.parametrize("chunked", [False, True])
def test_a_long_response_is_in_a_file_without_a_name(tmp_path: Path, chunked: bool) -> None:
    """It lies where the archive does, and is whole."""
    body = bytes(range(256)) * 20_000
    head = message(b"200 OK\r\n" + (b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)))
    sent = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    [transcript] = transcripts(tmp_path, responding(message(b"103 Wait") + head + sent), output={"body": False})
    assert isinstance(transcript.response, Span)
    assert content(transcript) == head + sent
    assert transcript.head == len(head)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("response", "cut", "groups"),
    [
        (message(b"200 OK\r\nContent-Length: 9", b"short"), "disconnect", {}),
        (message(b"200 OK\r\nContent-Length: 99", b"long"), "length", {"size": {"max_size": 50}}),
        (message(b"200 OK\r\nTransfer-Encoding: chunked", b"zz\r\n"), "unspecified", {}),
        (message(b"200 OK\r\nContent-Length: 9999", b"x" * 999), "length", {"size": {"max_size": 50, "cut": True}}),
    ],
)
def test_a_response_that_was_not_received_to_its_end_says_why(
    tmp_path: Path, response: bytes, cut: str, groups: dict[str, Any]
) -> None:
    """What came is kept all the same."""
    [transcript] = transcripts(tmp_path, responding(response, close=True), **groups)
    assert content(transcript) == response
    assert transcript.cut == cut


def test_a_response_that_takes_too_long_is_cut_by_time(tmp_path: Path) -> None:
    """What came until the deadline is kept."""

    def script(sock: socket.socket) -> None:
        read_head(sock)
        sock.sendall(message(b"200 OK\r\nContent-Length: 9", b"slow"))
        sock.recv(1)

    [transcript] = transcripts(tmp_path, script, timeouts={"read": 0.1})
    assert transcript.cut == "time"
    assert content(transcript).endswith(b"slow")


def test_a_redirect_and_what_it_leads_to_are_an_exchange_each(tmp_path: Path) -> None:
    """In order, the second one saying where it comes from."""
    hop = message(b"302 Found\r\nLocation: /end\r\nContent-Length: 5", b"moved")
    end = message(b"200 OK\r\nContent-Length: 3", b"end")

    def script(sock: socket.socket) -> None:
        while head := read_head(sock):
            sock.sendall(end if b"GET /end" in head else hop)

    first, second = transcripts(tmp_path, script, "/start#there")
    assert (content(first), content(second)) == (hop, end)
    assert first.url.endswith("/start")
    assert (first.via, first.hops) == (None, 0)
    assert second.url.endswith("/end")
    assert (second.via, second.hops) == (second.seed, 1)
    assert second.seed.endswith("/start#there")


def test_an_exchange_without_a_response_leaves_nothing(tmp_path: Path) -> None:
    """A connection that ends before or within the header block."""
    for pieces in ([], [b"HTTP/1.1 200 OK\r\nX"]):
        assert transcripts(tmp_path, responding(*pieces, close=True)) == []


def test_responses_that_are_not_verified_are_not_archived(tmp_path: Path) -> None:
    """What is fetched again because the connection was out of step is there once, as it was fetched again."""

    def script(wire: Wire) -> None:
        if wire.nth == 3:
            wire.send(message(b"200 OK\r\nContent-Length: 7", b"POISON\n"))
        wire.pause(0.002)
        wire.send_page()

    behaviour = Behaviour("it", "", OK, script)
    groups: dict[str, Any] = {"warc": {"path": str(tmp_path / "a.warc")}}
    with HostileServer((), extra=[behaviour]) as server, lease_context(**groups) as made:
        done = run(made, *(server.url("it", n) for n in range(6)))
        assert [result.body for result in done.results] == [server.expected_body("it", n) for n in range(6)]
    assert [transcript.url for transcript in done.transcripts] == [result.final_url for result in done.results]
    assert not any(b"POISON" in content(transcript) for transcript in done.transcripts)


def test_a_temporary_file_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The URL fails with the disk's trouble, and no half of it is archived."""
    monkeypatch.setattr(capture, "IN_MEMORY", 100)
    body = message(b"200 OK\r\nContent-Length: 200", b"x" * 200)
    with Server(responding(body)) as server, lease_context(warc={"path": str(tmp_path / "gone" / "a.warc")}) as made:
        done = run(made, f"http://127.0.0.1:{server.port}/")
    [result] = done.results
    assert result.error is ErrorKind.DISK
    assert "could not be kept for the archive: No such file" in result.detail
    assert done.transcripts == []


def test_nothing_is_captured_where_nobody_asks(tmp_path: Path) -> None:
    """Without an archive there is nothing to carry."""
    whole = message(b"200 OK\r\nContent-Length: 2", b"ok")
    assert transcripts(tmp_path, responding(whole), warc={"path": None}) == []
