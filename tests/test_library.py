"""The library as its page shows it."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import scrapepool
from scrapepool import PooledSession, Settings, fetch, verdict
from scrapepool.errors import UsageError
from scrapepool.model import Fetched, Skipped
from tests.servers.polite import PoliteServer

ROOT = Path(__file__).parents[1]


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
        outcomes.close()  # type: ignore[attr-defined]
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
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=20, check=False, capture_output=True)
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


def test_settings_that_ask_for_nothing_are_carried_out() -> None:
    """A program shows no progress anyway."""
    quiet = Settings().with_(display={"quiet": True, "progress": "none"}, output={"history": True}, warc={"size": 5})
    assert list(fetch([], quiet)) == []


def test_the_public_names() -> None:
    """All can be had, ``fetch`` is the function and not the package of that name, and there are no others."""
    for name in scrapepool.__all__:
        assert getattr(scrapepool, name) is not None
    assert callable(scrapepool.fetch)
    with pytest.raises(AttributeError):
        scrapepool.nothing  # noqa: B018


@pytest.mark.parametrize("urls", ["https://example.org/a", b"https://example.org/a", bytearray(b"a"), Path("urls.txt")])
def test_one_text_is_no_list_of_urls(urls: object) -> None:
    """Its characters would be fetched one by one; it is refused at once, and what to write is said."""
    with pytest.raises(UsageError, match=r"takes an iterable of URLs.*write \[url\]"):
        fetch(urls)  # type: ignore[arg-type]


def test_a_list_in_a_file_is_fetched_as_the_message_says(tmp_path: Path) -> None:
    """It is a list of the settings, beside which there may be no URLs."""
    with PoliteServer() as server:
        (tmp_path / "urls.txt").write_text(server.url("/1"))
        (outcome,) = fetch([], Settings().with_(input={"lists": (str(tmp_path / "urls.txt"),)}))
    assert (verdict(outcome), outcome.target.line) == ("ok", 1)
