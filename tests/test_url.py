"""What counts as a URL."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.errors import InvalidURLError
from scrapepool.model import HostKey
from scrapepool.text import printable
from scrapepool.url import join, parse, request_target

CASES = Path(__file__).resolve().parents[1] / "../shared/cases"
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
        ("http://example.org:8x/", "port 8x is not a number"),
        ("http://example.org:" + "9" * 5000, "port " + "9" * 59 + "… is out of range"),
        ("http://good.example\\@evil.example/", "a backslash in the host"),
        ("http://a..b/", "an empty label in the host: a..b"),
        ("http://" + "a" * 64 + ".example/", "a label of the host is longer than 63 characters"),
        ("http://" + "a." * 127 + "example/", "host longer than 253 characters"),
        ("http://" + "é" * 2000 + "/", "host longer than 253 characters"),
        ("http://a b/", "not a valid host: a b"),
        ("http://a\x1b[0m/", "not a valid host: a\\x1b[0m"),
        ("http://1.2.3.256/", "not a valid IPv4 address: 1.2.3.256"),
        ("http://1.2.3.4.5/", "not a valid IPv4 address: 1.2.3.4.5"),
        ("http://[::1/", "not a valid IPv6 address"),
        ("http://[::1]x/", "not a valid IPv6 address"),
        ("http://[::g]/", "not a valid IPv6 address: ::g"),
        ("http://[fe80::1%25eth0]/", "an IPv6 zone, which has no meaning outside this machine"),
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
    """Other schemes are distinguished from rubbish."""
    with pytest.raises(InvalidURLError, match=r"is not supported \(only http and https are\)") as refused:
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
        (" HTTPS://o/\n", "https://o/"),
        ("mailto:x", "mailto:x"),
        ("/out/http://example.org/x", "http://h/out/http://example.org/x"),
        ("/a//b///c", "http://h/a//b///c"),
        ("x?", "http://h/a/x?"),
        ("x;", "http://h/a/x;"),
        ("x;p=1?q#f", "http://h/a/x;p=1?q#f"),
        ("http://o/a/./b/../c", "http://o/a/c"),
        ("http://o/%2e%2E/c", "http://o/c"),
        ("/../../c", "http://h/c"),
        ("\\b\\c", "http://h/b/c"),
        ("\\\\other\\b", "http://other/b"),
        ("///other/b", "http://other/b"),
        ("http:b", "http://h/a/b"),
        ("http:/b", "http://h/b"),
        ("https:/o/b", "https://o/b"),
        ("h\tt\ntp://o/b\r", "http://o/b"),
        ("/caf\xe9?\xe9 '", "http://h/caf%C3%A9?%C3%A9%20%27"),
        ("?a|b{c}", "http://h/a/x?a|b{c}"),
        ("//B\xfccher.example/", "http://xn--bcher-kva.example/"),
        ("//[::FFFF:1.2.3.4]/", "http://[::ffff:102:304]/"),
        ("", "http://h/a/x?old"),
        ("/\ud800", "http://h/%EF%BF%BD"),
    ],
)
def test_join(reference: str, resolved: str) -> None:
    """References are resolved as the WHATWG URL standard has it, whatever the version of Python."""
    assert join("http://h/a/x?old#f", reference) == resolved


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("http://[::1", "not a valid IPv6 address"),
        ("//o:99999/", "port 99999 is out of range"),
        ("https://a b/", "not a valid host: a b"),
        ("ftp://[x/", "not a valid URL reference"),
    ],
)
def test_no_reference(reference: str, reason: str) -> None:
    """What the standard refuses is refused with a short reason."""
    with pytest.raises(InvalidURLError) as refused:
        join("http://h/a/x", reference)
    assert str(refused.value) == reason


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


PERCENT_ENCODING_DIFFERS = {
    ("\x0eA", "iso-2022-jp"): "only text that is not ASCII is encoded",
    ("\ue5e5", "gb18030"): "Python's codec has this character of private use",
}
"""What the charsets of pages make of text otherwise than the standard, and why."""


def test_whatwg_queries() -> None:
    """The query of a link is encoded in its page's charset, as the standard's tests have it."""
    encoded = 0
    for case in _cases("percent-encoding.json"):
        for charset, output in case["output"].items():
            if (case["input"], charset) not in PERCENT_ENCODING_DIFFERS:
                encoded += 1
                href = join("http://h/", f"?{case['input']}", charset)
                assert href == f"http://h/?{output}", (case, charset)
    assert encoded > 10


@pytest.mark.parametrize(
    ("reference", "charset", "href"),
    [
        ("?q=привет", "windows-1251", "http://h/?q=%EF%F0%E8%E2%E5%F2"),
        ("/é?é=ß#é", "iso-8859-1", "http://h/%C3%A9?%E9=%DF#%C3%A9"),
        ("?日本", "iso-2022-jp", "http://h/?%1B$BF|K\\%1B(B"),
        ("?日本", "shift_jis", "http://h/?%93%FA%96{"),
        ("?é", "utf-16le", "http://h/?%C3%A9"),
        ("?é", "no such charset", "http://h/?%C3%A9"),
        ("?a?é", "latin1", "http://h/?a?%E9"),
        ("#?é", "latin1", "http://h/#?%C3%A9"),
    ],
)
def test_join_in_a_charset(reference: str, charset: str, href: str) -> None:
    """Queries are in the page's charset; paths, fragments, and pages in UTF-16 are in UTF-8."""
    assert join("http://h/", reference, charset) == href


REFUSED = {
    "port 0 is out of range": "no server listens on port 0",
    "an empty label in the host": "no DNS message can carry an empty label",
    "a label of the host is longer than 63": "no DNS message can carry it",
    "host longer than 253": "no DNS message can carry it",
    "not a valid host: !": "nobody can register a name with punctuation; in a list it is prose",
    "not a valid host: xn--ls8h=": "the same",
}
"""Why URLs that the standard takes are refused all the same, by how the reason begins."""

REFUSED_IN_LISTS = REFUSED | {
    "a backslash in the host": "browsers and other programs disagree about which host this is",
    "no host": "only as a reference does http:x or http:/x mean something, and there it is resolved",
}


def _hosts_of(url: str) -> tuple[str | None, str]:
    try:
        return parse(url).host.netloc, ""
    except InvalidURLError as refused:
        return None, refused.reason


def test_whatwg_references() -> None:
    """Every case of the standard's own tests is resolved and spelled as it says, or is refused as it says."""
    cases = _cases("urltestdata.json")
    assert len(cases) > 800
    for case in cases:
        try:
            joined = join(case["base"], case["input"])
        except InvalidURLError:
            joined = None
        assert joined == (None if case.get("failure") else case["href"]), case


def test_whatwg_requests() -> None:
    """What references lead to is requested from the host and with the path and query that the standard says."""
    requested = 0
    for case in _cases("urltestdata.json"):
        if case.get("protocol") not in ("http:", "https:"):
            continue
        host, reason = _hosts_of(case["href"])
        if host is None:
            assert reason.startswith(tuple(REFUSED)), case
            continue
        requested += 1
        assert host == case["host"], case
        target = request_target(case["href"])
        assert case["href"].partition("#")[0].endswith(host + target), case
        assert target.startswith(case["pathname"]), case
    assert requested > 200


def test_whatwg_lists() -> None:
    """An absolute URL in a list has the standard's host, or is refused for a reason that is written down."""
    valid = 0
    for case in _cases("urltestdata.json"):
        if case["base"] is not None:
            continue
        host, reason = _hosts_of(case["input"])
        if case.get("failure") or case["protocol"] not in ("http:", "https:"):
            assert host is None, case
        elif host is None:
            assert reason.startswith(tuple(REFUSED_IN_LISTS)), case
        else:
            valid += 1
            assert host == case["host"], case
    assert valid > 100


def test_whatwg_hosts() -> None:
    """Every IDNA case has the standard's result, but for names that are refused for a reason that is written down."""
    cases = _cases("toascii.json")
    assert len(cases) > 80
    for case in cases:
        host, reason = _hosts_of(f"http://{case['input']}/x")
        if host is None and case["output"] is not None:
            assert reason.startswith(tuple(REFUSED)), case
        else:
            assert host == case["output"], case
