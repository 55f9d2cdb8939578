"""pycurl's multi interface at its best: a fixed number of handles that are reused.

python pycurl_multi.py LIST OUTPUT [--workers N] [--ca FILE | --insecure]

A few handles are driven by ``perform`` and ``select``, which is C but looks at every handle each time and cannot watch
descriptors from 1,024 on. Many are driven by ``socket_action`` and epoll, whose callbacks are Python.
"""

from __future__ import annotations

import argparse
import contextlib
import select
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pycurl
from record import failure, success

FEW = 100
"""Handles up to which ``perform`` takes less CPU: 39 against 47 µs per URL with 64."""

EVENTS = {
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}


class Select:
    """A multi handle that is driven by ``perform`` and ``select``."""

    max_connections = 900
    """Connections that are kept: ``select`` cannot watch more descriptors."""

    def __init__(self) -> None:
        self.multi = pycurl.CurlMulti()
        self.multi.setopt(pycurl.M_MAXCONNECTS, self.max_connections)

    def step(self, in_flight: int) -> None:
        """Work until one of so many requests is done."""
        while self.multi.perform()[1] == in_flight:
            timeout = self.multi.timeout()  # in milliseconds; -1 for none
            self.multi.select(timeout / 1000 if timeout >= 0 else 1.0)


class Epoll(Select):
    """A multi handle whose sockets are watched by epoll."""

    max_connections = 16_384

    def __init__(self) -> None:
        super().__init__()
        self.epoll = select.epoll()
        self.timeout = -1.0
        self.multi.setopt(pycurl.M_SOCKETFUNCTION, self.watch)
        self.multi.setopt(pycurl.M_TIMERFUNCTION, self.set_timer)

    def set_timer(self, milliseconds: int) -> None:
        self.timeout = milliseconds / 1000 if milliseconds >= 0 else -1

    def watch(self, what: int, fd: int, multi: object, data: object) -> None:  # noqa: ARG002 - pycurl passes all four
        with contextlib.suppress(OSError):  # libcurl closes a socket before it says so, and the next one has its number
            if what == pycurl.POLL_REMOVE:
                self.epoll.unregister(fd)
                return
            try:
                self.epoll.modify(fd, EVENTS[what])
            except FileNotFoundError:
                self.epoll.register(fd, EVENTS[what])

    def step(self, in_flight: int) -> None:  # noqa: ARG002 - it returns sooner
        timeout, self.timeout = self.timeout, -1.0
        events = self.epoll.poll(timeout if 0 < timeout < 1 else 1) if timeout else []
        for fd, event in events:
            readable, writable = event & ~select.EPOLLOUT, event & select.EPOLLOUT
            ready = (pycurl.CSELECT_IN if readable else 0) | (pycurl.CSELECT_OUT if writable else 0)
            self.multi.socket_action(fd, ready)
        if not events:
            self.multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        elif self.timeout < 0:
            self.timeout = timeout


def new_handle(options: argparse.Namespace) -> pycurl.Curl:
    """Make a handle. It collects the body of its response in a list, ``body``."""
    curl = pycurl.Curl()
    curl.body = []
    curl.setopt(pycurl.WRITEFUNCTION, curl.body.append)
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.FOLLOWLOCATION, 1)
    curl.setopt(pycurl.PROXY, "")
    if options.ca:
        curl.setopt(pycurl.CAINFO, options.ca)
    if options.insecure:
        curl.setopt(pycurl.SSL_VERIFYPEER, 0)
        curl.setopt(pycurl.SSL_VERIFYHOST, 0)
    return curl


def crawl(options: argparse.Namespace, urls: Iterator[tuple[int, str]], out: TextIO) -> None:
    """Request all URLs."""
    loop = Select() if options.workers <= FEW else Epoll()
    idle = [new_handle(options) for _ in range(options.workers)]
    in_flight: set[pycurl.Curl] = set()
    while True:
        while idle and (item := next(urls, None)):
            curl = idle.pop()
            curl.line, curl.url = item
            curl.setopt(pycurl.URL, curl.url)
            in_flight.add(curl)
            loop.multi.add_handle(curl)
        if not in_flight:
            return
        loop.step(len(in_flight))
        _, done, failed = loop.multi.info_read(len(in_flight))
        for curl in done:
            out.write(record(curl) + "\n")
        for curl, _, message in failed:
            out.write(failure(curl.url, curl.line, message) + "\n")
        for curl in [*done, *(one[0] for one in failed)]:
            curl.body.clear()
            loop.multi.remove_handle(curl)
            in_flight.remove(curl)
            idle.append(curl)


def record(curl: pycurl.Curl) -> str:
    return success(
        curl.url,
        curl.line,
        curl.getinfo(pycurl.RESPONSE_CODE),
        curl.getinfo(pycurl.EFFECTIVE_URL),
        [],
        curl.getinfo(pycurl.TOTAL_TIME),
        curl.getinfo(pycurl.CONTENT_TYPE),
        b"".join(curl.body),
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("list", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--ca")
    parser.add_argument("--insecure", action="store_true")
    options = parser.parse_args()
    with options.list.open() as lines, options.output.open("w") as out:
        crawl(options, ((number, line.strip()) for number, line in enumerate(lines, start=1)), out)


if __name__ == "__main__":
    main()
