"""Numbers of hosts, in dicts and in buckets."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool import host_index
from scrapepool.host_index import HostIndex
from scrapepool.host_key import HostKey

HOSTS = st.builds(
    HostKey,
    st.sampled_from(["http", "https"]),
    st.sampled_from(["a", "a.b", "b", "::1", "a.b.c", ""]) | st.integers(0, 400).map("h{}.test".format),
    st.sampled_from([80, 443, 8080]),
)


@pytest.fixture(params=[0, 3], ids=["all in buckets", "three in dicts"], autouse=True, scope="module")
def few(request: pytest.FixtureRequest) -> object:
    """Buckets from the first hosts on, with many hosts each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(host_index, "MAX_IN_DICTS", request.param)
        patch.setattr(host_index, "BUCKET_MASK", 1)
        patch.setattr(host_index, "NAMES_AT_ONCE", 4)
        yield


@given(st.lists(st.tuples(HOSTS, st.booleans()), max_size=80))
def test_agrees_with_a_dict(steps: list[tuple[HostKey, bool]]) -> None:
    """Each host that is in has a number of its own, by which it is found again; numbers are used again."""
    index, known = HostIndex(), {}
    most = 0
    for host, stays in steps:
        assert index.find(host) == known.get(host, -1)
        if host not in known:
            known[host] = index.find(host, add=True)
        elif not stays:
            assert index.remove(known.pop(host)) == host
        most = max(most, len(known))
        assert len(set(known.values())) == len(known) == len(index)
        assert all(index.find(host) == number for host, number in known.items())
    assert all(number < most for number in known.values())


def test_many_hosts() -> None:
    """Each is found again, by its key and by its number."""
    index = HostIndex()
    hosts = [HostKey("https", f"www.site-{number}.example", 443) for number in range(3000)]
    numbers = [index.find(host, add=True) for host in hosts]
    assert numbers == list(range(3000))
    assert list(map(index.find, hosts)) == numbers
    assert list(map(index.host, numbers)) == hosts
    assert index.find(HostKey("http", "www.site-1.example", 443)) == -1
    assert repr(index).startswith("<HostIndex 3000 hosts, ")
    assert list(map(index.remove, numbers)) == hosts


def test_names_have_no_reserve() -> None:
    """The name of a host in a bucket costs its bytes, and those in dicts cost one byte each."""
    index = HostIndex()
    for number in range(3000):
        index.find(HostKey("https", f"{number:04}.example", 443), add=True)
    used = sum(map(sys.getsizeof, index._names)) - len(index._names) * sys.getsizeof(b"")
    assert used == 3000 * len("0000.example\n") - host_index.MAX_IN_DICTS * len("0000.example")


def test_hashes_that_stand_across_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host is not found by bytes that stand in its bucket as the end of one entry and the beginning of the next."""
    monkeypatch.setattr(host_index, "MAX_IN_DICTS", 0)
    monkeypatch.setattr(host_index, "hash", lambda host: int(host.host) << 16, raising=False)
    index = HostIndex()
    hosts = [HostKey("https", str(number), 443) for number in (0x0102, 0, 0x01020000, 1, 0x010200000000, 0x0100)]
    for number, host in enumerate(hosts):
        assert index.find(host) == -1
        assert index.find(host, add=True) == number
    assert list(map(index.find, hosts)) == list(range(len(hosts)))
    for number, host in enumerate(hosts):
        assert index.remove(number) == host
        assert index.find(host) == -1
