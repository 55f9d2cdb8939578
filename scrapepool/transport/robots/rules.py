"""The rules of a robots.txt for one agent (RFC 9309): its bytes are parsed into ``Rules``, which check paths quickly.

Decides which groups of the file apply to the agent, which spellings of a path are equivalent, and which rule is
the most specific. protego parses the lines, and tolerates common mistakes. Does not know how the file was fetched, or
what happens to a URL that it disallows.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from ...lazy_pattern import lazy_pattern
from ...named_tuple import NamedTuple
from ...url import SENDABLE
from .groups import group_of

MAX_READ = 500 * 1024
"""Bytes of a robots.txt that are read: the minimum of RFC 9309 section 2.5, and the limit of Google."""

MAX_CACHED = 4096
"""Characters of a file whose rules are kept for other hosts with the same file: many have that of their software."""

CACHED_FILES = 256
"""Files that are kept so."""

ROBOTS_TXT = "/robots.txt"

_BOMS = (b"\xef\xbb\xbf", b"\xef\xbb", b"\xef")  # also incomplete ones, which some editors write
_TOKEN = lazy_pattern(r"[A-Za-z_-]+")  # RFC 9309 section 2.2.1
_COMPATIBLE = lazy_pattern(r"Mozilla/\S+ \(compatible; *([^\s;/)]+)")
_PRODUCT = lazy_pattern(r"[^\s/;(]*")

# protego splits lines as str.splitlines does, but in robots.txt only CR and LF end a line (RFC 9309 section 2.2).
_OTHER_LINE_ENDS = lazy_pattern("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_UNDECODABLE = lazy_pattern("[\udc80-\udcff]")
_AGENT_LINE = lazy_pattern(r"^[^\S\n]*user[^\S\n]*-?agent[^\S\n]*(?::|[^\S\n])([^#\n]*)", re.IGNORECASE | re.MULTILINE)
_OWN, _ALL, _OTHER = "own", "*", "other"

_ORDINARY = re.compile(rf"[{SENDABLE}]*+").fullmatch
_SPECIAL = re.compile(r"[%*$]").search
_ESCAPE = lazy_pattern(r"%([0-9A-Fa-f]{2})")
_NOT_SENDABLE = lazy_pattern(rf"[^{SENDABLE}%]")
_STAYS_ESCAPED = frozenset("/%*$")
_DECODED = {
    f"{code:02X}": chr(code) for code in range(0x21, 0x7F) if chr(code) not in _STAYS_ESCAPED and _ORDINARY(chr(code))
}


class _Rule(NamedTuple):
    """One Allow or Disallow line.

    rank: twice its length in octets, plus 1 for Allow; the matching rule with the highest rank decides (RFC 9309
    section 2.2.2). probe: text that every matching path contains. pieces: texts that must follow its head in this
    order, with any text between them; None if there is no condition. end: text that the path must end with, or None.
    """

    rank: int
    text: str
    probe: str
    pieces: tuple[str, ...] | None
    end: str | None


class _Head(NamedTuple):
    """The rules that begin with the same text up to their first ``*``, the highest rank first.

    shorter: index of the longest other head that is a prefix of this one, -1 if there is none.
    """

    text: str
    shorter: int
    rules: tuple[_Rule, ...]


class Rules:
    """The rules of one robots.txt for one agent. A check takes about a microsecond, however long the file is.

    crawl_delay: the value of the Crawl-delay line in seconds; None if there is none.
    unrestricted: every path is allowed, so that no check is needed.
    """

    __slots__ = ("_exact", "_heads", "_starts", "crawl_delay", "unrestricted")

    def __init__(self, patterns: Iterable[tuple[str, bool]] = (), crawl_delay: float | None = None) -> None:
        """Build the index. patterns: the values of Allow (True) and Disallow (False) lines, in canonical spelling."""
        self.crawl_delay = crawl_delay
        self._exact: dict[str, _Rule] = {}
        rules: dict[str, list[_Rule]] = {}
        ordered = sorted(dict.fromkeys(patterns), key=lambda pattern: (len(pattern[0]), pattern[1]), reverse=True)
        self.unrestricted = all(allow for _, allow in ordered)
        for pattern, allow in () if self.unrestricted else ordered:
            head, rule = _compiled(pattern, allow)
            if rule is None:
                self._exact.setdefault(head, _Rule(_rank(pattern, allow), pattern, "", None, None))
            else:
                rules.setdefault(head, []).append(rule)
        self._starts = sorted(rules)
        self._heads = _linked([(start, tuple(rules[start])) for start in self._starts])

    def __repr__(self) -> str:
        count = len(self._exact) + sum(len(head.rules) for head in self._heads)
        return f"<Rules: {count} in {len(self._heads)} heads, crawl delay {self.crawl_delay}>"

    def patterns(self) -> Iterator[tuple[str, bool]]:
        """Yield the patterns of the rules, without those that have no effect."""
        for rule in (*self._exact.values(), *(rule for head in self._heads for rule in head.rules)):
            yield rule.text, bool(rule.rank & 1)

    def allows(self, path: str) -> bool:
        """Return whether a path, which includes the query, may be requested."""
        return self.unrestricted or self.refusing(path) is None

    def refusing(self, path: str) -> str | None:
        """Return the value of the Disallow line that refuses a path with its query; None if it may be requested."""
        if self.unrestricted:
            return None
        if _ORDINARY(path) is None or _SPECIAL(path) is not None:
            path = canonical(path)
        winner = self._exact.get(path)
        rank = 1 if winner is None else winner.rank  # without a rule a path is allowed
        # All heads that are prefixes of the path sort before it, and each of them is a prefix of the next one.
        at = bisect_right(self._starts, path) - 1
        while at >= 0:
            start, at, rules = self._heads[at]
            if not path.startswith(start):
                continue
            for rule in rules:
                if rule.rank <= rank:
                    break
                if rule.probe in path and (rule.pieces is None or _continues(path, len(start), rule.pieces, rule.end)):
                    winner, rank = rule, rule.rank
                    break
        if winner is None or rank & 1 or path.partition("?")[0] == ROBOTS_TXT:
            return None
        return winner.text


def rules_of(body: bytes, agent: str) -> Rules:
    """Parse a robots.txt. Never raises, whatever the file contains.

    agent: a product token, see ``product_token``. If it is not valid, the rules for all agents (``*``) apply.
    Of a longer body, only the whole lines within the first ``MAX_READ`` bytes are read.
    """
    if len(body) > MAX_READ:
        body = body[: 1 + max(body.rfind(b"\n", 0, MAX_READ), body.rfind(b"\r", 0, MAX_READ))]
    bom = next(filter(body.startswith, _BOMS), b"")
    text = _prepared(body[len(bom) :], agent)
    if text is None:
        return ALLOW_ALL
    return _rules(text) if len(text) > MAX_CACHED else _rules_of_many(_without_last_sitemaps(text))


def _without_last_sitemaps(text: str) -> str:
    """Return a file without the lines at its end that name its sitemaps; these often are its only lines of its own."""
    while (at := (text := text.rstrip()).rfind("\n")) >= 0 and text[at + 1 : at + 9].lower() == "sitemap:":
        text = text[:at]
    return text


def _rules(text: str) -> Rules:
    group = group_of(text, (_OWN, _ALL))
    if group is None:
        return ALLOW_ALL
    patterns = [(canonical(pattern.replace("%25", "%"), is_pattern=True), allow) for pattern, allow in group.rules]
    rules = Rules(patterns, group.crawl_delay)
    return ALLOW_ALL if rules.unrestricted and not rules.crawl_delay else rules


_rules_of_many = lru_cache(CACHED_FILES)(_rules)


@lru_cache(CACHED_FILES)
def product_token(user_agent: str) -> str:
    """Return the product token of a User-Agent field, its name in robots.txt: ``FooBot`` for ``FooBot/1.0 (+https://…)``.

    For ``Mozilla/5.0 (compatible; FooBot/1.0)`` it is the name after ``compatible``.
    """
    compatible = _COMPATIBLE.match(user_agent)
    if compatible is not None:
        return compatible[1]
    product = _PRODUCT.match(user_agent.strip())
    return "" if product is None else product[0]


def canonical(path: str, *, is_pattern: bool = False) -> str:
    """Return the canonical spelling of a path or pattern, in which they are compared.

    These characters are percent-encoded: those that a URL must not contain, an encoded ``/`` in the path, ``%``, and in
    a path, but not in a pattern, ``*`` and ``$``. All others are not encoded.
    """
    if is_pattern and "%" not in path and _ORDINARY(path) is not None:
        return path
    escaped = _ESCAPE.sub(_decoded_if_ordinary, path)
    before, query, after = escaped.partition("?")
    if query:
        escaped = before + query + after.replace("%2F", "/")
    if not is_pattern:
        escaped = escaped.replace("*", "%2A").replace("$", "%24")
    return _NOT_SENDABLE.sub(_percent_encoded, escaped)


def _decoded_if_ordinary(escape: re.Match[str]) -> str:
    code = escape[1].upper()
    return _DECODED.get(code) or "%" + code


def _percent_encoded(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogatepass"))


def _prepared(body: bytes, agent: str) -> str | None:
    """Return a robots.txt that protego parses without loss; None if no group applies to the agent.

    Every agent is renamed to ``own``, ``*`` or ``other``. So names are compared as a whole, and the cost of a file with
    thousands of agents and rules is proportional to its length.
    """
    text = body.decode("utf-8", "surrogateescape").replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        text = _UNDECODABLE.sub(lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", text)
    text = _OTHER_LINE_ENDS.sub(" ", text)
    token = agent.lower() if _TOKEN.fullmatch(agent) else None
    applies = False

    def renamed(line: re.Match[str]) -> str:
        nonlocal applies
        names = line[1].split(maxsplit=1)
        name = names[0] if names else ""
        if name == "*":
            applies = True
            return f"User-agent: {_ALL}"
        found = _TOKEN.match(name)
        if found is None or found[0].lower() != token:
            return f"User-agent: {_OTHER}"
        applies = True
        return f"User-agent: {_OWN}"

    text = _AGENT_LINE.sub(renamed, text)
    # protego decodes percent-encoding as UTF-8, which maps all invalid bytes to one character. So it must not see any.
    return text.replace("%", "%25") if applies else None


def _rank(pattern: str, allow: bool) -> int:
    return 2 * len(pattern) + allow


def _compiled(pattern: str, allow: bool) -> tuple[str, _Rule | None]:
    """Return a pattern's head and its rule; the rule is None if only the path that equals the head matches."""
    anchored = pattern.endswith("$")
    head, *pieces = pattern.removesuffix("$").split("*")
    if anchored and not pieces:
        return head, None
    end = pieces.pop() if anchored else None
    follow = tuple(filter(None, pieces))
    probe = max((*follow, end or ""), key=len)
    return head, _Rule(_rank(pattern, allow), pattern, probe, follow if follow or end else None, end or None)


def _continues(path: str, at: int, pieces: tuple[str, ...], end: str | None) -> bool:
    """Return whether ``path`` contains the pieces in this order from ``at`` on, and the end after them.

    The first occurrence of each piece suffices, because it leaves most text for the others. So nothing is tried twice.
    """
    for piece in pieces:
        at = path.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return end is None or (len(path) - len(end) >= at and path.endswith(end))


def _linked(starts: list[tuple[str, tuple[_Rule, ...]]]) -> list[_Head]:
    """Return the heads in order of their text, each with the index of its longest prefix."""
    heads: list[_Head] = []
    prefixes: list[int] = []  # indices of the last head and of its prefixes
    for start, rules in starts:
        while prefixes and not start.startswith(heads[prefixes[-1]].text):
            prefixes.pop()
        heads.append(_Head(start, prefixes[-1] if prefixes else -1, rules))
        prefixes.append(len(heads) - 1)
    return heads


ALLOW_ALL: Final = Rules()
"""The rules of a host without a robots.txt, or with one that disallows nothing and has no Crawl-delay."""
