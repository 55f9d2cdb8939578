"""Everything that servers do wrong, through the whole of ``fetch``: one record each, and none of them a surprise."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trustme

from scrapepool import Settings, fetch, verdict
from scrapepool.model import Outcome, error_of
from tests.servers.hostile import ZOO, HostileServer

READ = 3.5
"""Seconds of the read timeout: enough for a server whose machine has other tests to run as well."""

TOTAL = 5.0
"""Seconds of the deadline, above the read timeout: some behaviours are for one of them, some for the other."""

LATE = 5.0
"""Seconds beyond the deadline that a record may say it took, on a machine that is busy with a hundred of them."""

STRICTLY_FETCH = {
    "length_astronomic": {"ok"},
    "length_negative": {"read_timeout", "deadline"},
    "length_plus": {"read_timeout", "deadline"},
    "length_words": {"read_timeout", "deadline"},
}
"""A Content-Length that is no number is ignored, as Fetch's "extract a length" has it and docs/responses.md says: the
body ends with the connection, which the server of these rows does not end, but for the first."""

UNKNOWABLE = frozenset({"response_before_request"})
"""Rows whose unsolicited response may arrive just after the next request was sent: then no client can tell that it is
not the response to it (docs/responses.md). ``test_unsolicited_data`` shows what is found out."""

BOMBS = frozenset({"gzip_bomb", "brotli_bomb", "zstd_bomb"})
"""Rows that take CPU until they have reached their limit: on a busy machine the deadline comes first, as it should."""

UPLOADS = [name for name, behaviour in ZOO.items() if behaviour.upload]
METHODS = sorted({behaviour.method for behaviour in ZOO.values()} - {"GET", "POST"})


def settings(cacert: str | None = None, method: str = "GET", upload: int = 0) -> Settings:
    return Settings().with_(
        pool={"workers": 96},
        politeness={"robots": False},
        timeouts={"connect": TOTAL, "read": READ, "total": TOTAL},
        retry={"retries": 0},
        size={"max_size": 4 * 2**20},
        output={"body": True},
        request={"cacert": cacert, "method": method, "data": bytes(upload) if upload else None},
    )


@contextmanager
def zoo(scheme: str, names: list[str]) -> Iterator[tuple[HostileServer, str | None]]:
    """The server, and the file that holds its certificate's authority."""
    if scheme == "http":
        with HostileServer(names) as server:
            yield server, None
        return
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(f"127.0.9.{n + 1}" for n in range(len(names)))).configure_cert(context)
    with authority.cert_pem.tempfile() as bundle, HostileServer(names, tls=context) as server:
        yield server, bundle


def surprises(server: HostileServer, name: str, n: int, outcome: Outcome) -> list[str]:
    """What is not as it should be with a record."""
    found = []
    error = error_of(outcome)
    word = verdict(outcome) if error is None else str(error)
    expected = STRICTLY_FETCH.get(name, server.behaviours[name].expected)
    if word not in expected and not (name in BOMBS and word == "deadline"):
        found.append(f"{name} is {word} ({outcome.detail}), not {sorted(expected)}")
    body = server.expected_body(name, n)
    if word == "ok" and body is not None and outcome.body != body and name not in UNKNOWABLE:
        found.append(f"{name} has another body: {(outcome.body or b'')[:60]!r}")
    if outcome.elapsed > TOTAL + LATE:
        found.append(f"{name} took {outcome.elapsed:.1f} s")
    if outcome.detail is not None and not (outcome.detail.isprintable() and "Traceback" not in outcome.detail):
        found.append(f"{name} says {outcome.detail!r}")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_every_behaviour_has_its_record(scheme: str) -> None:
    """Three URLs of each host, so that kept connections get their share."""
    names = [name for name, behaviour in ZOO.items() if behaviour.method == "GET"]
    found: list[str] = []
    with zoo(scheme, names) as (server, cacert):
        urls = {server.url(name, n): (name, n) for n in range(3) for name in names}
        for outcome in fetch(urls, settings(cacert)):
            found += surprises(server, *urls.pop(outcome.target.url), outcome)
    assert not urls
    assert not found, "\n".join(found)


@pytest.mark.parametrize("method", METHODS)
def test_every_behaviour_of_another_method_has_its_record(method: str) -> None:
    """HEAD, as a rule."""
    names = [name for name, behaviour in ZOO.items() if behaviour.method == method]
    found: list[str] = []
    with zoo("http", names) as (server, _):
        urls = {server.url(name): name for name in names}
        for outcome in fetch(urls, settings(method=method)):
            found += surprises(server, urls.pop(outcome.target.url), 0, outcome)
    assert not urls
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", UPLOADS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_every_upload_has_its_record(scheme: str, name: str) -> None:
    """What servers do with a body that they do not read."""
    behaviour = ZOO[name]
    with zoo(scheme, [name]) as (server, cacert):
        (outcome,) = fetch([server.url(name)], settings(cacert, behaviour.method, behaviour.upload))
        assert not surprises(server, name, 0, outcome)
