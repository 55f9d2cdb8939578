"""Tests the resolver: its cache, shared look-ups, limits and timeouts."""

from __future__ import annotations

import errno
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from scrapepool.transport.errors import FetchError
from scrapepool.transport.net import resolver as resolver_module
from scrapepool.transport.net.resolver import Address, NotLookedUpError, Resolver, literal

IPV4 = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
IPV6 = (socket.AF_INET6, socket.SOCK_STREAM, 6, "")


class Names:
    """A look-up function that can wait for ``go``. looked_up: the names in the order of the calls."""

    def __init__(self, *result: Any, hang: bool = False) -> None:
        self.looked_up: list[str] = []
        self.go = threading.Event()
        self._result = result
        if not hang:
            self.go.set()

    def __call__(self, host: str, port: None, **_: Any) -> list[Any]:
        self.looked_up.append(host)
        self.go.wait(5)
        if self._result and isinstance(self._result[0], Exception):
            raise self._result[0]
        return list(self._result)


def test_a_name_is_looked_up_once() -> None:
    """The second request gets the cached result of the first one."""
    names = Names((*IPV4, ("192.0.2.1", 80)))
    resolver = Resolver(names)
    for _ in range(3):
        assert [a.ip for a in resolver.resolve("x", 80, 1)] == ["192.0.2.1"]
    assert names.looked_up == ["x"]


def test_many_requests_share_one_look_up() -> None:
    """Threads that request a name at the same time share one look-up."""
    names = Names((*IPV4, ("192.0.2.1", 80)), hang=True)
    resolver = Resolver(names)
    with ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(resolver.resolve, "x", 80, 5) for _ in range(8)]
        names.go.set()
        assert {future.result()[0].ip for future in waiting} == {"192.0.2.1"}
    assert names.looked_up == ["x"]


def test_families_alternate() -> None:
    """The families alternate, the preferred one first, and each address occurs once (RFC 8305)."""
    six = [(*IPV6, (f"2001:db8::{n}", 80, 0, 0)) for n in (1, 2, 1)]
    four = [(*IPV4, (f"192.0.2.{n}", 80)) for n in (1, 2, 3)]
    found = Resolver(Names(*six, *four)).resolve("x", 80, 1)
    assert [a.ip for a in found] == ["2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2", "192.0.2.3"]


def test_the_address_that_accepted_comes_first() -> None:
    """The address that accepted first is tried first from then on."""
    resolver = Resolver(Names(*((*IPV4, (f"192.0.2.{n}", 80)) for n in (1, 2))))
    first, second = resolver.resolve("x", 80, 1)
    resolver.prefer("x", second)
    assert resolver.resolve("x", 80, 1) == [second, first]
    resolver.prefer("x", Address(socket.AF_INET, ("192.0.2.9", 80)))
    assert len(resolver.resolve("x", 80, 1)) == 2


def test_ports_share_a_name() -> None:
    """A name is looked up once for all ports, and IPv6 scopes are kept."""
    names = Names((*IPV6, ("fe80::1", 0, 0, 3)))
    resolver = Resolver(names)
    assert resolver.resolve("x", 80, 1)[0].sockaddr == ("fe80::1", 80, 0, 3)
    assert resolver.resolve("x", 443, 1)[0].sockaddr == ("fe80::1", 443, 0, 3)
    assert names.looked_up == ["x"]


@pytest.mark.parametrize("error", [socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")])
def test_a_failure_is_kept_for_a_while(error: Exception) -> None:
    """An unknown name raises the system's message, and is not looked up again immediately."""
    names = Names(error)
    resolver = Resolver(names)
    for _ in range(2):
        with pytest.raises(FetchError, match=r"x: (name or service not known|label too long)"):
            resolver.resolve("x", 80, 1)
    assert names.looked_up == ["x"]


def test_an_expired_result_is_looked_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """An expired result is not used."""
    monkeypatch.setattr(resolver_module, "TTL", 0.0)
    names = Names((*IPV4, ("192.0.2.1", 80)))
    resolver = Resolver(names)
    resolver.resolve("x", 80, 1)
    resolver.resolve("x", 80, 1)
    assert names.looked_up == ["x", "x"]


def test_a_look_up_that_hangs_is_abandoned_and_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each wait ends at its timeout, and two waits for one look-up abandon it once."""
    monkeypatch.setattr(resolver_module, "HANGS", 0.0)
    names = Names(hang=True)
    resolver = Resolver(names)
    with ThreadPoolExecutor(2) as threads:
        for waiting in [threads.submit(resolver.resolve, "x", 80, 0.05) for _ in range(2)]:
            with pytest.raises(FetchError, match="no DNS response for x"):
                waiting.result()
    assert 1 <= resolver.abandoned <= len(names.looked_up)
    assert "abandoned" in repr(resolver)
    names.go.set()


def test_a_short_wait_does_not_give_up_a_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A young look-up continues, and the next request uses it."""
    monkeypatch.setattr(resolver_module, "HANGS", 60.0)
    names = Names((*IPV4, ("192.0.2.1", 80)), hang=True)
    resolver = Resolver(names)
    with pytest.raises(FetchError, match="no DNS response for x"):
        resolver.resolve("x", 80, 0.01)
    names.go.set()
    assert resolver.resolve("x", 80, 5)
    assert names.looked_up == ["x"]


@pytest.mark.parametrize(("hangs", "most_hanging"), [(60.0, 10), (0.0, 0)])
def test_look_ups_have_a_limit(monkeypatch: pytest.MonkeyPatch, hangs: float, most_hanging: int) -> None:
    """At the limit of look-ups, another name is not looked up, and that is not reported as an error of the name."""
    monkeypatch.setattr(resolver_module, "HANGS", hangs)
    names = Names(hang=True)
    resolver = Resolver(names, cap=2, most_hanging=most_hanging)
    for host in ("a", "b"):
        with pytest.raises(FetchError):
            resolver.resolve(host, 80, 0.02)
    with pytest.raises(NotLookedUpError, match="2 DNS look-ups are pending; did not resolve c"):
        resolver.resolve("c", 80, 0.02)
    assert names.looked_up == ["a", "b"]
    names.go.set()


def test_a_look_up_that_hangs_does_not_block_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another name is looked up while others hang, and those that hang can still finish."""
    monkeypatch.setattr(resolver_module, "HANGS", 0.01)
    names = Names((*IPV4, ("192.0.2.1", 80)), hang=True)
    resolver = Resolver(lambda host, *rest, **more: (names if host[0] == "h" else good)(host, *rest, **more), cap=2)
    good = Names((*IPV4, ("192.0.2.2", 80)))
    with ThreadPoolExecutor(20) as threads:
        waiting = [threads.submit(resolver.resolve, f"h{n}", 80, 5) for n in range(20)]
        assert [resolver.resolve(f"g{n}", 80, 5)[0].ip for n in range(5)] == ["192.0.2.2"] * 5
        assert not any(future.done() for future in waiting)
        names.go.set()
        assert {future.result()[0].ip for future in waiting} == {"192.0.2.1"}
    assert not resolver._running
    assert resolver._hanging == 0


def test_a_system_without_threads_to_spare_looks_up_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """If there is no thread, the name is looked up as soon as there is one."""

    def refuse(thread: threading.Thread) -> None:
        monkeypatch.undo()
        raise RuntimeError("can't start new thread")

    names = Names((*IPV4, ("192.0.2.1", 80)))
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert Resolver(names).resolve("x", 80, 5)
    assert names.looked_up == ["x"]


def test_a_queued_look_up_starts_later() -> None:
    """When a look-up ends, a queued one starts."""
    names = Names((*IPV4, ("192.0.2.1", 80)), hang=True)
    resolver = Resolver(names, cap=1)
    with ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(resolver.resolve, host, 80, 5) for host in ("a", "b")]
        names.go.set()
        assert all(future.result() for future in waiting)


def test_a_check_ends_the_wait() -> None:
    """An exception of ``check`` is raised soon."""

    def stop() -> None:
        raise KeyError("stop")

    names = Names(hang=True)
    with pytest.raises(KeyError):
        Resolver(names).resolve("x", 80, 60, stop)
    names.go.set()


@pytest.mark.parametrize(
    ("host", "family"),
    [
        ("127.0.0.1", socket.AF_INET),
        ("::1", socket.AF_INET6),
        ("x1", None),
        ("a.b", None),
        ("1.2.3", None),
        ("1:2:zz", None),
    ],
)
def test_what_is_a_literal(host: str, family: int | None) -> None:
    """IP addresses in their usual form are literals; everything else is a name."""
    found = literal(host, 80)
    assert (found and found.family) == family
    assert found is None or found.ip == host


def test_the_cache_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest names are dropped if there are too many."""
    monkeypatch.setattr(resolver_module, "MOST_NAMES", 3)
    names = Names((*IPV4, ("192.0.2.1", 80)))
    resolver = Resolver(names)
    for host in "abcda":
        resolver.resolve(host, 80, 1)
    assert names.looked_up == list("abcda")
    assert "3 names" in repr(resolver)


@pytest.mark.parametrize(
    ("error", "used_up"),
    [
        (OSError(errno.EMFILE, "Too many open files"), False),
        (OSError(errno.ENFILE, "Too many open files in system"), False),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), True),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), True),
    ],
)
def test_a_process_without_file_descriptors_is_not_the_name_s_fault(
    monkeypatch: pytest.MonkeyPatch, error: OSError, used_up: bool
) -> None:
    """The error is that of the process, whatever the C library reports, and it is not cached."""
    monkeypatch.setattr(resolver_module.descriptors, "are_used_up", lambda: used_up)
    names = Names(error)
    resolver = Resolver(names)
    for _ in range(2):
        with pytest.raises(OSError, match="open files") as caught:
            resolver.resolve("x", 80, 1)
        assert caught.value.errno == errno.EMFILE
    assert names.looked_up == ["x", "x"]
