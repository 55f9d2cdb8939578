"""A server of slow pages that says what it really took: one epoll loop in one process, on every loopback address.

Each path has a latency of its own (``tests.servers.polite.latency_of``), and is answered when it is due. A timer never
fires early and often a little late, so the server sums up the seconds from the arrival of each request to its response,
per host: that, not the nominal latency, is what a client had to wait for. Counts are exact. A request costs about
20 µs of CPU, so that a client is not limited by the server.

    python -m benchmarks.latency_server --hosts 300 --latency lognormal:0.1:0.5

prints one line of JSON (``port``, ``admin``, ``hosts``); ``GET http://127.0.0.1:<admin>/__stats__`` returns the counts
of each host and begins new ones.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import select
import socket
from heapq import heappop, heappush
from time import monotonic

from tests.servers.polite import latency_of, loopback_addresses

RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n" + b"." * 1024
BACKLOG = 4096
MAX_HEAD = 65536


class Host:
    """The counts of one address.

    served: seconds from arrival to response, summed up. peak: most requests in flight. first, last: times of the first
    arrival and the last response.
    """

    def __init__(self) -> None:
        self.opened = self.requests = self.in_flight = self.peak = 0
        self.served = 0.0
        self.first = float("inf")
        self.last = 0.0


class Connection:
    """An accepted connection. It has one request in flight at most, as clients do not pipeline."""

    __slots__ = ("host", "sock", "unread")

    def __init__(self, host: Host, sock: socket.socket) -> None:
        self.host = host
        self.sock = sock
        self.unread = b""


class Server:
    """The loop. ``latency``: as ``latency_of`` takes it."""

    def __init__(self, addresses: list[str], latency: str) -> None:
        kind, _, seconds = latency.partition(":")
        self.fixed = float(seconds) if kind == "fixed" else None
        self.latency = latency
        self.hosts = {address: Host() for address in addresses}
        self.epoll = select.epoll()
        self.connections: dict[int, Connection] = {}
        self.due: list[tuple[float, int, Connection, float]] = []  # when, a number, whose, and when it arrived
        self.listener = socket.create_server(("0.0.0.0", 0), backlog=BACKLOG)
        self.listener.setblocking(False)
        self.admin = socket.create_server(("127.0.0.1", 0))
        for sock in (self.listener, self.admin):
            self.epoll.register(sock, select.EPOLLIN)

    def run(self) -> None:
        """Serve until the process is ended."""
        special = {self.listener.fileno(): self.accept, self.admin.fileno(): self.report}
        connections, due, poll = self.connections, self.due, self.epoll.poll
        while True:
            for fd, _ in poll(max(0.0, due[0][0] - monotonic()) if due else -1):
                if connection := connections.get(fd):
                    self.receive(fd, connection)
                else:
                    special[fd]()
            now = monotonic()
            while due and due[0][0] <= now:
                _, _, connection, arrived = heappop(due)
                self.respond(connection, arrived)

    def accept(self) -> None:
        """Accept all connections that are waiting."""
        with contextlib.suppress(BlockingIOError):
            while True:
                sock, _ = self.listener.accept()
                host = self.hosts[sock.getsockname()[0]]
                host.opened += 1
                self.connections[sock.fileno()] = Connection(host, sock)
                self.epoll.register(sock, select.EPOLLIN)

    def receive(self, fd: int, connection: Connection) -> None:
        """Read what has come; a whole request is due after its latency."""
        try:
            data = connection.sock.recv(MAX_HEAD)
        except ConnectionError:
            data = b""
        if not data:
            del self.connections[fd]
            connection.sock.close()  # epoll forgets it, too
            return
        head = connection.unread + data
        if not head.endswith(b"\r\n\r\n"):
            connection.unread = head
            return
        connection.unread = b""
        host, now = connection.host, monotonic()
        host.requests += 1
        host.in_flight += 1
        if host.in_flight > host.peak:
            host.peak = host.in_flight
        if now < host.first:
            host.first = now
        latency = self.fixed
        if latency is None:
            latency = latency_of(head.split(b" ", 2)[1].decode("latin-1"), self.latency)
        heappush(self.due, (now + latency, id(connection), connection, now))

    def respond(self, connection: Connection, arrived: float) -> None:
        """Send the response that is due, unless the client has gone."""
        host, now = connection.host, monotonic()
        host.in_flight -= 1
        host.served += now - arrived
        host.last = now
        with contextlib.suppress(OSError):
            connection.sock.sendall(RESPONSE)

    def report(self) -> None:
        """Send the counts to whoever has connected to ``admin``, and begin new ones."""
        sock, _ = self.admin.accept()
        with sock:
            sock.recv(MAX_HEAD)
            body = json.dumps([vars(host) for host in self.hosts.values()]).encode()
            sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        for host in self.hosts.values():
            host.__init__()  # type: ignore[misc]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--hosts", type=int, default=1)
    parser.add_argument("--latency", default="lognormal:0.1:0.5")
    options = parser.parse_args()
    server = Server(loopback_addresses(options.hosts), options.latency)
    port = server.listener.getsockname()[1]
    started = {
        "port": port,
        "admin": server.admin.getsockname()[1],
        "hosts": [f"http://{address}:{port}" for address in server.hosts],
    }
    print(json.dumps(started), flush=True)
    server.run()


if __name__ == "__main__":
    main()
