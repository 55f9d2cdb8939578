"""The keys of an index: which URLs are one page."""

from __future__ import annotations

import pytest

from scrapepool.record.warc.surt import surt


@pytest.mark.parametrize(
    ("url", "key"),
    [
        # Each as the surt package of the Internet Archive has it, whose output these are.
        ("http://example.org/", "org,example)/"),
        ("https://www2.Example.org:443/A/b/", "org,example)/a/b"),
        ("http://example.org:443/", "org,example:443)/"),
        ("http://wwwexample/", "wwwexample)/"),
        ("http://www.www2.org./", "org,www2)/"),
        ("http://127.0.0.1:8080/x", "1,0,0,127:8080)/x"),
        ("http://[2001:db8::1]:81/", "2001:db8::1:81)/"),
        ("http://example.org/a//b/./c/../d", "org,example)/a/b/d"),
        ("http://example.org/..", "org,example)/.."),
        ("http://example.org/%C3%A4%20%2561?b=2&a=%23&a", "org,example)/%c3%a4%20a?a&a=%23&b=2"),
        ("http://example.org/?", "org,example)/"),
        ("http://example.org/x?sid=" + "a" * 32 + "&b=1", "org,example)/x?b=1"),
        ("http://example.org/(" + "a" * 24 + ")/x.aspx", "org,example)/x.aspx"),
        ("urn:some:id", "urn:some:id"),
    ],
)
def test_a_key_is_that_of_the_internet_archive(url: str, key: str) -> None:
    """So that pywb and OpenWayback find the page."""
    assert surt(url) == key
