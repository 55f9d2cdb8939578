"""The story of one URL, in words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.failure_classes import CLASSES
from scrapepool.model import WaitReason
from scrapepool.render.url_history import REASONS, TELL_MORE, url_history

PLAIN: dict[str, Any] = {
    "url": "https://example.org/a",
    "line": 17,
    "outcome": "ok",
    "status": 200,
    "error": None,
    "detail": None,
    "final_url": "https://example.org/c",
    "redirects": ["https://example.org/a", "https://example.org/b"],
    "attempts": 2,
    "started": "2026-11-22T16:36:53.980Z",
    "elapsed": 0.31,
    "waited": 31.2,
    "content_type": "text/html",
    "bytes": 18200,
    "reused": False,
    "path": None,
    "complete": True,
    "remote": "192.0.2.1",
    "timings": {"dns": 0.012, "connect": 0.02, "tls": None, "ttfb": 0.2, "download": 0.0301},
}


def test_a_plain_record_tells_what_it_holds() -> None:
    """The text says that --verbose would have recorded more."""
    assert url_history(PLAIN) == (
        "https://example.org/a\n"
        "line 17 of its list\n"
        "\n"
        "2 attempts, the first at 2026-11-22 16:36:53.980 UTC\n"
        "31 s of waiting before attempts (backoff, limits, or a pause that the host asked for)\n"
        "the last attempt: status 200, after 310 ms\n"
        "over a new connection to 192.0.2.1\n"
        "DNS 12 ms, connect 20 ms, first byte 200 ms, body 30 ms\n"
        "\n"
        "ok: it succeeded (status 200)\n"
        "redirected to https://example.org/b\n"
        "then redirected to https://example.org/c\n"
        "18.2 kB of text/html\n"
        "\n"
        f"{TELL_MORE}\n"
    )


def test_a_history_is_shown_step_by_step() -> None:
    """It has waits with their reasons, attempts with their times, and where a redirect to another host led."""
    history = [
        {"waited": 0.412, "for": "robots"},
        {
            "attempt": 1,
            "url": "http://a/",
            "started": "2026-11-22T16:36:53.980Z",
            "elapsed": 0.0028,
            "status": 503,
            "error": "http_5xx",
            "remote": "192.0.2.1",
            "reused": True,
            "retry_after": 30,
        },
        {"waited": 30.0, "for": "retry_after"},
        {"attempt": 2, "url": "http://a/", "elapsed": 0.1, "redirected_to": "http://b/"},
        {"attempt": 2, "url": "http://b/", "elapsed": 1.5, "error": "reset", "detail": "connection reset by peer"},
    ]
    record = {"url": "http://a/", "outcome": "failed", "error": "reset", "history": history}
    assert url_history(record, times=3) == (
        "http://a/\n"
        "3 records of this URL; this is the last one, which counts\n"
        "\n"
        "              waited 0.41 s for the host's robots.txt\n"
        "16:36:53.980  attempt 1: status 503, after 2.8 ms\n"
        "              over a connection to 192.0.2.1 that was used before\n"
        "              the server asked to wait 30 s\n"
        "              waited 30 s as long as the server asked for (Retry-After)\n"
        "              attempt 2: redirected to http://b/, after 100 ms\n"
        "              continued: reset (connection reset by peer), after 1.5 s\n"
        "              at http://b/\n"
        "\n"
        "failed: no complete response was received (reset)\n"
    )


def test_refunded_attempts_count_against_the_host() -> None:
    """If two attempts have one number, the first did not count, and a line says what failed in its place."""
    steps: list[dict[str, Any]] = [
        {"attempt": 1, "url": "http://a/", "status": 429, "error": "http_4xx"},
        {"waited": 1.0, "for": "parked"},
        {"attempt": 1, "url": "http://a/", "status": 503, "error": "http_5xx"},
        {"waited": 2.0, "for": "circuit"},
        {"attempt": 1, "url": "http://a/", "error": "connect_timeout"},
        {"waited": 9.0, "for": "outage"},
        {"attempt": 1, "url": "http://a/", "redirected_to": "http://b/"},
        {"attempt": 1, "url": "http://b/", "status": 500, "error": "http_5xx"},
        {"attempt": 2, "url": "http://a/", "status": 500, "error": "http_5xx"},
    ]
    text = url_history({"url": "http://a/", "outcome": "http_error", "history": steps})
    assert text.count("counted against its host, not against this URL") == 2
    assert text.count("counted against the network, not against this URL") == 1
    assert "2 of the attempts count for this URL; 2 against its host, 1 against the network\n" in text
    assert "counted against" not in url_history({"url": "http://a/", "outcome": "http_error", "history": steps[-3:]})


@pytest.mark.parametrize("why", WaitReason)
def test_every_reason_has_its_words(why: WaitReason) -> None:
    """Every reason has words, also one that is added later."""
    assert why in REASONS
    text = url_history({"url": "u", "outcome": "ok", "history": [{"waited": 1.0, "for": why}]})
    assert f"waited 1.0 s {REASONS[why]}\n" in text


def test_ends_without_an_attempt() -> None:
    """A line that was skipped, and a target that was put off."""
    skipped = url_history(
        {"url": "x:", "outcome": "skipped", "error": "invalid_url", "detail": "no scheme", "attempts": 0}
    )
    assert skipped.startswith("x:\n\nskipped: it was not requested (invalid_url)\nno scheme\n")
    deferred = url_history(
        {"url": "u", "outcome": "deferred", "attempts": 0, "waited": 3.0, "not_before": "2026-11-22T16:36:53.980Z"}
    )
    assert "never requested; it waited 3.0 s" in deferred
    assert "it may be requested again from 2026-11-22 16:36:53 UTC on" in deferred


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        ("aaaa", ["redirected to a", "and so on in a loop: 3 redirects"]),
        ("ababa", ["redirected to b", "then redirected to a", "and so on in a loop: 4 redirects"]),
        ("xabab", ["redirected to a", "then redirected to b", "and so on in a loop: 4 redirects"]),
        ("abac", ["redirected to b", "then redirected to a", "then redirected to c"]),
        ("ababc", [f"{then}redirected to {url}" for then, url in (("", "b"), *(("then ", url) for url in "abc"))]),
        ("ab", ["redirected to b"]),
    ],
)
def test_a_redirect_loop_is_shown_once(path: str, lines: list[str]) -> None:
    """It has the number of its redirects. A loop that was left again is shown step by step."""
    text = url_history({"url": path[0], "outcome": "failed", "redirects": list(path[:-1]), "final_url": path[-1]})
    assert [line for line in text.splitlines() if "redirect" in line] == lines


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(CLASSES),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["waited", "for", "attempt", "url", "started", "elapsed", "status", "timings", "ttfb"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from([*PLAIN, "history", "not_before", "method"]), VALUES))
def test_whatever_a_record_holds_is_shown_safely(record: dict[str, Any]) -> None:
    """There is no error, and no control character but the line ends."""
    text = url_history(record)
    assert all(line.isprintable() or line.translate(dict.fromkeys(map(ord, line))) == "" for line in text.split("\n"))
    assert not any(
        ord(char) < 32 or 0x7F <= ord(char) < 0xA0 or char in "\u2028\u202e" for char in text if char != "\n"
    )
