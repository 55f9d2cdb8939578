"""What a run and its worker processes send each other comes out as it went in, but for what is left at home."""

from __future__ import annotations

import os
import tempfile
from collections import deque
from dataclasses import fields, replace
from typing import Any

import pytest

from scrapepool.model import (
    Attempt,
    Deferred,
    ErrorKind,
    Failed,
    Fetched,
    Hop,
    HostKey,
    Outcome,
    Redirect,
    Redirected,
    RowRequest,
    Serialized,
    Skipped,
    Span,
    Target,
    Timings,
    TLSFacts,
    Transcript,
    Unchanged,
)
from scrapepool.model.outcomes import RateLimit, Retryable, Saved
from scrapepool.ports import Done, Unbegun, Work
from scrapepool.record.formats.serializer import Serializer
from scrapepool.run.processes.codec import (
    PLAIN_FIELDS,
    dumps,
    loads,
    number_of,
    pack_back,
    pack_work,
    unpack_back,
    unpack_work,
)
from scrapepool.schedule.lease import ConnectionUse, Lease
from scrapepool.schedule.robots import RobotsVerdict
from scrapepool.transport.exchange.cookies import Cookie, CookieStore
from scrapepool.transport.robots.rules import Rules
from scrapepool.validators import Known, Validators

HOST = HostKey("https", "example.org", 443)
TARGET = Target("https://example.org/a", HOST, "/a", 7, input={"x": object()}, source="urls.txt")


NOT_PLAIN = {"timings", "tls", "validators", "saved"}
"""Fields of a plain result that are spelled as tuples."""

NEVER_PLAIN = {"redirects", "hops", "retry", "data"}
"""Fields with which a result is not plain."""

AT_HOME = {"target", "history", "path", "change", "before"}
"""Fields that the run's own process sets."""

USE = ConnectionUse(1, 0.2, 2, 0.1, 3)


def test_every_field_of_a_result_is_thought_of() -> None:
    """A new one is to be added to ``PLAIN_FIELDS``, unless it is one of the others."""
    names = {field.name for field in fields(Fetched)}
    assert names == {*PLAIN_FIELDS} | NOT_PLAIN | NEVER_PLAIN | AT_HOME


def sent(work: Work) -> Work:
    """A lease on the other side."""
    number, received, _ = unpack_work(loads(dumps(pack_work(3, work))))
    assert number == 3
    return received


def returned(work: Work, one: Done | Unbegun, given: int = 0, serializer: Serializer | None = None) -> Done | Unbegun:
    """What comes back of it."""
    descriptors: list[int] = []
    packed = loads(dumps(pack_back(3, one, descriptors, serializer)))
    assert number_of(packed) == 3
    return unpack_back(packed, work, given, deque(descriptors))


def test_a_plain_lease_takes_what_its_requests_need() -> None:
    """URL and path of each target; what its row has besides stays."""
    other = replace(TARGET, url="https://example.org/b", path="/b")
    work = Work(Lease(HOST, (1, 2), budget=0.2, since=5.0), [Attempt(TARGET), Attempt(other)])
    received = sent(work)
    assert not unpack_work(pack_work(3, work))[2]  # its record has a column that stayed
    assert received.lease == Lease(HOST, (), budget=0.2, since=5.0)
    assert [(one.target.url, one.target.host, one.target.path) for one in received.attempts] == [
        (TARGET.url, HOST, "/a"),
        (other.url, HOST, "/b"),
    ]
    target = received.attempts[0].target
    assert (target.input, target.line, target.source) == (None, 7, "urls.txt")


def test_targets_without_columns_have_all_that_records_say() -> None:
    """Those of several lists cross one by one, and their records are made at home."""
    plain = replace(TARGET, input=None)
    for source, whole in (("urls.txt", True), ("other.txt", False)):
        work = Work(Lease(HOST, (1, 2)), [Attempt(plain), Attempt(replace(plain, source=source))])
        _, received, found = unpack_work(loads(dumps(pack_work(3, work))))
        assert found is whole
        assert [attempt.target for attempt in received.attempts] == [attempt.target for attempt in work.attempts]


@pytest.mark.parametrize(
    "fields",
    [
        {"userinfo": "user:secret"},
        {"occurrence": 2},
        {"known": Known({"etag": '"1"'})},
        {"request": RowRequest("POST", (("X", "y"),), b"data", 3.0, "name", lambda: None)},
    ],
)
def test_a_target_with_a_request_of_its_own_takes_it_along(fields: dict[str, Any]) -> None:
    """All but the object of the calling program, which may be anything."""
    target = replace(TARGET, **fields)
    received = sent(Work(Lease(HOST, (1,)), [Attempt(target)])).attempts[0].target
    own = None if target.request is None else target.request._replace(context=None)
    assert received == replace(target, input=None, request=own)


def test_an_attempt_goes_on_with_its_hop_and_its_cookies() -> None:
    """Also in another process."""
    jar = CookieStore([Cookie(b"a", b"b", "example.org")])
    hop = Hop("http://other/x", HostKey("http", "other", 80), "/x", "GET", ("https://example.org/a",), 1.5, jar)
    attempt = Attempt(TARGET, 2, 0.5, 10.0, hop, (), 1)
    received = sent(Work(Lease(hop.host, attempt=attempt, probe=True), [attempt]))
    assert received.lease.attempt is received.attempts[0]
    assert received.lease.probe
    one = received.attempts[0]
    assert (one.number, one.waited, one.started, one.refunds, one.history) == (2, 0.5, 10.0, 1, None)
    assert one.hop is not None
    assert one.hop._replace(cookies=None) == hop._replace(cookies=None)
    assert [cookie.pair for cookie in one.hop.cookies.cookies(0.0)] == [b"a=b"]


OUTCOMES: list[Outcome] = [
    Fetched(target=TARGET, status=200, final_url=TARGET.url, body=b"\x00\xff", headers=[("A", "ä")]),
    Fetched(
        target=TARGET,
        attempts=2,
        started=1.0,
        elapsed=0.1,
        waited=0.2,
        status=404,
        final_url="https://example.org/other",
        detail="some\udcffthing",
        content_type="text/html",
        charset="utf-8",
        bytes=3,
        wire_bytes=2,
        sha256="0" * 64,
        reused=True,
        complete=False,
        remote="127.0.0.1",
        timings=Timings(None, 0.1, None, 0.2, 0.3),
        tls=TLSFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", "CN=a", None, 9.0),
        validators=Validators('"1"', None, 5.0, None),
    ),
    Fetched(target=TARGET, status=503, retry=Retryable(3.0, True, (RateLimit("a", 1.0, 2.0),))),
    Fetched(target=TARGET, status=200, saved=Saved(b"data")),
    Fetched(target=TARGET, status=200, redirects=("x",), hops=(Redirect("x", 301),), saved=Saved(file="part")),
    Unchanged(target=TARGET, status=304, asked=True),
    Failed(target=TARGET, error=ErrorKind.RESET, unsent=True),
    Skipped(target=TARGET, error=ErrorKind.FORBIDDEN_ADDRESS),
    Deferred(target=TARGET, not_before=7.0),
]


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
def test_each_outcome_comes_back_with_the_target_that_stayed(outcome: Outcome) -> None:
    """Equal in every field, and its target is the same object."""
    work = Work(Lease(HOST, (1,)), [Attempt(TARGET)])
    before = replace(outcome)
    back = returned(work, Done(work, [outcome], USE, elapsed=0.5))  # type: ignore[list-item]
    assert isinstance(back, Done)
    assert back == Done(work, [before], USE, [], elapsed=0.5)  # type: ignore[list-item]
    assert back.results[0].target is TARGET  # type: ignore[union-attr]


def test_plain_successes_come_back_as_their_records() -> None:
    """With what a run counts; all others come back as they are."""
    serializer = Serializer(lambda outcome: f"{outcome.status} {outcome.target.url}\n".encode())
    timings = Timings(None, None, None, 0.2, 0.3)
    page = Fetched(target=TARGET, status=200, elapsed=0.5, wire_bytes=7, timings=timings)
    others = [
        replace(page, status=404),
        replace(page, body=b"body"),
        replace(page, redirects=("x",)),
        replace(page, retry=Retryable(3.0)),
        replace(page, timings=None),
    ]
    work = Work(Lease(HOST, (1,) * 6), [Attempt(TARGET)] * 6)
    back = returned(work, Done(work, [replace(page), *map(replace, others)]), serializer=serializer)
    first, *middle, last = back.results
    assert isinstance(first, Serialized)
    assert isinstance(last, Serialized)
    assert middle == others[:-1]
    assert first.record == b"200 https://example.org/a\n"
    assert first.target is TARGET
    assert (first.status, first.elapsed, first.wire_bytes) == (200, 0.5, 7)
    assert (first.redirects, first.retry, first.body, first.data, first.change) == ((), None, None, None, None)
    assert first.timings == timings._replace(download=None)
    assert last.timings is None
    assert repr(last) == "<Serialized https://example.org/a>"


def test_results_belong_to_the_targets_behind_those_that_came_before() -> None:
    """A redirect to another host too."""
    targets = [replace(TARGET, url=f"https://example.org/{number}") for number in range(3)]
    work = Work(Lease(HOST, (1, 2, 3)), [Attempt(target) for target in targets])
    first = returned(
        work, Unbegun(work, 2, [Fetched(target=targets[0], status=200)], ConnectionUse(1, 0.0, 1), again=1)
    )
    assert isinstance(first, Unbegun)
    assert (first.begun, first.again, first.results[0].target) == (2, 1, targets[0])  # type: ignore[union-attr]
    hop = Hop("http://other/x", HostKey("http", "other", 80), "/x", "GET", (), 0.0)
    last = returned(work, Done(work, [Redirected(Attempt(targets[1], hop=hop), 0.5)]), given=1)
    result = last.results[0]
    assert isinstance(result, Redirected)
    assert result == Redirected(Attempt(targets[1], hop=hop), 0.5)
    assert result.attempt.target is targets[1]


def test_a_robots_txt_comes_back_with_its_rules() -> None:
    """And with why it could not be had."""
    work = Work(Lease(HOST, robots=True), [])
    rules = Rules([("/private", False)], 2.0)
    back = returned(work, Done(work, (), robots=RobotsVerdict(rules, 2.0, agent="x"), elapsed=0.1))
    assert isinstance(back, Done)
    assert back.robots is not None
    assert back.robots.rules is not None
    assert back.robots.rules.refusing("/private/x") == "/private"
    assert back.robots.crawl_delay == 2.0


def test_transcripts_take_the_files_of_long_responses_along() -> None:
    """As descriptors; short ones are bytes."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it is sent
    file.write(b"HTTP/1.1 200 OK\r\n\r\nbody")
    short = Transcript("u", "s", None, 0, 1, 1.0, 0.1, None, b"GET", False, b"HTTP", 4, None, 0)
    long = short._replace(response=Span(file, 0, 23))
    work = Work(Lease(HOST, (1,)), [Attempt(TARGET)])
    back = returned(work, Done(work, [], transcripts=[short, long]))
    assert back.transcripts[0] == short
    span = back.transcripts[1].response
    assert isinstance(span, Span)
    assert (span.begin, span.size) == (0, 23)
    with span.file:
        assert os.pread(span.file.fileno(), 100, 0).endswith(b"body")
