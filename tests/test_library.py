"""The library as its page shows it."""

from __future__ import annotations

import inspect
import itertools
import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import trustme

import scrapepool
from scrapepool import (
    ErrorKind,
    Fetched,
    OutageError,
    PooledSession,
    PoolSettings,
    Request,
    Settings,
    Skipped,
    UsageError,
    error_of,
    fetch,
    verdict,
)
from tests.servers.polite import PoliteServer, Response

ROOT = Path(__file__).parents[1]
BODIES = Settings().with_(output={"body": True})


def test_a_pooled_session_is_a_session() -> None:
    """What requests does still works, and the session tells how its connections were used."""
    with PoliteServer() as server, PooledSession(workers=16, per_host=4) as session:
        for _ in range(3):
            assert session.get(server.url()).status_code == 200
        (stats,) = session.pool_stats().values()
    assert (stats.opened, stats.requests, stats.idle) == (1, 3, 1)


def test_outcomes_come_as_they_complete() -> None:
    """One for each URL, with what a record tells; a URL that is none is an outcome too."""
    with PoliteServer(3) as server:
        urls = [server.url(f"/{i}", i % 3) for i in range(30)]
        outcomes = list(fetch([*urls, "http://[bad/"], Settings()))
    assert sorted(outcome.target.url for outcome in outcomes) == sorted([*urls, "http://[bad/"])
    assert {verdict(outcome) for outcome in outcomes if isinstance(outcome, Fetched)} == {"ok"}
    assert sum(isinstance(outcome, Skipped) for outcome in outcomes) == 1


def test_settings_are_heeded() -> None:
    """Bodies come with the outcome where they are asked for."""
    with PoliteServer() as server:
        (outcome,) = fetch([server.url()], Settings().with_(output={"body": True}))
    assert outcome.body
    assert len(outcome.body) == outcome.bytes


def test_an_endless_iterable_is_read_as_far_as_it_is_needed() -> None:
    """Leaving the loop ends the run, its threads included."""
    taken = []

    def endless(origin: str) -> Iterator[str]:
        for number in itertools.count():
            taken.append(number)
            yield f"{origin}/{number}"

    with PoliteServer() as server:
        before = set(threading.enumerate())
        outcomes = fetch(endless(server.url("")), Settings().with_(pool={"workers": 2}))
        for _ in range(5):
            assert verdict(next(outcomes)) == "ok"
        outcomes.close()
        for thread in set(threading.enumerate()) - before:
            thread.join(10)
            assert not thread.is_alive()
    assert len(taken) < 100_000


def test_what_a_program_s_own_iterator_raises_comes_out() -> None:
    """And not something about threads."""

    def failing() -> Iterator[str]:
        raise ZeroDivisionError
        yield ""

    with pytest.raises(ZeroDivisionError):
        list(fetch(failing()))


def test_a_program_may_end_in_the_middle_of_a_run() -> None:
    """An iteration that was neither finished nor closed does not keep the interpreter alive."""
    with PoliteServer() as server:
        urls = [server.url("/1"), server.url("/2")]
        code = f"from scrapepool import fetch\noutcomes = fetch({urls})\nnext(outcomes)"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, check=False, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_empty_list_has_no_outcomes() -> None:
    """It is no error in a program."""
    assert list(fetch([])) == []


def test_settings_that_cannot_be_meant() -> None:
    """They are refused before anything is fetched."""
    with pytest.raises(UsageError):
        list(fetch([], Settings().with_(request={"cookies": "/nowhere"})))


@pytest.mark.parametrize(
    ("group", "values"),
    [
        ("output", {"path": "out.jsonl"}),
        ("output", {"path": "-"}),
        ("output", {"format": "csv"}),
        ("output", {"fields": ("url",)}),
        ("output", {"sqlite": "out.db"}),
        ("output", {"parquet": "out.parquet"}),
        ("output", {"template": "{url}"}),
        ("output", {"resume": "failed"}),
        ("output", {"ordered": True}),
        ("output", {"safe_csv": True}),
        ("warc", {"path": "out.warc"}),
        ("display", {"log_file": "log"}),
        ("display", {"summary_json": "summary.json"}),
        ("display", {"watch_stalls": 5.0}),
        ("display", {"verbose": True}),
        ("display", {"progress": "live"}),
        ("input", {"glob": True}),
    ],
)
def test_settings_that_are_not_carried_out_are_refused(group: str, values: dict[str, object]) -> None:
    """At the call, by their names: no output is lost silently."""
    with pytest.raises(UsageError, match=rf"does not carry out {group}\.{next(iter(values))}: "):
        fetch([], Settings().with_(**{group: values}))


def test_tls_facts_come_with_outcomes(tmp_path: Path) -> None:
    """On request: of the other fields, outcomes have what they have."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.2.1").configure_cert(context)
    authority.cert_pem.write_to_path(pem := str(tmp_path / "ca.pem"))
    asked = Settings().with_(output={"fields": ("+tls",)}, request={"cacert": pem})
    with PoliteServer(1, tls=context) as server:
        (outcome,) = fetch([server.url()], asked)
    assert outcome.tls is not None
    assert outcome.tls.version == "TLSv1.3"


def test_settings_that_ask_for_nothing_are_carried_out() -> None:
    """A program shows no progress anyway."""
    quiet = Settings().with_(display={"quiet": True, "progress": "none"}, output={"history": True}, warc={"size": 5})
    assert list(fetch([], quiet)) == []


def test_the_public_names() -> None:
    """All can be had, ``dir`` has them and no others, and each is documented."""
    assert dir(scrapepool) == sorted(scrapepool.__all__)
    for name in scrapepool.__all__:
        value = getattr(scrapepool, name)
        assert not callable(value) or value.__doc__, name
    assert callable(scrapepool.fetch)
    with pytest.raises(AttributeError):
        scrapepool.nothing  # noqa: B018


def test_help_names_each_outcome_and_says_where_settings_are() -> None:
    """What ``help(scrapepool.fetch)`` shows."""
    shown = inspect.getdoc(fetch) or ""
    for kind in get_args(scrapepool.Outcome):
        assert re.search(rf"^ *{kind.__name__}: ", shown, re.MULTILINE)
    for name in ("help(scrapepool.Settings)", "docs/library.md", ">>> for outcome in fetch("):
        assert name in shown
    assert str(inspect.signature(PoolSettings)).startswith("(workers: 'int' = 32, per_host: 'int' = 4")


def test_a_request_has_its_own_method_fields_body_and_context() -> None:
    """The context comes back with the outcome, whichever that is, as the object that it was."""
    contexts = [object() for _ in range(6)]
    with PoliteServer() as server:
        requests_ = [
            Request(server.url("/echo?get"), context=contexts[0]),
            Request(server.url("/echo"), method="put", headers={"X-Own": "1"}, data=b"\xff\x00", context=contexts[1]),
            Request(server.url("/echo?json"), data={"a": 1}, context=contexts[2]),
            Request(server.url("/echo?text"), data="é", context=contexts[3]),
            Request("http://[bad/", context=contexts[4]),
            Request(server.url("/echo?get"), context=contexts[5]),
            server.url("/page"),
        ]
        found = {outcome.context: outcome for outcome in fetch(iter(requests_), BODIES)}
    assert found[None].target.url == server.url("/page")
    said = [found[context].json() for context in contexts[:4]]
    assert [one["method"] for one in said] == ["GET", "PUT", "POST", "POST"]
    assert [one["body"].encode("latin-1") for one in said] == [b"", b"\xff\x00", b'{"a":1}', "é".encode()]
    assert ["X-Own", "1"] in said[1]["headers"]
    assert ["Content-Type", "application/json"] in said[2]["headers"]
    assert [error_of(found[context]) for context in contexts[4:]] == [ErrorKind.INVALID_URL, ErrorKind.DUPLICATE]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"url": b"http://h/"}, "a URL is a str, not bytes"),
        ({"url": "http://h/", "method": "G T"}, "no HTTP method: 'G T'"),
        ({"url": "http://h/", "headers": {"A": "b\r\nc"}}, "control character"),
        ({"url": "http://h/", "timeout": -1}, "no timeout: -1"),
        ({"url": "http://h/", "data": 5}, "data is neither text nor"),
    ],
)
def test_a_request_that_cannot_be_sent_is_refused(given: dict[str, Any], words: str) -> None:
    """Where it is made."""
    with pytest.raises(UsageError, match=f"^Request: .*{words}"):
        Request(**given)


def test_a_proxy_that_is_not_there_is_an_error() -> None:
    """The run is in trouble, and not its URLs: these have no outcomes."""
    settings = Settings().with_(request={"proxy": "http://127.0.0.1:9"}, retry={"max_outage": 0.0})
    with pytest.raises(OutageError, match="it relayed no response"):
        list(fetch(["http://127.0.2.1/", "http://127.0.2.1/2"], settings))


def test_what_is_no_url_and_no_request_ends_the_iteration() -> None:
    """With a TypeError that says what there may be."""
    with pytest.raises(TypeError, match=r"a str or a scrapepool\.Request, not int"):
        list(fetch([5]))  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("headers", "body", "text"),
    [
        ((("Content-Type", "text/html; charset=latin1"),), b"\x80\xe9", "€é"),
        ((("Content-Type", "text/html"),), b'<meta charset="koi8-r">\xc1', '<meta charset="koi8-r">\u0430'),
        ((("Content-Type", "text/html; charset=latin1"),), b"\xef\xbb\xbf\xc3\xa9", "é"),
        ((("Content-Type", "text/plain"),), "é".encode(), "é"),
        ((("Content-Type", "text/plain"),), b"\xe9", "é"),
        ((("Content-Type", "text/plain; charset=utf-8"),), b"\xe9", "\ufffd"),
    ],
)
def test_text_is_decoded_as_browsers_do(headers: Any, body: bytes, text: str) -> None:
    """By byte order mark, header, the page's own word; else UTF-8, or windows-1252."""
    with PoliteServer(handler=lambda _: Response(body=body, headers=headers)) as server:
        (outcome,) = fetch([server.url("/x")], BODIES)
    assert outcome.text == text


def test_without_a_body_there_is_no_text_and_no_json() -> None:
    """The error says how to keep bodies; what is no JSON is a ValueError as well."""
    with PoliteServer() as server:
        (outcome,) = fetch([server.url()])
        assert outcome.text is None
        with pytest.raises(ValueError, match=r"output=\{'body': True\}"):
            outcome.json()
        (outcome,) = fetch([server.url()], BODIES)
        with pytest.raises(ValueError, match="Expecting value"):
            outcome.json()


@pytest.mark.parametrize(
    "urls", ["https://h/", b"https://h/", bytearray(b"a"), Path("urls.txt"), Request("https://h/")]
)
def test_one_url_is_no_list_of_urls(urls: object) -> None:
    """Its characters would be fetched one by one; it is refused at once, and what to write is said."""
    with pytest.raises(UsageError, match=r"takes an iterable of URLs and requests.*write \[url\]"):
        fetch(urls)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"settings": {"pool": {"workers": 3}}}, r"takes its settings as Settings\(\).with_\(…\), not as dict"),
        ({"settings": PoolSettings()}, "not as PoolSettings"),
        ({"session": "ann"}, "takes a requests.Session as its session, not str"),
    ],
)
def test_what_is_no_settings_and_no_session_is_refused(given: dict[str, Any], message: str) -> None:
    """At the call, with a sentence instead of an AttributeError."""
    with pytest.raises(UsageError, match=message):
        fetch(["http://127.0.0.1:1/"], **given)


def test_a_list_in_a_file_is_fetched_as_the_message_says(tmp_path: Path) -> None:
    """It is a list of the settings, beside which there may be no URLs."""
    with PoliteServer() as server:
        (tmp_path / "urls.txt").write_text(server.url("/1"))
        (outcome,) = fetch([], Settings().with_(input={"lists": (str(tmp_path / "urls.txt"),)}))
    assert (verdict(outcome), outcome.target.line) == ("ok", 1)
