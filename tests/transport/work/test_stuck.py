"""What one lease is stuck with, or works on for long, holds up no other lease of the event loop."""

from __future__ import annotations

import gzip
import os
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scrapepool.folder import Folder
from scrapepool.model import Attempt, ErrorKind, Failed, Fetched, RowRequest
from scrapepool.ports import Done, Unbegun, Work
from scrapepool.transport.exchange.partial_files import PartialFiles
from scrapepool.transport.exchange.read_ahead import MAX_PER_RUN
from scrapepool.transport.net.bandwidth import Bandwidth
from scrapepool.transport.net.session import PooledSession
from scrapepool.transport.work import desync
from scrapepool.transport.work import lease as lease_run
from scrapepool.transport.work.context import LeaseContext
from scrapepool.transport.work.desync import MAX_REPEATS
from scrapepool.transport.work.loop import Loop
from tests.servers.polite import PoliteServer
from tests.transport.fetching import LONG, all_of, lease_context, on_loop, run, settings, target, work
from tests.transport.loopback import HEAD, LOOPBACK, Server, authority, black_hole, read_head, server_context, silent

READ = 2.5
"""Seconds that the stuck ones may be silent: far more than the others take, also on a busy machine."""

LEASES, URLS = 4, 40
"""Of a host that is well: so many that each needs more turns than any bad one has pieces."""

SHORT = 0.05
"""Seconds that a lease is worth."""

BUSY = 100
"""Times that a lease is tried which is to be out of its time amid its fourth request: a busy machine is late."""

CHUNKS = 600_000
ZEROS = 64 * 1024 * 1024


def responding(response: bytes) -> Callable[[socket.socket], None]:
    """A script that gives every request the same bytes."""

    def script(sock: socket.socket) -> None:
        while read_head(sock):
            sock.sendall(response)

    return script


def coded(body: bytes, coding: str) -> bytes:
    """A whole response in a content coding."""
    return f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def tiny_chunks(count: int) -> bytes:
    """A whole response in chunks of one byte."""
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * count + b"0\r\n\r\n"


def bomb() -> bytes:
    """Zeros, packed: below every limit."""
    return coded(gzip.compress(bytes(ZEROS), 9), "gzip")


def comment_bomb() -> bytes:
    """Gzip in gzip, of which the inner one is nothing but a comment in its header: nothing comes out at the end."""
    empty = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS).flush()
    inner = b"\x1f\x8b\x08\x10" + bytes(6) + b"c" * (3 * ZEROS) + b"\0" + empty + bytes(8)
    return coded(gzip.compress(inner, 1), "gzip, gzip")


def many_members() -> bytes:
    """Gzip members without content, one after another."""
    return coded(gzip.compress(b"") * 60_000, "gzip")


def trip(channel: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, sock: socket.socket) -> None:
    """Shake hands over a plain socket."""
    while True:
        try:
            channel.do_handshake()
        except ssl.SSLWantReadError:
            sock.sendall(outgoing.read())
            incoming.write(sock.recv(65536))
        else:
            sock.sendall(outgoing.read())
            return


def half_a_record(context: ssl.SSLContext) -> Callable[[socket.socket], None]:
    """A script that responds through TLS, without the last bytes of the record."""

    def script(sock: socket.socket) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        channel = context.wrap_bio(incoming, outgoing, server_side=True)
        trip(channel, incoming, outgoing, sock)
        incoming.write(sock.recv(65536))
        channel.read(65536)
        channel.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        sock.sendall(outgoing.read()[:-7])
        silent(sock)

    return script


def half_a_handshake(sock: socket.socket) -> None:
    """A script that sends only the beginning of a TLS record."""
    sock.recv(65536)
    sock.sendall(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03")
    silent(sock)


@contextmanager
def bad_servers(script: Callable[[socket.socket], None], count: int, scheme: str) -> Iterator[Sequence[str]]:
    """The URLs of so many hosts that run ``script``."""
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(script, at=LOOPBACK)) for _ in range(count)]
        yield [f"{scheme}://127.0.0.1:{server.port}/bad" for server in servers]


def shared(made: LeaseContext, bad: Sequence[Work], good: PoliteServer) -> list[Done]:
    """What is done, in order, where the bad leases come first and then those of a host that is well."""
    well = [work(*(good.url(f"/ok?{lease}-{n}") for n in range(URLS))) for lease in range(LEASES)]
    return on_loop(made, [*bad, *well])


def are_last(back: Sequence[Done], bad: Sequence[Work]) -> bool:
    """Whether the good ones came before all of the bad ones, whole."""
    good = back[:LEASES]
    assert all(type(result) is Fetched for done in good for result in done.results)
    assert {id(done.work) for done in back[LEASES:]} == {id(one) for one in bad}
    return all(len(done.results) == URLS for done in good)


@pytest.mark.parametrize("half", ["record", "handshake"])
def test_half_of_what_tls_needs_is_not_waited_for(half: str, tmp_path: Any) -> None:
    """A record or a handshake of which a part has come is a wait like any other."""
    bundle = tmp_path / "ca.pem"
    authority().cert_pem.write_to_path(str(bundle))
    script = half_a_record(server_context()) if half == "record" else half_a_handshake
    timeouts = {"read": READ, "connect": READ, "total": LONG}
    with (
        bad_servers(script, 6, "https") as urls,
        PoliteServer() as good,
        lease_context(request={"cacert": str(bundle)}, timeouts=timeouts) as made,
    ):
        bad = [work(url) for url in urls]
        back = shared(made, bad, good)
    assert are_last(back, bad)
    ends = {done.results[0].error for done in back[LEASES:] if isinstance(done.results[0], Failed)}
    assert ends == {ErrorKind.READ_TIMEOUT if half == "record" else ErrorKind.CONNECT_TIMEOUT}


@pytest.mark.slow
@pytest.mark.parametrize(
    "make_response",
    [
        pytest.param(lambda: tiny_chunks(CHUNKS), id="chunks of one byte"),
        pytest.param(bomb, id="a gzip bomb"),
        pytest.param(comment_bomb, id="a gzip bomb of which nothing is left"),
        pytest.param(many_members, id="gzip members without content"),
    ],
)
def test_what_is_much_work_is_done_in_slices(make_response: Callable[[], bytes]) -> None:
    """Pages that are cheap to send and dear to read are read while others go on, and are whole in the end."""
    with (
        bad_servers(responding(make_response()), 4, "http") as urls,
        PoliteServer() as good,
        lease_context(output={"body": False}, timeouts={"read": LONG, "total": LONG}) as made,
    ):
        bad = [work(url) for url in urls]
        back = shared(made, bad, good)
    assert are_last(back, bad)
    sizes = {result.bytes for done in back[LEASES:] for result in done.results if isinstance(result, Fetched)}
    assert sizes in ({CHUNKS}, {ZEROS}, {0})


@pytest.mark.slow
def test_what_is_much_work_goes_on_among_others_that_always_have_something_to_do() -> None:
    """It is last in no queue: a share of the time is for it."""
    with (
        bad_servers(responding(tiny_chunks(5_000)), 1, "http") as urls,
        PoliteServer() as good,
        lease_context(output={"body": False}, timeouts={"read": LONG, "total": LONG}) as made,
    ):
        bad = [work(urls[0])]
        many = [work(*(good.url(f"/ok?{lease}-{n}") for n in range(2000))) for lease in range(LEASES)]
        back = on_loop(made, [*bad, *many])
    assert back[0].work is bad[0]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_upload_that_is_not_read_is_not_waited_for(scheme: str, tmp_path: Any) -> None:
    """The wait for room is a wait like any other, also for a request that a socket's buffer might have held."""
    bundle = tmp_path / "ca.pem"
    authority().cert_pem.write_to_path(str(bundle))

    def deaf(sock: socket.socket) -> None:
        channel = server_context().wrap_socket(sock, server_side=True) if scheme == "https" else sock
        channel.recv(1)
        gone.recv(1)

    gone, leave = socket.socketpair()
    with (
        bad_servers(deaf, 3, scheme) as urls,
        PoliteServer() as good,
        lease_context(timeouts={"read": READ, "total": LONG}, request={"cacert": str(bundle)}) as made,
    ):
        row = RowRequest(method="PUT", data=bytes(2**24))
        bad = [work(Attempt(replace(target(url), request=row))) for url in urls]
        back = shared(made, bad, good)
        leave.close()
    gone.close()
    assert are_last(back, bad)
    for done in back[LEASES:]:
        (failed,) = done.results
        assert isinstance(failed, Failed)
        assert (failed.error, failed.detail) == (ErrorKind.READ_TIMEOUT, f"the server accepted no data for {READ:g} s")


@pytest.mark.parametrize("kind", ["connect", "handshake"])
def test_what_waits_behind_a_connection_that_is_not_had_is_left_to_others(kind: str) -> None:
    """It is given back while the connect goes on to its own timeout."""
    with ExitStack() as stack:
        if kind == "connect":
            url = f"http://127.0.0.1:{stack.enter_context(black_hole())}/"
        else:
            (url,) = stack.enter_context(bad_servers(half_a_handshake, 1, "https"))
        made = stack.enter_context(lease_context(timeouts={"connect": READ, "total": LONG}))
        stuck = work(*(f"{url}?{n}" for n in range(5)))
        unbegun, done = all_of(Loop(made), [stuck])
    assert isinstance(unbegun, Unbegun)
    assert (unbegun.work, unbegun.begun, list(unbegun.results)) == (stuck, 1, [])
    assert isinstance(done, Done)
    (failed,) = done.results
    assert isinstance(failed, Failed)
    assert failed.error is ErrorKind.CONNECT_TIMEOUT
    had = "no connection" if kind == "connect" else "connected to 127.0.0.1, no TLS response"
    assert f"{had} within {READ:g} s" in (failed.detail or "")


def beside_ok(dear: bytes) -> Callable[[socket.socket], None]:
    """A script that responds at once, under /dear with these bytes."""

    def script(sock: socket.socket) -> None:
        while head := read_head(sock):
            sock.sendall(dear if b" /dear" in head else HEAD + b"ok")

    return script


def in_chunks(response: bytes) -> bytes:
    """The same response with its body in one chunk."""
    head, _, body = response.partition(b"\r\n\r\n")
    fields = head.rpartition(b"\r\n")[0] + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    return fields + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


LATER = [
    pytest.param(lambda: tiny_chunks(CHUNKS), id="chunks of one byte"),
    pytest.param(lambda: coded(gzip.compress(bytes(2 * ZEROS), 1), "gzip"), id="a gzip bomb"),
    pytest.param(lambda: in_chunks(coded(gzip.compress(bytes(2 * ZEROS), 1), "gzip")), id="a gzip bomb in a chunk"),
]


@pytest.mark.slow
@pytest.mark.parametrize("dear", LATER)
@pytest.mark.parametrize("threads", [False, True], ids=["", "to a file"])
def test_what_came_before_a_body_that_is_much_work_is_given_back_at_once(
    dear: Callable[[], bytes], threads: bool, tmp_path: Path
) -> None:
    """All of the body has come, so that silence verifies them; it is whole in the end, and the connection serves on."""
    with (
        Server(beside_ok(dear())) as server,
        lease_context(
            output={"body": False},
            timeouts={"read": LONG, "total": LONG},
            size={"max_size": 5 * ZEROS},
            parts=PartialFiles(Folder(str(tmp_path), os.O_RDONLY)) if threads else None,
        ) as made,
    ):
        origin = f"http://127.0.0.1:{server.port}"
        for _ in range(BUSY):
            run(made, f"{origin}/warm")
            stuck = work(*(f"{origin}/{path}" for path in ("1", "2", "3", "dear", "5")), budget=SHORT)
            back = all_of(Loop(made), [stuck])
            assert made.state.allowance.left == MAX_PER_RUN
            (again,) = run(made, f"{origin}/again").results
            if len(back) > 1 and sum(len(one.results) for one in back) == 4:
                break
    assert [len(one.results) for one in back][-2:] == [3, 1]
    assert [result.status for one in back for result in one.results if isinstance(result, Fetched)] == [200] * 4
    assert isinstance(again, Fetched)
    assert again.reused


@pytest.mark.slow
@pytest.mark.parametrize("dear", LATER)
def test_what_came_before_is_not_believed_where_a_further_response_follows(dear: Callable[[], bytes]) -> None:
    """The server responded twice to the first request, so that all that follows belongs to the request before."""
    bodies = {
        b"/1": in_chunks(HEAD + b"1!"),
        b"/2": in_chunks(HEAD + b"2!"),
        b"/dear": dear(),
        b"/4": in_chunks(HEAD + b"4!"),
    }
    connections: list[int] = []

    def script(sock: socket.socket) -> None:
        connections.append(1)
        shifted = len(connections) == 1
        while head := read_head(sock):
            path = head.split(b" ")[1]
            if shifted and path == b"/dear":
                sock.sendall(bodies[b"/2"])
                read_head(sock)
                sock.sendall(bodies[path] + bodies[b"/4"])
            else:
                sock.sendall(bodies.get(path, HEAD + b"ok"))

    for _ in range(BUSY):
        connections.clear()
        with (
            Server(script) as server,
            lease_context(timeouts={"read": LONG, "total": LONG}, size={"max_size": 5 * ZEROS}) as made,
        ):
            origin = f"http://127.0.0.1:{server.port}"
            run(made, f"{origin}/warm")
            lease = work(*(f"{origin}/{path}" for path in ("1", "2", "dear", "4")), budget=SHORT)
            back = all_of(Loop(made), [lease])
        if sum(len(one.results) for one in back) >= 3:
            break
    results = [result for one in back for result in one.results]
    assert all(isinstance(result, Fetched) for result in results)
    short = [result.body for result in results if isinstance(result, Fetched) and result.bytes == 2]
    assert short[:2] == [b"1!", b"2!"]
    assert [result.target.path for result in results][:3] == ["/1", "/2", "/dear"]
    assert results[2].bytes > 2  # type: ignore[union-attr]


def test_what_is_done_is_given_back_while_others_are_amid_work() -> None:
    """However few it is: its host gets nothing else to do before."""
    with (
        bad_servers(responding(tiny_chunks(CHUNKS)), 1, "http") as urls,
        PoliteServer() as good,
        lease_context(output={"body": False}, timeouts={"read": LONG, "total": LONG}) as made,
    ):
        bad, well = work(urls[0]), work(good.url("/ok"))
        loop = Loop(made)
        loop.submit(bad)
        loop.submit(well)
        given = [one.work for one in loop.wait(LONG)]
        while len(given) < 2:
            given += [one.work for one in loop.wait(LONG)]
    assert given == [well, bad]


@contextmanager
def slow_body(latency: float = 0.0) -> Iterator[tuple[str, threading.Event]]:
    """A server that responds after ``latency`` seconds; under /slow, the last byte comes when the event is set."""
    rest = threading.Event()

    def script(sock: socket.socket) -> None:
        while head := read_head(sock):
            time.sleep(latency)
            sock.sendall(HEAD + b"ok" if b" /slow" not in head else HEAD + b"o")
            if b" /slow" in head:
                rest.wait(LONG)
                sock.sendall(b"k")

    with Server(script) as server:
        try:
            yield f"http://127.0.0.1:{server.port}", rest
        finally:
            rest.set()


def around_slow(made: LeaseContext, urls: Sequence[str], rest: threading.Event) -> tuple[Unbegun, Done]:
    """What comes back first of a lease over these URLs, and the end of it when the slow body has come."""
    loop = Loop(made)
    loop.submit(work(*urls))
    back: list[Done | Unbegun] = []
    while not any(isinstance(one, Unbegun) and (one.results or one.again) for one in back):
        back += loop.wait(1.0)
    rest.set()
    while not isinstance(back[-1], Done):
        back += loop.wait(LONG)
    *_, unbegun, done = back
    assert isinstance(unbegun, Unbegun)
    assert isinstance(done, Done)
    return unbegun, done


@pytest.mark.parametrize(("warm", "verified"), [(True, 0), (False, 1)])
def test_what_came_before_a_slow_body_is_requested_again(warm: bool, verified: int) -> None:
    """Nothing verifies it before the end of that body. The first response on a new connection needs no proof."""
    with slow_body() as (origin, rest), lease_context(timeouts={"read": LONG, "total": LONG}) as made:
        if warm:
            run(made, f"{origin}/warm")
        unbegun, done = around_slow(made, [f"{origin}/{path}" for path in ("1", "2", "3", "slow", "5")], rest)
    assert (unbegun.begun, len(unbegun.results), unbegun.again) == (4, verified, 3 - verified)
    assert [result.target.path for result in done.results if isinstance(result, Fetched)] == ["/slow"]


def test_what_came_before_a_slow_body_of_a_distant_host_is_verified() -> None:
    """Each response took longer than unsolicited data would."""
    latency = desync.NEAR * 1.2
    with slow_body(latency) as (origin, rest), lease_context(timeouts={"read": LONG, "total": LONG}) as made:
        run(made, f"{origin}/warm")
        unbegun, done = around_slow(made, [f"{origin}/{path}" for path in ("1", "2", "slow", "4")], rest)
    assert (unbegun.begun, len(unbegun.results), unbegun.again) == (3, 2, 0)
    assert [result.target.path for result in done.results if isinstance(result, Fetched)] == ["/slow"]


@pytest.mark.parametrize("why", ["a POST", "requested again before", "bandwidth"])
def test_what_must_not_be_requested_again_waits_for_a_slow_body(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A method that must not be repeated; a host of which much was repeated; a body that this program itself delays."""
    monkeypatch.setattr(lease_run, "REPEAT_AFTER", 0.0)
    bandwidth = Bandwidth(1e9, time.monotonic()) if why == "bandwidth" else None
    own = RowRequest(method="POST") if why == "a POST" else None
    made = settings(timeouts={"read": LONG, "total": LONG})
    with slow_body() as (origin, rest), PooledSession(1, 1, timeout=made.timeouts, bandwidth=bandwidth) as session:
        context = LeaseContext(session, made)
        run(context, f"{origin}/warm")
        context.desync.of(target(origin).host).repeats = MAX_REPEATS if why == "requested again before" else 0
        attempts = [Attempt(replace(target(f"{origin}/{path}"), request=own)) for path in ("1", "slow", "3")]
        loop = Loop(context)
        loop.submit(work(*attempts))
        (unbegun,) = loop.wait(LONG)
        assert not loop.wait(2.5 * lease_run.RECHECK)
        rest.set()
        while not (back := loop.wait(LONG)):  # the connection is watched before the end
            pass
        (done,) = back
    assert isinstance(unbegun, Unbegun)
    assert (unbegun.begun, unbegun.results, unbegun.again) == (2, (), 0)
    assert len(done.results) == 2
