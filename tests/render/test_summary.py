import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from render_cases import HOSTILE, SNAPSHOTS, row, snapshot

from scrapepool.errors import OutputError
from scrapepool.model import HostKey
from scrapepool.render.summary import OUTCOMES, summary_dict, summary_text, write_summary_json

FINISHED = snapshot([row(1, p95=0.1), row(2, p95=1.204), row(3, p95=None)], done=20_000, elapsed=109.0)


def test_the_summary_of_a_finished_run():
    """A few lines tell what became of everything and what the pool saved."""
    assert summary_text(FINISHED, 100) == (
        "done      20,000 URLs  in 109 s  183/s  41.2 MB\n"
        "outcomes  ok 1,180  http_error 20  failed 4\n"
        "errors    http_4xx 20  read_timeout 3  dns 1\n"
        "requests  1,300 over 41 connections  1,259 handshakes saved (96 % reuse)  12 retries\n"
        "slowest   host-2.example.org p95 1,204 ms  host-1.example.org p95 100 ms\n"
    )


def test_a_stopped_run_says_so():
    """A run that did not come to its end tells how far it came, also while the list was still being read."""
    assert summary_text(snapshot(done=3)).startswith("stopped   3 of 20,000")
    assert summary_text(snapshot(done=3, total=3, reading=True)).startswith("stopped   3 of 3")


def test_an_empty_run():
    """The summary of a run without URLs is one line."""
    empty = snapshot(0, done=0, total=0, elapsed=0.0, outcomes={}, errors={}, requests=0, opened=0, retried=0, bytes=0)
    assert summary_text(empty) == "done      0 URLs  in 0 s  0/s  0 B\n"


@pytest.mark.slow
@given(SNAPSHOTS, st.integers(20, 120))
def test_no_line_is_too_wide_or_acts(seen, width):
    """Whatever the run, the summary keeps to its width and holds no control but line ends."""
    for line in summary_text(seen, width).splitlines():
        assert len(line) <= width
        assert not set(line) & set("\x1b\r\x9b\u202e\u2028")


def test_hostile_hosts_are_shown_escaped():
    """A host name cannot reach the terminal through the summary."""
    text = summary_text(snapshot([row(host=HostKey("https", HOSTILE, 443))]), 200)
    assert "\x1b" not in text
    assert r"\x1b]0;owned" in text


def test_the_summary_for_programs():
    """The documented keys, every outcome among them even when there was none."""
    summary = summary_dict(FINISHED)
    assert list(summary) == [
        "done",
        "total",
        "complete",
        "elapsed",
        "rate",
        "bytes",
        "outcomes",
        "errors",
        "striking",
        "changes",
        "requests",
        "opened",
        "handshakes_saved",
        "retried",
        "hosts",
        "saved",
        "latency",
        "passed_over",
        "slowest",
        "by_host",
        "checks",
    ]
    assert summary["complete"] is True
    assert summary["rate"] == 183.486
    assert list(summary["outcomes"].items()) == list(zip(OUTCOMES, (1180, 0, 20, 4, 0, 0), strict=True))
    assert summary["slowest"][0] == {
        "host": "host-2.example.org:443",
        "requests": 100,
        "errors": 0,
        "p50": 0.023,
        "p95": 1.204,
    }


def test_the_summary_file(tmp_path):
    """The file is one JSON object with the exit code."""
    path = tmp_path / "summary.json"
    write_summary_json(str(path), FINISHED, 1)
    assert json.loads(path.read_text()) == {**summary_dict(FINISHED), "exit_code": 1}


@pytest.mark.parametrize("name", ["missing/summary.json", ".", "nul\0"])
def test_a_summary_that_cannot_be_written(tmp_path, name):
    """A summary that cannot be written is an output error with its path."""
    path = f"{tmp_path}/{name}"
    with pytest.raises(OutputError) as caught:
        write_summary_json(path, FINISHED, 0)
    assert caught.value.path == path


def test_a_run_that_was_stopped_says_what_is_left_of_it():
    """How much, how long that would take, and which host decides it; nothing of it where all is done."""
    why = "example.org: 1,204 left at 1 per 2 s"
    text = summary_text(snapshot(eta=2408.0, eta_reason=why), 100)
    assert f"left      18,796 URLs  40 min more  decided by {why}\n" in text
    assert "left " not in summary_text(snapshot(done=20_000, eta=0.0), 100)
    said = "example.org said 503 to /img/1.png 4 times; its 1,238 others go on"
    assert f"held up   {said}\n" in summary_text(snapshot([row(held_up=said)]), 100)
    assert "held up" not in summary_text(snapshot([row(held_up=said)], done=20_000), 100)
    assert "left " not in summary_text(snapshot(eta=None), 100)
