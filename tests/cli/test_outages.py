"""``scrapepool fetch`` when the network goes away under it: hosts that have nothing in common, all at once.

The cable is the system's connect, which is the only thing replaced here.
"""

from __future__ import annotations

import errno
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running import here

from scrapepool.transport.net import happy_eyeballs as dial
from tests.servers.polite import PoliteServer, Request, Response

HOSTS = ["127.1.0.1", "127.2.0.1", "127.3.0.1", "127.4.0.1"]  # four networks, and so four sites
PAGES = 20
PAUSE = 0.9  # seconds without a connect after which the next one is a probe of the network; the first pause is 1 s


class Cable:
    """What connects go through. pulled: whether none finds its way, until the probe of number ``mended_by``."""

    def __init__(self, mended_by: int) -> None:
        self.connect: Any = dial._begin
        self.pulled = self.was_pulled = False
        self.probes = 0
        self._mended_by = mended_by
        self._last = 0.0
        self._lock = threading.Lock()

    def __call__(self, *address: Any) -> Any:
        with self._lock:
            now = time.monotonic()
            if self.pulled and now - self._last >= PAUSE:
                self.probes += 1
                self.pulled = self.probes < self._mended_by
            self._last = now
            if self.pulled:
                raise OSError(errno.ENETUNREACH, "Network is unreachable")
        return self.connect(*address)


@pytest.fixture
def web(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[PoliteServer, Cable]]:
    """Hosts that end each connection with its reply, and a cable that is pulled when each has given some pages."""
    cable = Cable(request.param)
    monkeypatch.setattr(dial, "_begin", cable)

    def handler(asked: Request) -> Response:
        if not cable.was_pulled and all(site.requests >= 3 for site in server.sites):
            cable.pulled = cable.was_pulled = True
        return Response(body=b"page", close=True)

    with PoliteServer(HOSTS, handler) as server:
        yield server, cable


def fetch(capfd: pytest.CaptureFixture[str], server: PoliteServer, records: Path, *options: object) -> tuple[int, str]:
    """Fetch the pages of all hosts in turn, one at a time so that no late reply is between two failures.

    A retry that is not given back would wait for seconds. Returns the exit code and standard error.
    """
    urls = [server.url(f"/{n}", host) for n in range(PAGES) for host in range(len(HOSTS))]
    usual = ("--no-robots", "--progress", "plain", "-w", 1, "--delay", "20ms", "--backoff", "30s", "-o", records)
    return here(capfd, "fetch", *usual, *options, *urls)[::2]


def found(records: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in records.open()]


@pytest.mark.parametrize("web", [1], indirect=True)
def test_an_outage_is_waited_out(
    capfd: pytest.CaptureFixture[str], web: tuple[PoliteServer, Cable], tmp_path: Path
) -> None:
    """Everything pauses until a probe finds a way; each page is had, and no attempt is counted that the outage cost."""
    server, cable = web
    code, _ = fetch(capfd, server, tmp_path / "records.jsonl")
    ends = found(tmp_path / "records.jsonl")
    assert (code, cable.probes, cable.pulled) == (0, 1, False)
    assert Counter((end["outcome"], end["attempts"]) for end in ends) == {("ok", 1): PAGES * len(HOSTS)}
    assert server.requests == PAGES * len(HOSTS) + 1  # and a page again that was there before, which is the probe


@pytest.mark.parametrize("web", [1_000], indirect=True)
def test_an_outage_that_does_not_end_leaves_the_rest_to_another_run(
    capfd: pytest.CaptureFixture[str], web: tuple[PoliteServer, Cable], tmp_path: Path
) -> None:
    """After ``--max-outage`` the exit code says to try again, no page is taken for failed, and ``--resume`` goes on."""
    server, cable = web
    records = tmp_path / "records.jsonl"
    code, said = fetch(capfd, server, records, "--max-outage", "1s")
    assert (code, cable.pulled) == (75, True)
    assert "the network has seemed down for too long; the remaining URLs are left for another run (--resume)" in said
    before = found(records)
    assert {end["outcome"] for end in before} == {"ok"}
    assert len(before) < PAGES * len(HOSTS)

    cable.pulled = False
    code, _ = fetch(capfd, server, records, "--resume")
    assert code == 0
    assert Counter(end["url"] for end in found(records)) == Counter({end["url"] for end in found(records)})
    assert (len(found(records)), server.requests) == (PAGES * len(HOSTS), PAGES * len(HOSTS))
