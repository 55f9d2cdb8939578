"""What a robots.txt allows one agent (RFC 9309): from its bytes to ``Rules``, which judge paths quickly.

Decides which groups of the file apply to the agent, which spellings of a path are one path, and which rule is the most
specific. protego reads the lines, as tolerant of mistakes as site owners need. Does not know how the file was fetched,
nor what becomes of a URL that it refuses.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from ...url import SENDABLE
from .groups import group_of

MOST_READ = 500 * 1024
"""Bytes of a robots.txt that are read: the least that RFC 9309 section 2.5 allows, and what Google reads."""

ROBOTS_TXT = "/robots.txt"

_BOMS = (b"\xef\xbb\xbf", b"\xef\xbb", b"\xef")  # cut ones too, which editors leave behind
_TOKEN = re.compile(r"[A-Za-z_-]+")  # RFC 9309 section 2.2.1
_COMPATIBLE = re.compile(r"Mozilla/\S+ \(compatible; *([^\s;/)]+)")
_PRODUCT = re.compile(r"[^\s/;(]*")

# protego ends lines as str.splitlines does; in robots.txt only CR and LF end one (RFC 9309 section 2.2).
_LINE_ENDS_TOO_MANY = re.compile("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_UNDECODABLE = re.compile("[\udc80-\udcff]")
_AGENT_LINE = re.compile(r"^[^\S\n]*user[^\S\n]*-?agent[^\S\n]*(?::|[^\S\n])([^#\n]*)", re.IGNORECASE | re.MULTILINE)
_OURS, _ALL, _THEIRS = "ours", "*", "theirs"

_ORDINARY = re.compile(rf"[{SENDABLE}]*+").fullmatch
_SPECIAL = re.compile(r"[%*$]").search
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_NOT_SENDABLE = re.compile(rf"[^{SENDABLE}%]")
_STAYS_ESCAPED = frozenset("/%*$")
_DECODED = {
    f"{code:02X}": chr(code) for code in range(0x21, 0x7F) if chr(code) not in _STAYS_ESCAPED and _ORDINARY(chr(code))
}


class _Rule(NamedTuple):
    """One Allow or Disallow line.

    rank: twice its length in octets, plus 1 for Allow: the highest that matches decides (RFC 9309 section 2.2.2).
    probe: text that every path it matches has in it. pieces: what follows its head, with anything between; None
    where nothing needs to. end: what the path ends with; None where that is open.
    """

    rank: int
    text: str
    probe: str
    pieces: tuple[str, ...] | None
    end: str | None


class _Head(NamedTuple):
    """The rules that begin with the same text, up to their first ``*``; the highest rank first.

    shorter: index of the longest other head that this one begins with, -1 for none.
    """

    text: str
    shorter: int
    rules: tuple[_Rule, ...]


class Rules:
    """What one robots.txt allows one agent. Asking costs about a microsecond, however long the file is.

    crawl_delay: seconds between two requests that it asks for; None where it asks for none.
    unrestricted: every path is allowed, so that nobody needs to ask.
    """

    __slots__ = ("_exact", "_heads", "_starts", "crawl_delay", "unrestricted")

    def __init__(self, patterns: Iterable[tuple[str, bool]] = (), crawl_delay: float | None = None) -> None:
        """patterns: what stands behind Allow (True) and Disallow (False), in canonical spelling."""
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
        return f"<Rules: {count} in {len(self._heads)} beginnings, crawl delay {self.crawl_delay}>"

    def patterns(self) -> Iterator[tuple[str, bool]]:
        """What it was made of, but for what makes no difference."""
        for rule in (*self._exact.values(), *(rule for head in self._heads for rule in head.rules)):
            yield rule.text, bool(rule.rank & 1)

    def allows(self, path: str) -> bool:
        """Whether a path, query included, may be asked for."""
        return self.unrestricted or self.refusing(path) is None

    def refusing(self, path: str) -> str | None:
        """The value of the Disallow line that refuses a path, query included; None where it may be asked for."""
        if self.unrestricted:
            return None
        if _ORDINARY(path) is None or _SPECIAL(path) is not None:
            path = canonical(path)
        winner = self._exact.get(path)
        rank = 1 if winner is None else winner.rank  # without a rule a path is allowed
        # In order of text, whatever begins a path stands before it, and all that does begins the last one that does.
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
    """Read a robots.txt; never raises for what stands in it.

    agent: a product token, see ``product_token``; one that is none goes by the rules for all (``*``).
    Of a body over MOST_READ bytes the whole lines within them are read.
    """
    if len(body) > MOST_READ:
        body = body[: 1 + max(body.rfind(b"\n", 0, MOST_READ), body.rfind(b"\r", 0, MOST_READ))]
    bom = next(filter(body.startswith, _BOMS), b"")
    text = _prepared(body[len(bom) :], agent)
    if text is None:
        return ALLOW_ALL
    group = group_of(text, (_OURS, _ALL))
    if group is None:
        return ALLOW_ALL
    patterns = [(canonical(pattern.replace("%25", "%"), is_pattern=True), allow) for pattern, allow in group.rules]
    rules = Rules(patterns, group.crawl_delay)
    return ALLOW_ALL if rules.unrestricted and not rules.crawl_delay else rules


def product_token(user_agent: str) -> str:
    """The name that a User-Agent field's value goes by in robots.txt: ``FooBot`` for ``FooBot/1.0 (+https://…)``.

    Of ``Mozilla/5.0 (compatible; FooBot/1.0)`` it is what calls itself compatible.
    """
    compatible = _COMPATIBLE.match(user_agent)
    if compatible is not None:
        return compatible[1]
    product = _PRODUCT.match(user_agent.strip())
    return "" if product is None else product[0]


def canonical(path: str, *, is_pattern: bool = False) -> str:
    """The one spelling of a path or pattern that is compared.

    Percent-encoded is what a URL may not hold, and what is more than a letter in it where it is not meant so: ``/``
    in the path, ``%``, and ``*`` and ``$``, which stand as they are in a pattern alone. Everything else is not.
    """
    if is_pattern and "%" not in path and _ORDINARY(path) is not None:
        return path
    escaped = _ESCAPE.sub(_respelled, path)
    before, query, after = escaped.partition("?")
    if query:
        escaped = before + query + after.replace("%2F", "/")
    if not is_pattern:
        escaped = escaped.replace("*", "%2A").replace("$", "%24")
    return _NOT_SENDABLE.sub(_encoded, escaped)


def _respelled(escape: re.Match[str]) -> str:
    code = escape[1].upper()
    return _DECODED.get(code) or "%" + code


def _encoded(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogatepass"))


def _prepared(body: bytes, agent: str) -> str | None:
    """A robots.txt as protego can read it without loss; None where no line of it concerns the agent.

    Every group is named anew: ours, for all, or somebody else's. So names are compared whole, and a file that names
    thousands of agents for thousands of rules costs no more than its length.
    """
    text = body.decode("utf-8", "surrogateescape").replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        text = _UNDECODABLE.sub(lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", text)
    text = _LINE_ENDS_TOO_MANY.sub(" ", text)
    token = agent.lower() if _TOKEN.fullmatch(agent) else None
    concerned = False

    def renamed(line: re.Match[str]) -> str:
        nonlocal concerned
        names = line[1].split(maxsplit=1)
        name = names[0] if names else ""
        if name == "*":
            concerned = True
            return f"User-agent: {_ALL}"
        found = _TOKEN.match(name)
        if found is None or found[0].lower() != token:
            return f"User-agent: {_THEIRS}"
        concerned = True
        return f"User-agent: {_OURS}"

    text = _AGENT_LINE.sub(renamed, text)
    # protego decodes escapes as UTF-8, and those that are none would all become one: it gets none to see.
    return text.replace("%", "%25") if concerned else None


def _rank(pattern: str, allow: bool) -> int:
    return 2 * len(pattern) + allow


def _compiled(pattern: str, allow: bool) -> tuple[str, _Rule | None]:
    """A pattern's head, and its rule; no rule where the head is the whole path."""
    anchored = pattern.endswith("$")
    head, *pieces = pattern.removesuffix("$").split("*")
    if anchored and not pieces:
        return head, None
    end = pieces.pop() if anchored else None
    follow = tuple(filter(None, pieces))
    probe = max((*follow, end or ""), key=len)
    return head, _Rule(_rank(pattern, allow), pattern, probe, follow if follow or end else None, end or None)


def _continues(path: str, at: int, pieces: tuple[str, ...], end: str | None) -> bool:
    """Whether ``path`` has the pieces in turn from ``at`` on, and the end behind them.

    The first place of each will do: whatever follows has the most room behind it, so nothing is tried twice.
    """
    for piece in pieces:
        at = path.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return end is None or (len(path) - len(end) >= at and path.endswith(end))


def _linked(starts: list[tuple[str, tuple[_Rule, ...]]]) -> list[_Head]:
    """Heads in order of their text, each knowing the longest that it begins with."""
    heads: list[_Head] = []
    open_: list[int] = []  # those that the last one begins with, and itself
    for start, rules in starts:
        while open_ and not start.startswith(heads[open_[-1]].text):
            open_.pop()
        heads.append(_Head(start, open_[-1] if open_ else -1, rules))
        open_.append(len(heads) - 1)
    return heads


ALLOW_ALL: Final = Rules()
"""No rules: a host without a robots.txt, or with one that refuses nothing and asks for no delay."""
