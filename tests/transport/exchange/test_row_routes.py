"""Targets whose rows ask otherwise than the run, next to others in one lease."""

from __future__ import annotations

import json
from dataclasses import replace

from scrapepool.model import Attempt, Fetched, RowRequest
from tests.servers.polite import PoliteServer, Request, Response
from tests.transport.fetching import lease_context, run, target


def echo(request: Request) -> Response:
    """Return the requests that were made."""
    return Response(body=json.dumps([request.method, request.body.decode(), request.header("X-A")]).encode())


def test_a_lease_of_all_kinds() -> None:
    """Each is requested as its row says, whatever was requested before it, over one connection."""
    own = [
        RowRequest("POST", data=b"1"),
        None,
        RowRequest(headers=(("x-a", "2"),)),
        RowRequest(timeout=2.0),
        RowRequest("DELETE"),
        None,
    ]
    with PoliteServer(1, echo) as server, lease_context(request={"headers": (("X-A", "run"),)}) as made:
        attempts = [Attempt(replace(target(server.url(f"/{n}")), request=request)) for n, request in enumerate(own)]
        done = run(made, *attempts)
    assert [json.loads(result.body or b"") for result in done.results if isinstance(result, Fetched)] == [
        ["POST", "1", "run"],
        ["GET", "", "run"],
        ["GET", "", "2"],
        ["GET", "", "run"],
        ["DELETE", "", "run"],
        ["GET", "", "run"],
    ]
    assert done.use.opened == 1


def test_a_post_of_a_row_is_not_sent_twice() -> None:
    """Whether a failure is worth another try goes by the row's method."""
    with PoliteServer(1, lambda _: Response(reset=True)) as server, lease_context() as made:
        for request, again in ((RowRequest("POST", data=b"1"), False), (None, True)):
            (result,) = run(made, Attempt(replace(target(server.url("/")), request=request))).results
            assert (getattr(result, "retry", None) is not None) is again
