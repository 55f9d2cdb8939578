"""Which section of a configuration a host gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.errors import UsageError
from scrapepool.model import HostKey
from scrapepool.overrides import NOTHING, HostOverride, HostOverrides
from scrapepool.url import parse


def overrides(*patterns: str) -> HostOverrides:
    """Each pattern with its place as the delay, so that it is known again."""
    return HostOverrides(tuple((pattern, HostOverride(delay=float(n))) for n, pattern in enumerate(patterns)))


def chosen(url: str, *patterns: str) -> str | None:
    """The pattern whose section a URL's host gets."""
    delay = overrides(*patterns).override_for(parse(url).host).delay
    return None if delay is None else patterns[int(delay)]


SPECIFIC_FIRST = ["a.b.example.org:8080", "a.b.example.org", "*.b.example.org:8080", "*.b.example.org", "*.example.org",
                  "*.org", "*:8080", "*"]  # fmt: skip


@given(st.permutations(SPECIFIC_FIRST), st.integers(0, len(SPECIFIC_FIRST) - 1))
def test_the_most_specific_pattern_decides(patterns: list[str], most: int) -> None:
    """Whatever their order: a host before its domain, a longer domain before a shorter one, a port before none."""
    left = [pattern for pattern in patterns if pattern in SPECIFIC_FIRST[most:]]
    assert chosen("http://a.b.example.org:8080/x", *left) == SPECIFIC_FIRST[most]


@pytest.mark.parametrize(
    ("url", "pattern", "matches"),
    [
        ("https://example.org/", "example.org", True),
        ("https://example.org/", "EXAMPLE.org.", True),
        ("https://example.org./", "example.org", True),
        ("https://example.org/", "example.org:443", True),
        ("http://example.org/", "example.org:443", False),
        ("https://example.org/", "*.example.org", False),
        ("https://notexample.org/", "*.example.org", False),
        ("https://a.b.example.org/", "*.example.org", True),
        ("https://bücher.example/", "bücher.example", True),
        ("https://www.bücher.example/", "*.xn--bcher-kva.example", True),
        ("http://192.0.2.1/", "192.0.2.1", True),
        ("http://[2001:db8::1]:8080/", "[2001:DB8:0::1]", True),
        ("http://[2001:db8::1]:8080/", "[2001:db8::1]:8080", True),
        ("http://[2001:db8::1]:8080/", "*", True),
        ("http://localhost:8000/", "localhost", True),
    ],
)
def test_patterns(url: str, pattern: str, matches: bool) -> None:
    """A host is compared as URLs are; ``*.`` stands for one label or more."""
    assert chosen(url, pattern) == (pattern if matches else None)


@pytest.mark.parametrize(
    "pattern", ["", "*.", "**", "a*.example.org", "*.*", "http://example.org", "example.org/x", "user@example.org",
                "*.192.0.2.1", "[::1", "example.org:port", "example.org:99999", "a..b", "two words"],
)  # fmt: skip
def test_patterns_that_are_none(pattern: str) -> None:
    """What is no pattern is refused."""
    with pytest.raises(UsageError, match="is not a host"):
        overrides(pattern)


def test_one_host_twice() -> None:
    """Two spellings of one host are not two sections."""
    with pytest.raises(UsageError, match=r"two sections for the host EXAMPLE\.org"):
        overrides("example.org", "EXAMPLE.org")


def test_no_sections() -> None:
    """Without sections every host is as the rest."""
    assert HostOverrides().override_for(HostKey("http", "example.org", 80)) is NOTHING
    assert not HostOverrides()


@pytest.mark.parametrize("values", [{"delay": -1.0}, {"delay": float("nan")}, {"per_host": 0}, {"credentials": "user"}])
def test_values_that_cannot_be_meant(values: dict[str, object]) -> None:
    """Each value is checked on its own."""
    with pytest.raises(UsageError):
        HostOverride(**values)


def test_secrets_stay_out_of_reprs() -> None:
    """What a log may show holds no password."""
    override = HostOverride(headers=(("X-Key", "hush"),), credentials="me:hush")
    assert "hush" not in repr(override)
    assert "hush" not in repr(HostOverrides((("example.org", override),)))
