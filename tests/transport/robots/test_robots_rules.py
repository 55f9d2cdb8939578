"""What a robots.txt allows: groups, spellings, the longest match, and files as they come."""

from __future__ import annotations

import pickle
import re
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scrapepool.transport.robots.rules import ALLOW_ALL, MAX_CACHED, MAX_READ, Rules, canonical, product_token, rules_of

AGENT = "scrapepool"


def refused(robots_txt: str | bytes, path: str, agent: str = AGENT) -> bool:
    """Whether a robots.txt keeps a path from an agent."""
    body = robots_txt.encode() if isinstance(robots_txt, str) else robots_txt
    return not rules_of(body, agent).allows(path)


def for_all(*lines: str) -> str:
    """A robots.txt with one group, which concerns everybody."""
    return "\n".join(("User-agent: *", *lines, ""))


# -- files that refuse nothing ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n",
        b"User-agent: *\nDisallow:\n",
        b"User-agent: *\nAllow: /\n",
        b"User-agent: somebody\nDisallow: /\n",
        b"Disallow: /\n",
        b"Sitemap: https://example.org/sitemap.xml\n",
        b"<!doctype html><title>Not found</title>\n",
        b"\x00\x01\x02",
        "User-agent: *\nDisallow: /\n".encode("utf-16"),
    ],
)
def test_a_file_without_a_rule_for_us_costs_nothing(body: bytes) -> None:
    """If nothing is disallowed, there are no rules to check."""
    assert rules_of(body, AGENT) is ALLOW_ALL
    assert ALLOW_ALL.unrestricted
    assert ALLOW_ALL.allows("/anything")


def test_a_delay_alone_leaves_paths_unrestricted() -> None:
    """A group that only asks for a delay is no reason to ask about paths."""
    rules = rules_of(for_all("Crawl-delay: 5", "Disallow:").encode(), AGENT)

    assert rules.unrestricted
    assert rules.crawl_delay == 5


# -- groups and names -------------------------------------------------------------------------------


def test_the_group_with_our_name_is_the_only_one_that_counts() -> None:
    """A group for our name replaces the one for all, wherever it stands and however it is written."""
    text = for_all("Disallow: /") + "User-Agent: ScrapePool/1.0\nDisallow: /private\n"

    assert refused(text, "/private/x")
    assert not refused(text, "/public")
    assert refused(text, "/public", "other")


def test_groups_of_one_name_are_joined() -> None:
    """Two groups for us count together (RFC 9309 section 2.2.1)."""
    text = (
        "User-agent: scrapepool\nDisallow: /a\n\nUser-agent: x\nDisallow: /\n\nUser-agent: scrapepool\nDisallow: /b\n"
    )

    assert refused(text, "/a")
    assert refused(text, "/b")
    assert not refused(text, "/c")


@pytest.mark.parametrize("name", ["scrape", "pool", "scrapepool-images", "myscrapepool", "scrapepools"])
def test_a_name_is_compared_whole(name: str) -> None:
    """A group for a longer, a shorter or an inner name is somebody else's."""
    assert not refused(f"User-agent: {name}\nDisallow: /\n", "/")


@pytest.mark.parametrize(
    "line", ["user-agent:scrapepool", "USERAGENT: *", "User Agent scrapepool", "\tuser-agent : *  # us"]
)
def test_names_may_be_written_carelessly(line: str) -> None:
    """Case, spaces, a missing hyphen, a missing colon and a comment behind change nothing."""
    assert refused(f"{line}\nDisallow: /\n", "/")


def test_a_name_with_digits_goes_by_the_rules_for_all() -> None:
    """Digits are no part of a product token (section 2.2.1), so that a group can name no such agent."""
    text = for_all("Disallow: /all") + "User-agent: bot\nDisallow: /bot\n"

    assert refused(text, "/all", "bot9")
    assert not refused(text, "/bot", "bot9")


@pytest.mark.parametrize(
    ("user_agent", "token"),
    [
        ("scrapepool/0.1.0", "scrapepool"),
        ("FooBot/1.0 (+https://example.org/bot)", "FooBot"),
        ("FooBot", "FooBot"),
        ("  Foo-Bot_x (x)", "Foo-Bot_x"),
        ("Mozilla/5.0 (compatible; FooBot/2.1; +https://example.org)", "FooBot"),
        ("Mozilla/5.0 (X11; Linux x86_64) Gecko", "Mozilla"),
        ("", ""),
    ],
)
def test_the_product_token_is_what_a_bot_calls_itself(user_agent: str, token: str) -> None:
    """It is the first product of the User-Agent, or the one that a browser's look-alike is compatible with."""
    assert product_token(user_agent) == token


# -- which rule decides -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "path", "is_refused"),
    [
        (("Disallow: /a", "Allow: /a/b"), "/a/b/c", False),
        (("Allow: /a", "Disallow: /a/b"), "/a/b/c", True),
        (("Disallow: /a", "Allow: /a"), "/a", False),
        (("Disallow: /", "Allow: /$"), "/", False),
        (("Disallow: /", "Allow: /$"), "/x", True),
        (("Disallow: /*.pdf$",), "/x/y.pdf", True),
        (("Disallow: /*.pdf$",), "/x/y.pdf?z", False),
        (("Disallow: /*.pdf",), "/x/y.pdf?z", True),
        (("Disallow: /a*c*e",), "/abcde", True),
        (("Disallow: /a*c*e",), "/aec", False),
        (("Disallow: /*a$",), "/ba/a", True),
        (("Disallow: *x",), "/a/x", True),
        (("Disallow: /a*$", "Allow: /a"), "/ab", True),
        (("Disallow: /p", "Allow: /*.html"), "/p/a.html", False),
        (("Disallow: /a$b",), "/a$b", True),
        (("Disallow: /A",), "/a", False),
        (("Disallow: a",), "/a", False),
        (("Disallow: /a?b",), "/a?bc", True),
        (("Disallow: /*?",), "/a?", True),
        (("Disallow: /*?",), "/a", False),
    ],
)
def test_the_longest_match_decides(lines: tuple[str, ...], path: str, is_refused: bool) -> None:
    """The longest pattern that matches decides, Allow where two are as long (section 2.2.2)."""
    assert refused(for_all(*lines), path) is is_refused


def test_the_rule_that_refuses_is_told() -> None:
    """The rule that refuses a path can be reported."""
    rules = rules_of(for_all("Disallow: /a", "Disallow: /a/*/c$").encode(), AGENT)

    assert rules.refusing("/a/b/c") == "/a/*/c$"
    assert rules.refusing("/a/b") == "/a"
    assert rules.refusing("/b") is None


@pytest.mark.parametrize("path", ["/robots.txt", "/robots.txt?x"])
def test_robots_txt_itself_is_always_allowed(path: str) -> None:
    """No rule keeps anybody from reading the rules."""
    assert not refused(for_all("Disallow: /"), path)
    assert refused(for_all("Disallow: /"), "/robots.txt.bak")


# -- spellings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("/foo/bar?baz=https://foo.bar", "/foo/bar?baz=https%3A%2F%2Ffoo.bar"),
        ("/foo/bar?baz=https%3A%2F%2Ffoo.bar", "/foo/bar?baz=https://foo.bar"),
        ("/foo/bar/ツ", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%e3%83%84", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%62%61%7A", "/foo/bar/baz"),
        ("/foo/bar/baz", "/foo/bar/%62%61%7A"),
        ("/~joe", "/%7ejoe"),
        ("/a b", "/a%20b"),
        ("/a%2ab", "/a*b"),
        ("/100%", "/100%"),
        ("/a%2Fb", "/a%2fb"),
    ],
)
def test_spellings_of_one_path_are_one(rule: str, path: str) -> None:
    """Percent-encoding makes no difference where it changes no meaning (the table of section 2.2.2)."""
    assert refused(for_all(f"Disallow: {rule}"), path)


@pytest.mark.parametrize(
    ("rule", "path"), [("/a%2Fb", "/a/b"), ("/a/b", "/a%2Fb"), ("/a%2Ab", "/axb"), ("/a%24", "/a")]
)
def test_an_escape_that_changes_the_meaning_is_kept(rule: str, path: str) -> None:
    """An encoded slash is no separator, an encoded star or dollar no pattern."""
    assert not refused(for_all(f"Disallow: {rule}"), path)


def test_bytes_that_are_no_utf8_are_compared_as_bytes() -> None:
    """A file in Latin-1 refuses the path that is spelled so, and no other."""
    robots_txt = b"User-agent: *\nDisallow: /caf\xe9\n"

    assert refused(robots_txt, "/caf%E9")
    assert not refused(robots_txt, "/caf%E8")
    assert not refused(robots_txt, "/caf%C3%A9")


@given(st.text(alphabet="/ab?%2F*$ é~=", max_size=12))
def test_a_canonical_spelling_is_final(text: str) -> None:
    """What has been spelled canonically stays as it is, as a path and as a pattern."""
    assert canonical(canonical(text)) == canonical(text)
    assert canonical(canonical(text, is_pattern=True), is_pattern=True) == canonical(text, is_pattern=True)


@given(st.text(min_size=1, max_size=20, alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="/%?")))
def test_escaping_more_than_needed_changes_nothing(segment: str) -> None:
    """A path is refused however much of it is percent-encoded."""
    plain = f"/{quote(segment)}"
    everything = "/" + "".join(f"%{byte:02x}" for byte in segment.encode())
    rules = Rules([(canonical(plain, is_pattern=True), False)])

    assert not rules.allows(plain)
    assert not rules.allows(everything)


# -- files as they come -----------------------------------------------------------------------------


@pytest.mark.parametrize("bom", [b"\xef\xbb\xbf", b"\xef\xbb", b"\xef", b""])
def test_a_byte_order_mark_is_passed_over(bom: bytes) -> None:
    """A mark at the beginning, even one that was cut, does not hide the first line."""
    assert refused(bom + b"User-agent: *\nDisallow: /\n", "/")


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_lines_end_as_they_like(end: str) -> None:
    """LF, CR and CRLF end a line."""
    assert refused(end.join(["User-agent: *", "Disallow: /a", "Disallow: /b"]), "/b")


@pytest.mark.parametrize("separator", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_nothing_else_ends_a_line(separator: str) -> None:
    """What Unicode takes for a line's end is part of the line, and makes no rule out of a comment."""
    assert not refused(for_all(f"# was:{separator}Disallow: /"), "/x")


def test_a_large_file_counts_up_to_its_last_whole_line() -> None:
    """Of a file over 500 KiB what comes before is kept, what comes behind is not read, and no rule is cut in two."""
    head = b"User-agent: *\nDisallow: /first\n"
    torn = b"Disallow: /secret/of/nobody\n"
    filler = b"#" * (MAX_READ - len(head) - 12) + b"\n"
    rules = rules_of(head + filler + torn + b"Disallow: /last\n" * 9, AGENT)

    assert not rules.allows("/first")
    assert rules.allows("/secret")
    assert rules.allows("/")
    assert rules.allows("/last")


def test_a_file_that_names_many_agents_for_many_rules_costs_its_length_only() -> None:
    """Ten thousand names before ten thousand rules make ten thousand rules, and not a hundred million."""
    names = b"".join(
        b"User-agent: bot%c%c%c\n" % (97 + n // 676, 97 + n // 26 % 26, 97 + n % 26) for n in range(10_000)
    )
    rules = rules_of(names + b"User-agent: *\n" + b"".join(b"Disallow: /%d\n" % n for n in range(10_000)), AGENT)

    assert "10000 in 10000" in repr(rules)
    assert not rules.allows("/777x")


@given(st.binary(max_size=300))
@example(b"User-agent: *\nDisallow: /\xff%\nCrawl-delay: \xff")
def test_no_file_is_too_strange(body: bytes) -> None:
    """Whatever a server sends as robots.txt is parsed without an error, and paths can be checked."""
    assert rules_of(b"User-agent: *\nDisallow: /x\n" + body, AGENT).allows("/robots.txt")


@pytest.mark.slow
@given(
    st.lists(
        st.sampled_from(
            [
                "User-agent: *",
                "User-agent: scrapepool",
                "User-agent: x",
                "Disallow: /a",
                "Allow: /a/b",
                "Disallow:",
                "Crawl-delay: 2",
                "Sitemap: /s",
                "",
                "# c",
                "foo: bar",
                "Disallow: /*b$",
            ]
        )
    )
)
def test_a_file_and_its_rules_agree(lines: list[str]) -> None:
    """What is unrestricted refuses nothing, and only what asks for nothing at all is no rules."""
    rules = rules_of("\n".join(lines).encode(), AGENT)
    allowed = [rules.allows(path) for path in ("/a", "/a/b", "/ab", "/c", "/xb")]

    assert all(allowed) or not rules.unrestricted
    assert (rules is ALLOW_ALL) is (rules.unrestricted and not rules.crawl_delay)


def test_rules_travel() -> None:
    """Rules can be handed to another process."""
    rules = pickle.loads(pickle.dumps(rules_of(for_all("Disallow: /a*b", "Crawl-delay: 1").encode(), AGENT)))

    assert not rules.allows("/axb")
    assert rules.crawl_delay == 1


# -- delays -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "delay"),
    [
        ("5", 5),
        ("0.5", 0.5),
        ("5 # s", 5),
        ("0", None),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("5s", None),
        ("", None),
    ],
)
def test_a_crawl_delay_is_a_number_of_seconds(value: str, delay: float | None) -> None:
    """A delay is finite and not negative; what is no number is no delay."""
    assert rules_of(for_all(f"Crawl-delay: {value}").encode(), AGENT).crawl_delay == delay


def test_a_delay_belongs_to_its_group() -> None:
    """A delay for all does not hold for an agent with a group of its own."""
    text = for_all("Crawl-delay: 9") + "User-agent: scrapepool\nCrawl-delay: 2\nDisallow: /x\n"

    assert rules_of(text.encode(), AGENT).crawl_delay == 2
    assert rules_of(text.encode(), "other").crawl_delay == 9


# -- the index against the definition ---------------------------------------------------------------


def matches(pattern: str, path: str) -> bool:
    """The definition: a pattern as a regular expression."""
    ends = pattern.endswith("$")
    expression = ".*".join(map(re.escape, pattern.removesuffix("$").split("*")))
    return re.match(expression + (r"\Z" if ends else ""), path) is not None


PATTERNS = st.text(alphabet="/aab*", min_size=1, max_size=7).map("/".__add__)
RULES = st.lists(st.tuples(st.tuples(PATTERNS, st.sampled_from(["", "$"])).map("".join), st.booleans()), max_size=12)


@pytest.mark.slow
@given(RULES, st.text(alphabet="/ab", max_size=10).map("/".__add__))
def test_the_index_finds_what_trying_every_rule_finds(rules: list[tuple[str, bool]], path: str) -> None:
    """The verdict is that of the longest matching pattern, if each pattern is tried separately."""
    found = [(len(pattern), allow) for pattern, allow in rules if matches(pattern, path)]

    assert Rules(rules).allows(path) is max(found, default=(0, True))[1]


def test_hosts_with_the_same_file_share_its_rules() -> None:
    """Also if only their sitemaps differ, at its end; lines after a sitemap count."""
    file = b"User-agent: *\nDisallow: /a\nDisallow: /b\r\n\nSitemap: https://h1.test/1\nSITEMAP: https://h1.test/2 \n"
    first, second = rules_of(file, "bot"), rules_of(file.replace(b"h1", b"h2") + b"\n\n", "bot")
    assert first is second
    assert set(first.patterns()) == {("/a", False), ("/b", False)}
    assert not rules_of(file + b"Disallow: /c\n", "bot").allows("/c")
    longer = file + b"# " + b"x" * MAX_CACHED
    assert rules_of(longer, "bot") is not rules_of(longer, "bot")
    assert rules_of(b"Sitemap: https://h1.test/1", "bot").unrestricted
