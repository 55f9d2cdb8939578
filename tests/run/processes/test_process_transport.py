"""Which hosts a run prefers, so that all of its worker processes are busy."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from types import SimpleNamespace

import pytest

from scrapepool.model import Attempt, HostKey, Target
from scrapepool.ports import Work
from scrapepool.run.processes.process_transport import ProcessTransport
from scrapepool.schedule.lease import Lease
from scrapepool.settings import Settings

PROCESSES = 2


class Silent:
    """Starts processes that read nothing and say nothing."""

    def __init__(self, opened: ExitStack) -> None:
        self._opened = opened

    def start(self) -> tuple[Silent, int]:
        """As ``ProcessStarter``."""
        ours, theirs = socket.socketpair()
        self._opened.enter_context(theirs)
        return self, ours.detach()

    def wait(self, timeout: float | None = None) -> int:
        """As ``Process``."""
        return 0


@pytest.fixture
def transport() -> Iterator[ProcessTransport]:
    """A transport with two processes."""
    with ExitStack() as opened:
        lists = SimpleNamespace(in_flight=0)
        made = ProcessTransport(Settings(), PROCESSES, lists, starter=Silent(opened))  # type: ignore[arg-type]
        opened.enter_context(closing(made))
        yield made


def work_on(host: HostKey) -> Work:
    target = Target(f"http://{host.host}/", host, "/", 1)
    return Work(Lease(host, (1,)), [Attempt(target)])


def test_hosts_of_a_process_that_has_more_than_its_share_are_not_preferred(transport: ProcessTransport) -> None:
    """With as many leases in each, all are; a host that is with none yet always is."""
    first, second, new = (HostKey("http", name, 80) for name in ("a.test", "b.test", "c.test"))
    transport.submit(work_on(first))
    assert transport.prefers(new)
    transport.submit(work_on(second))
    assert transport.prefers(first)
    assert transport.prefers(second)
    transport.submit(work_on(first))
    assert not transport.prefers(first)
    assert transport.prefers(second)
    assert transport.prefers(new)
