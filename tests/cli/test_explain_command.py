"""``scrapepool explain``: the story of one URL."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from running import ended, here, program

from tests.servers.polite import PoliteServer

RECORDS = [
    {"url": "https://example.org/a", "outcome": "failed", "error": "dns"},
    {"url": "https://example.org/b", "outcome": "ok", "status": 200},
    {"url": "https://example.org/a", "outcome": "ok", "status": 204},
]
LINES = "".join(f"{json.dumps(record)}\n" for record in RECORDS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "out.jsonl"
    path.write_text(LINES)
    return path


def test_a_run_s_record_is_explained(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A record of a real run has a failure, a retry and the pause before it."""
    out = tmp_path / "out.csv"
    with PoliteServer() as server:
        url = server.url("/flaky?times=1&status=500")
        here(capfd, "fetch", "-v", "--no-robots", "--backoff", "50ms", url, "-o", out)
    ran = here(capfd, "explain", out, url)
    assert (ran.code, ran.err) == (0, "")
    for words in (
        "attempt 1: status 500",
        "before the retry (backoff)",
        "attempt 2: status 200",
        "that was used before",
        "ok: it succeeded (status 200)",
    ):
        assert words in ran.out
    assert "--verbose" not in ran.out


def test_the_last_of_several_records_counts(capfd: pytest.CaptureFixture[str], path: Path) -> None:
    """A line says that there are more."""
    ran = here(capfd, "explain", path, "example.org/a")
    assert "2 records of this URL" in ran.out
    assert "status 204" in ran.out


def test_a_duplicate_s_record_does_not_count(capfd: pytest.CaptureFixture[str], path: Path) -> None:
    """It may stand behind the record of the URL."""
    with path.open("a") as file:
        file.write('{"url": "https://example.org/a", "outcome": "skipped", "error": "duplicate"}\n')
    ran = here(capfd, "explain", path, "example.org/a")
    assert "3 records of this URL" in ran.out
    assert "status 204" in ran.out


def test_a_url_without_a_record_is_reported_with_similar_ones(capfd: pytest.CaptureFixture[str], path: Path) -> None:
    """They are on standard error, with exit code 1."""
    assert here(capfd, "explain", path, "http://example.org/b/") == (
        1,
        "",
        f"scrapepool: {path} has no record of http://example.org/b/\n"
        "scrapepool: it has records of\n  https://example.org/b\n",
    )
    assert here(capfd, "explain", path, "rain\x1b[2J").err == (f"scrapepool: {path} has no record of rain\\x1b[2J\n")


@pytest.mark.parametrize("word", ["out.jsonl", "https://example.org/a"])
def test_records_or_a_url_alone_are_not_enough(capfd: pytest.CaptureFixture[str], word: str) -> None:
    """An example in the message shows which of them is missing."""
    ran = here(capfd, "explain", word)
    assert (ran.code, ran.err) == (
        2,
        "scrapepool: explain needs records and a URL, as in scrapepool explain records.jsonl https://example.org/a\n",
    )


def test_compressed_records_and_standard_input_are_read(path: Path) -> None:
    """A torn last line is reported."""
    path.write_bytes(gzip.compress(f'{LINES}{{"url":"ht'.encode()))
    with path.open("rb") as stream:
        ran = ended(program("explain", "-", "https://example.org/b", stdin=stream))
    assert (ran.code, ran.err) == (0, "scrapepool: standard input: the last record is incomplete and was skipped\n")
    assert "status 200" in ran.out


@pytest.mark.parametrize(
    ("content", "message"), [(None, "No such file or directory"), ("rain\n", "not a record of scrapepool")]
)
def test_what_is_no_record_file_is_reported(
    capfd: pytest.CaptureFixture[str], path: Path, content: str | None, message: str
) -> None:
    """The exit code is 2."""
    path.unlink() if content is None else path.write_text(content)
    ran = here(capfd, "explain", path, "https://example.org/b")
    assert ran.code == 2
    assert message in ran.err


def test_a_request_as_a_curl_command(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The row has a request of its own. What the record does not hold is named on standard error."""
    out = tmp_path / "out.jsonl"
    with PoliteServer() as server:
        url = server.url("/status/404?a=b&c")
        row = {"url": url, "request": {"data": "it's", "headers": {"Cookie": "s=1", "Content-Type": "text/plain"}}}
        (tmp_path / "urls.jsonl").write_text(json.dumps(row))
        here(capfd, "fetch", tmp_path / "urls.jsonl", "-q", "--no-robots", "-o", out)
    ran = here(capfd, "explain", out, url, "--curl")
    assert ran.code == 0
    assert ran.out.startswith("curl --include --compressed --user-agent scrapepool/")
    words = f"--header 'Cookie: ***' --header 'Content-Type: text/plain' --data-raw 'it'\"'\"'s' '{url}'\n"
    assert ran.out.endswith(words)
    assert ran.err.count("\n") == 2
    assert "*** stands for a secret" in ran.err
