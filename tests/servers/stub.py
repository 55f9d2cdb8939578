"""A server that costs as little as a server in Python can: one ready answer to whatever is asked.

    python -m tests.servers.stub

prints its port, answers on every loopback address, and serves until SIGTERM. Paths under ``/gone`` are a 404, and for
those under ``/closed`` the connection is closed without a word. Takes what it receives at once for one request.
"""

from __future__ import annotations

import contextlib
import select
import socket

PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\npage"
GONE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone"


def serve(listener: socket.socket) -> None:
    """Answer for ever."""
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    open_: dict[int, socket.socket] = {}
    while True:
        for fd, _ in poll.poll():
            sock = open_.get(fd)
            if sock is None:
                sock, _ = listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                open_[sock.fileno()] = sock
                poll.register(sock, select.EPOLLIN)
                continue
            asked = b""
            with contextlib.suppress(OSError):
                asked = sock.recv(65536)
                if asked and not asked.startswith(b"GET /closed"):
                    sock.send(GONE if asked.startswith(b"GET /gone") else PAGE)
                    continue
            del open_[fd]
            sock.close()


def main() -> None:
    """Serve until a signal ends the process."""
    with socket.create_server(("0.0.0.0", 0), backlog=4096) as listener:
        print(listener.getsockname()[1], flush=True)  # noqa: T201 - what the starter reads
        serve(listener)


if __name__ == "__main__":
    main()
