"""For the tests of programs that use scrapepool: responses without a network.

Decides what is served for a URL. ``stubbed`` takes the place of the transport, so everything above it is the real run:
reading, scheduling, values out of pages, expectations. Sockets, TLS, redirects to files and retries after errors of a
network are not.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from .charset import charset_of, content_type_of
from .model import Attempt, ErrorKind, Failed, Fetched, Result, RowRequest, Unchanged
from .ports import Done, Transport, Unbegun, Work
from .schedule.lease import ConnectionUse
from .schedule.robots import RobotsVerdict
from .transport.work.context import LeaseContext
from .url import join

__all__ = ["Stub", "StubRequest", "StubResponse", "stubbed"]

MOST_REDIRECTS = 10


@dataclass(frozen=True, slots=True)
class StubRequest:
    """A request that a run has made.

    method: HTTP method. url: without a password. headers: those that its ``Request`` or row sets. data: its own body.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class StubResponse:
    """What is served.

    body: bytes, text (UTF-8), or a dict or list as JSON. status: HTTP status. headers: header fields. error: no
    response comes, but this error.
    """

    body: bytes | str | dict[str, Any] | list[Any] = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    error: ErrorKind | None = None


Served = StubResponse | bytes | str | dict[str, Any] | list[Any] | ErrorKind
"""A response; its body alone, with status 200; or an error."""


UNKNOWN = StubResponse(error=ErrorKind.CONNECT_REFUSED)
"""What comes for a URL without a response."""


class Stub:
    """The requests that were made inside of ``stubbed``. requests: in order, those for redirects too."""

    def __init__(self, responses: Mapping[str, Served | Callable[[StubRequest], Served]]) -> None:
        self.requests: list[StubRequest] = []
        self._responses = responses

    def respond(self, request: StubRequest) -> StubResponse:
        """Return what is served to a request, and note the request."""
        self.requests.append(request)
        served = self._responses.get(request.url, UNKNOWN)
        found = served(request) if callable(served) and not isinstance(served, ErrorKind) else served
        if isinstance(found, StubResponse):
            return found
        return StubResponse(error=found) if isinstance(found, ErrorKind) else StubResponse(found)


@contextmanager
def stubbed(responses: Mapping[str, Served | Callable[[StubRequest], Served]]) -> Iterator[Stub]:
    """Serve these responses to ``fetch`` and ``afetch`` inside of the block; no request leaves the machine.

    >>> with stubbed({"https://example.org/": "<title>Hi</title>", "https://example.org/x": ErrorKind.DNS}) as stub:
    ...     outcomes = list(fetch(["https://example.org/", "https://example.org/x"]))
    >>> [request.url for request in stub.requests]

    responses: by URL, as the run requests it: a response, a function of the request that returns one, a body alone, or
        an error. A redirect (status 3xx with a Location) is followed. A URL that is not here ends as
        ``connect_refused``. robots.txt allows everything.

    Hosts still get no more requests at a time than ``pool.per_host``. ``pool.processes`` has to be 1, and requests of a
    ``PooledSession`` of your own are not served.
    """
    stub = Stub(responses)

    def transport(context: LeaseContext, _: object) -> Transport:
        return _StubTransport(context, stub)

    with mock.patch("scrapepool.run.run_transport.Loop", transport):
        yield stub


class _StubTransport:
    """Keeps ``ports.Transport``: every lease ends at once."""

    processes = 1
    in_flight = 0
    receiving = 0

    def __init__(self, context: LeaseContext, stub: Stub) -> None:
        self._context = context
        self._stub = stub
        self._done: list[Done] = []
        self._awake = threading.Event()

    def submit(self, work: Work) -> None:
        if work.lease.robots:
            self._done.append(Done(work, (), robots=RobotsVerdict()))
            return
        results = [self._result(attempt) for attempt in work.attempts]
        self._done.append(Done(work, results, ConnectionUse(opened=1, requests=len(results))))

    def wait(self, timeout: float | None) -> Sequence[Done | Unbegun]:
        if not self._done:
            self._awake.wait(timeout)
        self._awake.clear()
        done, self._done = self._done, []
        return done

    def wake(self) -> None:
        self._awake.set()

    def discount_hanging(self) -> None:
        """Nothing hangs."""

    def drain(self) -> None:
        """Everything has ended."""

    def abort(self) -> None:
        """Everything has ended."""

    def _result(self, attempt: Attempt) -> Result:
        context, target = self._context, attempt.target
        own, method = target.request, target.method(context.method)
        url, redirects = target.url, list[str]()
        while True:
            headers, data = (own.headers, own.data) if own is not None else ((), None)
            served = self._stub.respond(StubRequest(method, url, tuple(headers), data))
            location = {name.lower(): value for name, value in served.headers.items()}.get("location")
            if served.error is not None or location is None or not 300 <= served.status < 400:
                break
            if len(redirects) >= MOST_REDIRECTS:
                served = StubResponse(error=ErrorKind.TOO_MANY_REDIRECTS)
                break
            redirects.append(url)
            url = join(url, location)
        common: dict[str, Any] = {"target": target, "attempts": attempt.number, "started": time.time()}
        common |= {"final_url": url, "redirects": tuple(redirects)}
        if served.error is not None:
            return Failed(
                **common,
                error=served.error,
                detail=f"no response is stubbed for {url}" if served is UNKNOWN else "stubbed",
            )
        return self._fetched(served, method, common)

    def _fetched(self, served: StubResponse, method: str, common: dict[str, Any]) -> Result:
        context, fields = self._context, {name.lower(): value for name, value in served.headers.items()}
        body, kind = _body(served.body)
        field_value = fields.get("content-type", kind)
        content_type = content_type_of(field_value.encode("latin-1"))
        body = b"" if method == "HEAD" else body
        own: RowRequest | None = common["target"].request
        if own is not None and own.body_to is not None and served.status < 300 and method != "HEAD":
            writer = own.body_to()
            writer.write(body)
            writer.close()
        outcome = (Unchanged if served.status == 304 else Fetched)(
            **common,
            status=served.status,
            content_type=content_type,
            charset=charset_of(content_type, body[:1024]),
            bytes=len(body),
            wire_bytes=len(body),
            sha256=None if method == "HEAD" else hashlib.sha256(body).hexdigest(),
            complete=True,
            headers=list(served.headers.items()) if context.report.keep_headers else None,
            body=body if context.keeps_body else None,
        )
        if isinstance(outcome, Fetched) and (why := context.failed_expectation(outcome, method)) is not None:
            return context.report.unexpected(outcome, why, method)
        return outcome


def _body(value: bytes | str | dict[str, Any] | list[Any]) -> tuple[bytes, str]:
    """Return the bytes of a body, and its usual Content-Type."""
    if isinstance(value, bytes):
        return value, "application/octet-stream"
    if isinstance(value, str):
        return value.encode(), "text/html; charset=utf-8"
    return json.dumps(value).encode(), "application/json"
