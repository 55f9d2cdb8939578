"""The short way to a row's host agrees with the whole one."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scrapepool.errors import InvalidURLError
from scrapepool.host_share import HostShare, share_of
from scrapepool.model import HostKey
from scrapepool.read import host_cache
from scrapepool.read.host_cache import VERBATIM, HostCache, plain_host
from scrapepool.read.seen.target_id import target_id
from scrapepool.url import parse

LABELS = st.text("ab0x19-_.", min_size=1, max_size=8) | st.sampled_from(
    ["xn--a", "xn--bcher-kva", "0x7f", "1", "A", "é"]
)
HOSTS = st.lists(LABELS, min_size=1, max_size=4).map(".".join) | st.sampled_from(
    ["a" * 63, "a" * 64, ".".join(["a" * 62] * 4), ".".join(["a" * 63] * 4), "localhost", "1.2.3.4", "[::1]", "a:80",
     "1.2.3.256", "01.2.3.4", "1.2.3", "1.2.3.4:81", "a:8080", "a:080", "a:65535", "a:65536", "a:443", "a:", "a:0"]
)  # fmt: skip
ROWS = st.builds(
    "{}{}/{}".format, st.sampled_from(["http://", "https://", "HTTP://", "ftp://", "http:/"]), HOSTS, LABELS
)


@given(ROWS)
@example("http://a..b/")
@example("http://-a_.b-/")
@example("http://a.0x/")
def test_the_short_way_agrees_with_the_whole_one(row: str) -> None:
    """A host that is read off the bytes is the one that parsing gives; the row is its own usual spelling."""
    line = row.encode()
    host = plain_host(line[: line.find(b"/", 8) + 1])
    if host is not None and not line.translate(None, VERBATIM):
        parsed = parse(row)
        assert (parsed.host, parsed.userinfo) == (host, None)
        assert f"{host.origin}{parsed.path}" == row
        assert target_id(parsed) == hash(line)


@pytest.mark.parametrize(
    "row",
    [
        "https://example.org/",
        "http://www.site-1.co.uk/",
        "http://localhost/",
        "http://a_b.c-d.e/",
        "http://1.2.3.4/",
        "http://a:8080/",
        "https://255.0.10.9:80/",
    ],
)
def test_usual_hosts_take_the_short_way(row: str) -> None:
    """A name in lower case, or an IPv4 address, also with a port that is not the usual one."""
    assert plain_host(row.encode()) == parse(row).host


@pytest.mark.parametrize(
    "row",
    [
        "http://1.2.3.400/",
        "http://1.2.3.4:080/",
        "http://a.org:65536/",
        "http://a.b.1/",
        "http://xn--bcher-kva.de/",
        "http://A.org/",
        "http://a.org:80/",
        "http:///",
        "",
    ],
)
def test_other_hosts_are_parsed(row: str) -> None:
    """An address, Punycode, upper case, a port."""
    assert plain_host(row.encode()) is None


def test_reads_and_remembers() -> None:
    """A host of another share is remembered as such, and so is a name that is too long for DNS."""
    names = [f"h{number}.example" for number in range(20)]
    cache = HostCache(HostShare(1, 2))
    for name in names * 2:
        mine = share_of(name, 2) == 0
        spelled = f"http://{name}/".encode()
        assert cache.read(spelled) == ((HostKey("http", name, 80), None) if mine else None)
        assert (spelled in cache.by_prefix, spelled in cache.others) == (mine, not mine)
    long = ".".join(["a" * 63] * 4)
    assert cache.read(f"http://{long}/".encode()) is None
    with pytest.raises(InvalidURLError):
        parse(f"http://{long}/")


def test_a_full_cache_is_seldom_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts that do not fit in are read off all the same, and are cached when many others were looked for."""
    monkeypatch.setattr(host_cache, "MAX_CACHED_HOSTS", 2)
    monkeypatch.setattr(host_cache, "RENEWED_AFTER", 3)
    cache = HostCache()
    rows = [f"http://h{number}.example/".encode() for number in range(6)]
    cached = []
    for row in rows:
        assert cache.read(row) == (parse(row.decode()).host, None)
        cached.append(set(cache.by_prefix))
    first = set(rows[:2])
    assert cached == [{rows[0]}, first, first, first, {rows[4]}, {rows[4], rows[5]}]
