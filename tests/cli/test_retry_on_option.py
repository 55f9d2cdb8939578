"""``--retry-on``: which failures are repeated."""

from __future__ import annotations

import pytest
from running import here

from tests.servers.polite import PoliteServer, Request, Response


def _broken(request: Request) -> Response | None:
    """Send what is no gzip as gzip."""
    if request.target != "/broken":
        return None
    return Response(headers=[("Content-Encoding", "gzip")], body=b"rain")


ONCE = ("--no-robots", "-q", "--retries", 1, "--backoff", 0)


@pytest.mark.parametrize(
    ("words", "page", "attempts"),
    [
        ("5xx,!501", "/status/500", 2),
        ("5xx,!501", "/status/501", 1),
        ("404", "/status/404", 2),
        ("!404,!502", "/status/502", 1),
        ("decode", "/broken", 2),
        ("!network", "/flaky?status=0&times=9", 1),
        ("429", "/flaky?status=0&times=9", 2),
    ],
)
def test_what_is_named_is_repeated(capfd: pytest.CaptureFixture[str], words: str, page: str, attempts: int) -> None:
    """Statuses and errors can be named. A list of statuses alone leaves the errors as they are."""
    with PoliteServer(handler=_broken) as server:
        ran = here(capfd, "fetch", server.url(page), "--retry-on", words, *ONCE)
    assert [record["attempts"] for record in ran.records] == [attempts]


def test_a_post_is_not_repeated_after_it_was_sent(capfd: pytest.CaptureFixture[str], web: PoliteServer) -> None:
    """That holds for every named failure: the request may have had its effect."""
    ran = here(capfd, "fetch", web.url("/status/500"), "--data", "x", "--retry-on", "5xx", *ONCE)
    assert [record["attempts"] for record in ran.records] == [1]
