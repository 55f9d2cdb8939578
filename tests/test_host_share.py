"""Which share a host is in: the same everywhere, for ever."""

from __future__ import annotations

from collections import Counter

import pytest

from scrapepool.errors import SettingsError, UsageError
from scrapepool.host_share import HostShare, share_of


def test_shares_never_change() -> None:
    """Parts of a run that other versions or machines wrote go on where they belong."""
    names = (
        "example.org",
        "www.example.org",
        "wwww.example.org",
        "a.example.org",
        "127.0.0.1",
        "::1",
        "xn--bcher-kva.de",
    )
    assert [share_of(name, 100) for name in names] == [61, 61, 55, 78, 96, 88, 36]
    assert [share_of(name, 7) for name in names] == [3, 3, 4, 5, 1, 0, 0]


def test_hosts_are_spread_evenly() -> None:
    """A share holds neither half as many hosts as another nor twice as many."""
    found = Counter(share_of(f"host{number}.example", 8) for number in range(4000))
    assert len(found) == 8
    assert max(found.values()) < 1.2 * min(found.values())


def test_each_host_is_in_one_share() -> None:
    """What has no host is in the first one."""
    shares = [HostShare(number, 5) for number in range(1, 6)]
    for name in ("a.example", "b.example", "::1"):
        assert sum(share.holds(name) for share in shares) == 1
        assert shares[share_of(name, 5)].holds(name)
    assert [share.holds("") for share in shares] == [True, False, False, False, False]


def test_a_share_can_be_divided() -> None:
    """Its parts hold the same hosts."""
    whole = HostShare(2, 4)
    parts = [whole.divided(number, 3) for number in (1, 2, 3)]
    assert list(map(str, parts)) == ["2/12", "6/12", "10/12"]
    for name in map("host{}.example".format, range(200)):
        assert sum(part.holds(name) for part in parts) == whole.holds(name)


def test_text_is_parsed() -> None:
    """As it is written."""
    assert HostShare.parse(" 3/8") == HostShare(3, 8)
    assert str(HostShare.parse("1/1")) == "1/1"


@pytest.mark.parametrize("text", ["", "3", "/", "a/b", "-1/4", "1.5/4", "1/4/2", "1/\u0664", f"{9**30}/4"])
def test_other_text_is_refused(text: str) -> None:
    """With an example of what can be written."""
    with pytest.raises(UsageError, match=r"is not a shard; write which one of how many, such as 1/8"):
        HostShare.parse(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0/4", "there is no shard 0 of 4; the first is 1/4 and the last 4/4"),
        ("5/4", "there is no shard 5 of 4; the first is 1/4 and the last 4/4"),
        ("1/0", "there can be 1 to 1,000,000 shards, and not 0"),
        ("1/9999999", "there can be 1 to 1,000,000 shards, and not 9,999,999"),
    ],
)
def test_shares_that_there_are_not(text: str, said: str) -> None:
    """The sentence names those that there are."""
    with pytest.raises(SettingsError) as caught:
        HostShare.parse(text)
    assert str(caught.value) == said
