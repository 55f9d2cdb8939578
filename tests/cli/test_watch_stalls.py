"""``--watch-stalls`` on the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from running import here

from tests.servers.polite import PoliteServer, Response


def test_waits_are_reported_on_standard_error_and_in_the_log(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The run is checked once per second while nothing happens. Records do not mention it."""
    log = tmp_path / "log"
    with PoliteServer() as server:
        url = server.url("/delay/2.5")
        ran = here(capfd, "fetch", "--no-robots", "--watch-stalls", "1s", "--log-file", log, url)
    line = f"  1 waiting for the first byte of 127.0.2.1:{server.port} (127.0.2.1), for "
    assert ran.code == 0
    assert ran.records[0]["outcome"] == "ok"
    assert line in ran.err
    assert line in log.read_text()


def test_without_the_option_no_waits_are_reported(capfd: pytest.CaptureFixture[str]) -> None:
    """A time of 0 is refused."""
    with PoliteServer() as server:
        assert "nothing has ended" not in here(capfd, "fetch", "--no-robots", server.url("/delay/0.3")).err
    assert here(capfd, "fetch", "--watch-stalls", "0", "http://x/").code == 2


def test_what_delays_a_host_is_reported_by_url_and_status(capfd: pytest.CaptureFixture[str]) -> None:
    """The report names the page that was refused, and how long its host gets no requests because of it."""
    refusals = [Response(429, [("Retry-After", "3")])]  # the run looks at itself once a second
    with PoliteServer(1, lambda _: refusals.pop() if refusals else None) as server:
        ran = here(capfd, "fetch", "--no-robots", "--watch-stalls", "100ms", server.url("/bad"))
        name = f"127.0.2.1:{server.port}"
    assert ran.code == 0
    assert re.search(f"{re.escape(name)} gets no requests for [0-9] s after /bad \\(status 429\\)", ran.err)
