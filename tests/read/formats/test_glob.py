"""Patterns as curl spells them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.errors import UsageError
from scrapepool.model import Target
from scrapepool.read import TargetList
from scrapepool.read.formats.glob import Glob
from scrapepool.read.sources import MAX_INDEXED
from scrapepool.settings import InputSettings
from tests.read.reading import Reading, read


@pytest.mark.parametrize(
    ("pattern", "urls"),
    [
        ("http://h/", ["http://h/"]),
        ("http://{a,b}/[1-2]", ["http://a/1", "http://a/2", "http://b/1", "http://b/2"]),
        ("x[1-10:4]", ["x1", "x5", "x9"]),
        ("x[008-011]", ["x008", "x009", "x010", "x011"]),
        ("x[0-2]", ["x0", "x1", "x2"]),
        ("x[98-101:3]y", ["x98y", "x101y"]),
        ("x[a-e:2]", ["xa", "xc", "xe"]),
        ("x[X-Z]", ["xX", "xY", "xZ"]),
        ("x[5-5]", ["x5"]),
        ("{,a}b", ["b", "ab"]),
        (r"{a\,b,\{c\}}", ["a,b", "{c}"]),
        (r"\[1-2\]\{a\}\\", ["[1-2]{a}\\"]),
        ("http://[::1]:80/[1-2]", ["http://[::1]:80/1", "http://[::1]:80/2"]),
        ("a,b", ["a,b"]),
    ],
)
def test_patterns(pattern: str, urls: list[str]) -> None:
    """Sets, ranges with steps and leading zeros, letters, escapes; what is at the end varies fastest."""
    glob = Glob(pattern)
    assert list(glob) == urls
    assert glob.size == len(urls)
    assert glob.width >= max(map(len, urls))


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("x{a", "a brace or bracket without its other half"),
        ("xa}", "at character 3"),
        ("x{}", "there is nothing in the braces, at character 2"),
        ("x{a{b}}", "a brace or bracket"),
        ("x[2-1]", "a range that ends before it begins"),
        ("x[1-3:0]", "a step that leads out of the range"),
        ("x[1-3:3]", "a step that leads out of the range"),
        ("x[a-C]", "a brace or bracket"),
        ("x[1-]", "a brace or bracket"),
    ],
)
def test_miswritten_patterns(pattern: str, reason: str) -> None:
    """A pattern that means nothing is a usage error that tells the place."""
    with pytest.raises(UsageError, match=reason):
        Glob(pattern)


WORDS = st.text("ab,{}[]\\é", max_size=4)


@given(st.lists(st.lists(WORDS, min_size=1, max_size=3).filter(lambda words: words != [""]), min_size=1, max_size=4))
def test_any_set(sets: list[list[str]]) -> None:
    """Whatever stands in the sets, the pattern stands for each combination, in order."""
    pattern = "".join(
        "{" + ",".join("".join(f"\\{c}" if c in "{}[],\\" else c for c in word) for word in words) + "}"
        for words in sets
    )
    assert list(Glob(pattern)) == ["".join(chosen) for chosen in itertools.product(*sets)]


def test_as_a_list() -> None:
    """A pattern's URLs are targets like any other, found again by ticket; repeats are found."""
    reading = read("http://{a,b,a}.example/[9-11]", "http://c.example/[1-2]", glob=True)
    found = [target.url for target in reading.found if isinstance(target, Target)]
    assert sorted(found) == sorted(
        [f"http://{host}.example/{n}" for host in "ab" for n in (9, 10, 11)] + [f"http://c.example/{n}" for n in (1, 2)]
    )
    assert [r.target.url for r in reading.rejected] == [f"http://a.example/{n}" for n in (9, 10, 11)]
    assert {target.line for target in reading.found if isinstance(target, Target)} == {None}


def test_no_pattern_without_the_option() -> None:
    """Braces and brackets of a URL are its own unless it is said otherwise."""
    assert [target.path for target in read("http://a.example/{a,b}[1-2]").found] == ["/%7Ba,b%7D[1-2]"]


def test_a_billion() -> None:
    """A pattern of more than can be held is read as far as it is used, and its last URL is there."""
    targets = TargetList(["http://a.example/[1-1000000000]"], InputSettings(glob=True))
    try:
        assert targets.lazy
        reading = Reading(targets).some(3000)
        assert len(reading.found) < MAX_INDEXED
        assert [t.path for t in reading.found[:3]] == ["/1", "/2", "/3"]
    finally:
        targets.close()
    assert Glob("[1-1000000000]").url(999_999_999) == "1000000000"
