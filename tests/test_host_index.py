"""Numbers of hosts, in dicts and in buckets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool import host_index
from scrapepool.host_index import HostIndex, _encoded, _number
from scrapepool.host_key import HostKey

HOSTS = st.builds(
    HostKey,
    st.sampled_from(["http", "https"]),
    st.sampled_from(["a", "a.b", "b", "::1", "a.b.c", ""]) | st.integers(0, 400).map("h{}.test".format),
    st.sampled_from([80, 443, 8080]),
)


@pytest.fixture(params=[0, 3], ids=["all in buckets", "three in dicts"], autouse=True, scope="module")
def few(request: pytest.FixtureRequest) -> object:
    """Buckets from the first hosts on, which are split soon."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(host_index, "MAX_IN_DICTS", request.param)
        patch.setattr(host_index, "FIRST_BUCKETS", 2)
        patch.setattr(host_index, "HOSTS_PER_BUCKET", 2)
        yield


@given(st.lists(st.tuples(HOSTS, st.booleans()), max_size=80))
def test_agrees_with_a_dict(steps: list[tuple[HostKey, bool]]) -> None:
    """Each host that is in has a number of its own, by which it is found again; numbers are used again."""
    index, known = HostIndex(), {}
    most = 0
    for host, stays in steps:
        assert index.find(host) == known.get(host, -1)
        if host not in known:
            known[host] = index.add(host)
        elif not stays:
            assert index.remove(known.pop(host)) == host
        most = max(most, len(known))
        assert len(set(known.values())) == len(known) == len(index)
        assert all(index.find(host) == number for host, number in known.items())
    assert all(number < most for number in known.values())


def test_many_hosts() -> None:
    """Buckets stay short, however many hosts there are."""
    index = HostIndex()
    hosts = [HostKey("https", f"www.site-{number}.example", 443) for number in range(3000)]
    numbers = list(map(index.add, hosts))
    assert numbers == list(range(3000))
    assert list(map(index.find, hosts)) == numbers
    assert list(map(index.host, numbers)) == hosts
    assert index.find(HostKey("http", "www.site-1.example", 443)) == -1
    assert max(map(len, index._buckets)) < 1000
    assert repr(index).startswith("<HostIndex 3000 hosts, ")
    assert list(map(index.remove, numbers)) == hosts


@given(st.integers(0, host_index.MAX_HOSTS - 1))
def test_numbers_are_no_text(number: int) -> None:
    """A number is written in bytes that no name has."""
    assert _number(_encoded(number)) == number
    assert min(_encoded(number)) > 127
