"""The key of a host."""

from __future__ import annotations

import pytest

from scrapepool.model import HostKey


@pytest.mark.parametrize(
    ("host", "text", "netloc", "origin"),
    [
        (HostKey("http", "a.test", 80), "a.test:80", "a.test", "http://a.test"),
        (HostKey("https", "a.test", 443), "a.test:443", "a.test", "https://a.test"),
        (HostKey("https", "a.test", 80), "a.test:80", "a.test:80", "https://a.test:80"),
        (HostKey("http", "::1", 8080), "[::1]:8080", "[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_how_a_host_is_written(host: HostKey, text: str, netloc: str, origin: str) -> None:
    """With its port in a table, without a default one in a URL, IPv6 in brackets."""
    assert (str(host), host.netloc, host.origin) == (text, netloc, origin)
