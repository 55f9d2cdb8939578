"""Google's compliance suite for robots.txt, at the level of rules; ``tests/torture/robots_spec.py`` runs it whole."""

from __future__ import annotations

import pytest

from scrapepool.transport.robots.rules import rules_of
from tests.transport.robots.robots_cases import ARCHIVE, load

pytestmark = pytest.mark.skipif(not ARCHIVE.exists(), reason="robotstxt-spec-test.tgz is not here")

SPELLING = "RFC 9309 section 2.2.2: both spellings are one path; the suite follows an older draft"
ALWAYS = "RFC 9309 section 2.2.2: /robots.txt is always allowed; the suite has it refused"
NOT_MET = {
    ("non-ascii-paths", "http://foo.bar/foo/bar/ツ", "FooBot"): SPELLING,
    ("non-ascii-paths", "http://foo.bar/foo/bar/baz", "FooBot"): SPELLING,
    ("327748", "http://m.example.com/robots.txt", "asdfbot"): ALWAYS,
    ("369883", "http://example.com/robots.txt", "BarBot"): ALWAYS,
    ("369883", "http://example.com/robots.txt", "AB"): ALWAYS,
    ("860237", "http://example.com/robots.txt", "XYZ"): ALWAYS,
}
"""What differs from the suite, and why. The first stands there twice, with two robots.txt."""


def test_the_suite_is_read_whole() -> None:
    """The archive holds 400 expectations over 80 files, 378 of them of the standard."""
    expectations = load()

    assert len(expectations) == 400
    assert len({(one.file, one.robots_txt) for one in expectations}) == 80
    assert sum(one.standard for one in expectations) == 378


def test_the_standard_is_kept_but_for_what_is_listed() -> None:
    """Of the 378 standard expectations 371 are met, and the other seven are those that RFC 9309 has overruled."""
    standard = [one for one in load() if one.standard]

    missed = [one for one in standard if rules_of(one.robots_txt, one.agent).allows(one.path) != one.allowed]

    print(f"{len(standard) - len(missed)} of {len(standard)} standard expectations")  # noqa: T201 - for pytest -s
    assert {(one.file, one.url, one.agent) for one in missed} == NOT_MET.keys()
    assert len(missed) == 7


def test_what_google_forgives_is_forgiven() -> None:
    """The 22 expectations beyond the standard are met too: missing colons, misspelt words, names with more behind."""
    beyond = [one for one in load() if not one.standard]

    assert len(beyond) == 22
    assert not [one for one in beyond if rules_of(one.robots_txt, one.agent).allows(one.path) != one.allowed]
