"""What counts as a URL."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.errors import InvalidURLError
from scrapepool.model import HostKey
from scrapepool.text import printable
from scrapepool.url import join, parse

CASES = Path(__file__).resolve().parents[1] / "../shared/cases"
AGREEMENT = 0.88
"""Share of WHATWG's valid http and https cases whose host is found alike. The others are refused on purpose:
backslashes and missing slashes in the authority, port 0, empty labels, hosts with punctuation."""

URLISH = st.text(st.sampled_from("htps:/?#[]@%\\. \t\nAZaz019xn-_éß\u200d\udc80&|"), max_size=40).map("http://".__add__)


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://example.org", HostKey("https", "example.org", 443), "/"),
        ("HTTP://EXAMPLE.org:80/A", HostKey("http", "example.org", 80), "/A"),
        ("http://example.org:8080?q=1", HostKey("http", "example.org", 8080), "/?q=1"),
        ("http://example.org:/x", HostKey("http", "example.org", 80), "/x"),
        ("  http://example.org/a b\n", HostKey("http", "example.org", 80), "/a%20b"),
        ("http://exa\tmple.org/a\nb", HostKey("http", "example.org", 80), "/ab"),
        ("http://example.org/x?y#z", HostKey("http", "example.org", 80), "/x?y"),
        ("http://example.org#z/x", HostKey("http", "example.org", 80), "/"),
        ("http://example.org/%7e%zz/100%/../é", HostKey("http", "example.org", 80), "/%7e%zz/100%/../%C3%A9"),
        ('http://example.org/"<>\\^`{|}', HostKey("http", "example.org", 80), "/%22%3C%3E%5C%5E%60%7B%7C%7D"),
        ("http://example.org/\ud800", HostKey("http", "example.org", 80), "/%EF%BF%BD"),
        ("http://Bücher.example/", HostKey("http", "xn--bcher-kva.example", 80), "/"),
        ("http://☃.net/", HostKey("http", "xn--n3h.net", 80), "/"),
        ("http://r3---sn-abc.example/", HostKey("http", "r3---sn-abc.example", 80), "/"),
        ("http://_dmarc.example/", HostKey("http", "_dmarc.example", 80), "/"),
        ("http://example.org./", HostKey("http", "example.org.", 80), "/"),
        ("http://0x7f.1/", HostKey("http", "127.0.0.1", 80), "/"),
        ("http://127.0.0.1:8000/", HostKey("http", "127.0.0.1", 8000), "/"),
        ("http://[2001:DB8::1]:81/x", HostKey("http", "2001:db8::1", 81), "/x"),
    ],
)
def test_parses(url: str, host: HostKey, path: str) -> None:
    """A URL is asked for at its host, with its path as the user wrote it."""
    assert parse(url) == (host, path, None)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "no URL"),
        ("example.org", "no scheme"),
        ("http:", "no host"),
        ("http:///x", "no host"),
        ("http://", "no host"),
        ("http://user@/", "no host"),
        ("http:example.org", "no host"),
        ("http://example.org:99999/", "port 99999 is out of range"),
        ("http://example.org:0/", "port 0 is out of range"),
        ("http://example.org:8x/", "port 8x is no number"),
        ("http://example.org:" + "9" * 5000, "port " + "9" * 59 + "… is out of range"),
        ("http://good.example\\@evil.example/", "a backslash in the host"),
        ("http://a..b/", "an empty label in the host: a..b"),
        ("http://" + "a" * 64 + ".example/", "a label of the host is longer than 63 characters"),
        ("http://" + "a." * 127 + "example/", "host longer than 253 characters"),
        ("http://" + "é" * 2000 + "/", "host longer than 253 characters"),
        ("http://a b/", "no valid host: a b"),
        ("http://a\x1b[0m/", "no valid host: a\\x1b[0m"),
        ("http://1.2.3.256/", "no valid IPv4 address: 1.2.3.256"),
        ("http://1.2.3.4.5/", "no valid IPv4 address: 1.2.3.4.5"),
        ("http://[::1/", "no valid IPv6 address"),
        ("http://[::1]x/", "no valid IPv6 address"),
        ("http://[::g]/", "no valid IPv6 address: ::g"),
        ("http://[fe80::1%25eth0]/", "an IPv6 zone, which names nothing outside this machine"),
    ],
)
def test_refuses(url: str, reason: str) -> None:
    """What cannot be fetched is refused with a short reason."""
    with pytest.raises(InvalidURLError) as refused:
        parse(url)
    assert str(refused.value) == reason
    assert not refused.value.scheme_unsupported
    assert printable(reason) == reason


@pytest.mark.parametrize("url", ["ftp://example.org/", "mailto:a@b", "javascript:alert(1)", "file:///etc/passwd"])
def test_other_schemes(url: str) -> None:
    """Other schemes are told apart from rubbish."""
    with pytest.raises(InvalidURLError, match=r"is not fetched \(http and https only\)") as refused:
        parse(url)
    assert refused.value.scheme_unsupported


def test_userinfo() -> None:
    """User and password stay percent-encoded; the last @ ends them; empty ones count as none."""
    assert parse("http://us%65r:p@ss@example.org/").userinfo == "us%65r:p%40ss"
    assert parse("http://:@example.org/").userinfo is None


@pytest.mark.parametrize(
    ("reference", "resolved"),
    [
        ("b", "http://h/a/b"),
        ("/b", "http://h/b"),
        ("?q", "http://h/a/x?q"),
        ("../b", "http://h/b"),
        ("//other/b", "http://other/b"),
        (" HTTPS://o/\n", "HTTPS://o/"),
        ("mailto:x", "mailto:x"),
    ],
)
def test_join(reference: str, resolved: str) -> None:
    """References are resolved as RFC 3986 has it."""
    assert join("http://h/a/x", reference) == resolved


@given(st.text())
def test_never_raises_anything_else(text: str) -> None:
    """Any text is a URL or is refused."""
    for url in (text, "http://" + text):
        try:
            host, path, _ = parse(join("http://example.org/a", url))
        except InvalidURLError as refused:
            assert printable(refused.reason) == refused.reason
        else:
            assert path.startswith("/")
            assert path.isascii()
            assert host.host.isascii()


@given(URLISH)
def test_idempotent(url: str) -> None:
    """What parse gives, written as a URL, parses to the same."""
    try:
        host, path, userinfo = parse(url)
    except InvalidURLError:
        return
    prefix = f"{userinfo}@" if userinfo else ""
    assert parse(f"{host.scheme}://{prefix}{host.netloc}{path}") == (host, path, userinfo)


def _cases(name: str) -> list[dict[str, str]]:
    path = CASES / name
    if not path.is_file():
        pytest.skip(f"the optional case file {name} is not here")
    return [case for case in json.loads(path.read_text()) if isinstance(case, dict)]


def test_whatwg_urls() -> None:
    """What WHATWG refuses is refused; the hosts of what it takes agree, apart from what is refused on purpose."""
    same = valid = 0
    for case in _cases("urltestdata.json"):
        try:
            url = join(case["base"], case["input"]) if case.get("base") else case["input"]
            netloc = parse(url).host.netloc
        except InvalidURLError:
            netloc = None
        if case.get("failure"):
            assert netloc is None, case
        elif case["protocol"] in ("http:", "https:"):
            valid += 1
            same += netloc == case["host"]
    assert valid > 200
    assert same / valid >= AGREEMENT


def test_whatwg_hosts() -> None:
    """Each IDNA case has one verdict, and where both accept a host they mean the same one."""
    for case in _cases("toascii.json"):
        try:
            host = parse(f"http://{case['input']}/x").host.host
        except InvalidURLError:
            continue
        assert case["output"] is None or host == case["output"], case
