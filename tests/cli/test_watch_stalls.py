"""``--watch-stalls`` on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from running import here

from tests.servers.polite import PoliteServer


def test_what_is_waited_for_is_told_on_standard_error_and_in_the_log(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The run looks at itself once a second while nothing happens. The records know nothing of it."""
    log = tmp_path / "log"
    with PoliteServer() as server:
        url = server.url("/delay/2.5")
        ran = here(capfd, "fetch", "--no-robots", "--watch-stalls", "1s", "--log-file", log, url)
    line = f"  1 waiting for the first byte of 127.0.2.1:{server.port} (127.0.2.1), for "
    assert ran.code == 0
    assert ran.records[0]["outcome"] == "ok"
    assert line in ran.err
    assert line in log.read_text()


def test_without_it_nothing_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    """And no time is none at all."""
    with PoliteServer() as server:
        assert "nothing has ended" not in here(capfd, "fetch", "--no-robots", server.url("/delay/0.3")).err
    assert here(capfd, "fetch", "--watch-stalls", "0", "http://x/").code == 2
