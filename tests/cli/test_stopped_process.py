"""A process that was stopped (SIGSTOP, Ctrl-Z) for longer than its limits goes on with what it was at."""

from __future__ import annotations

import queue
import signal
import socket
import threading
import time
from contextlib import ExitStack

from running import TIMEOUT, ended, program

from tests.transport.loopback import HEAD, Server, read_head, server_context

LIMIT = 2.0
"""Seconds that anything may take in these runs."""

STOPPED = 1.5 * LIMIT

NEARBY = 40
"""URLs of a host whose responses come at once, so that one thread works its leases in turns."""


class Servers:
    """Scripts of connections that answer only once ``go`` is set; ``waiting`` gets an entry for each that waits."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.waiting: queue.Queue[None] = queue.Queue()

    def hold(self) -> None:
        """Wait until the program goes on."""
        self.waiting.put(None)
        assert self.go.wait(TIMEOUT)

    def answer(self, sock: socket.socket) -> None:
        """Answer each request as its path says."""
        while head := read_head(sock):
            path = head.split()[1]
            if path == b"/head":
                self.hold()
            sock.sendall(HEAD + b"o")
            if path == b"/body":
                self.hold()
            sock.sendall(b"k")

    def shake_hands_late(self, sock: socket.socket) -> None:
        """Begin TLS only then."""
        self.hold()
        with server_context().wrap_socket(sock, server_side=True) as secure:
            self.answer(secure)


def test_time_in_which_the_process_was_stopped_counts_for_no_limit(tmp_path):
    """Neither --timeout nor --read-timeout nor --connect-timeout ends a request for it, whatever it waits for."""
    held, tls = Servers(), server_context()
    with ExitStack() as stack:
        urls = []
        for path in ("head", "body"):
            plain, secure, nearby = (stack.enter_context(Server(held.answer, tls=one)) for one in (None, tls, None))
            urls += [f"http://127.0.0.1:{nearby.port}/{number}" for number in range(NEARBY)]
            urls += [f"http://127.0.0.1:{server.port}/{path}" for server in (nearby, plain)]
            urls.append(f"https://127.0.0.1:{secure.port}/{path}")
        late = stack.enter_context(Server(held.shake_hands_late))
        urls.append(f"https://127.0.0.1:{late.port}/ok")
        (tmp_path / "urls").write_text("\n".join(urls))
        limits = [word for name in ("timeout", "read-timeout", "connect-timeout") for word in (f"--{name}", LIMIT)]
        process = program(
            "fetch", tmp_path / "urls", "--no-robots", "--insecure", "--retries", 0, "--workers", 20, "-q",
            *limits,
        )  # fmt: skip
        try:
            for _ in range(7):
                held.waiting.get(timeout=TIMEOUT)
            process.send_signal(signal.SIGSTOP)
            time.sleep(STOPPED)
        finally:
            process.send_signal(signal.SIGCONT)
        time.sleep(LIMIT / 10)
        held.go.set()
        ran = ended(process)
    assert [(record["url"], record["error"]) for record in ran.records if record["error"] is not None] == []
    assert (ran.code, len(ran.records)) == (0, len(urls)), ran.err
