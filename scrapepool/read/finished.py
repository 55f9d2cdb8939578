"""Which targets of the lists have their final record already, and are passed over.

Decides what makes two spellings one target: scheme, user and password, host, port, path and query as parsed, and the
method and body that a row asks for itself. Knows no files.
Filled before the reading begins, asked by the reading thread alone.
"""

from __future__ import annotations

from urllib.parse import unquote

from ..model import Apart, HostKey
from ..text import hidden_userinfo
from ..url import ParsedURL, parse
from .dedupe import SeenHashes


def identity(parsed: ParsedURL, apart: Apart | None = None) -> int:
    """Number a target for tables of what was seen; another number in every process.

    apart: what tells it from others of its URL.
    """
    host, path, userinfo = parsed
    name = f"{host.origin}{path}"
    if userinfo is not None:
        user, _, password = userinfo.partition(":")
        name = f"{name} {unquote(user, 'latin-1')}\n{unquote(password, 'latin-1')}"
    if apart is not None:
        if apart.method:
            name = f"{name} {apart.method} {apart.data}"
        if apart.occurrence > 1:
            name = f"{name} {apart.occurrence}"
    return hash(name.encode())


def recorded(parsed: ParsedURL) -> ParsedURL:
    """What a record tells of a URL: its password is hidden."""
    return parsed if parsed.userinfo is None else parsed._replace(userinfo=hidden_userinfo(parsed.userinfo))


def identity_of_record(url: str, apart: Apart | None = None) -> int:
    """Number the target that a record tells of. Raises InvalidURLError."""
    return identity(recorded(parse(url)), apart)


class Occurrences:
    """Counts targets whose records look the same, since passwords are hidden there."""

    def __init__(self) -> None:
        self._numbers = SeenHashes()

    def count(self, parsed: ParsedURL, apart: Apart) -> tuple[int, int]:
        """Count a target: how many so far look as it does in records, itself among them, and its number in records."""
        shown = recorded(parsed)
        first = 0  # the largest occurrence that is known to be taken
        step = 1
        while identity(shown, apart._replace(occurrence=first + step)) in self._numbers:
            first += step
            step *= 2
        while step > 1:
            step //= 2
            if identity(shown, apart._replace(occurrence=first + step)) in self._numbers:
                first += step
        self._numbers.add(number := identity(shown, apart._replace(occurrence=first + 1)))
        return first + 1, number


class Finished:
    """A bag of identities.

    each: count how often a target is finished, for lists whose repeats are targets of their own; a plain set takes
    a sixth of the memory. passed_over: how often ``take`` said yes. failures: how many of them are no successes.
    put_off: hosts that asked to be left alone, and until when in Unix time; it may be over. paths: by identity, the
    files that the records of repeats name.
    """

    def __init__(self, *, each: bool = False) -> None:
        self.passed_over = 0
        self.failures = 0
        self.put_off: dict[HostKey, float] = {}
        self.paths: dict[int, str] = {}
        self._seen = SeenHashes()
        self._left: dict[int, int] = {}
        self.each = each

    def __len__(self) -> int:
        return sum(self._left.values()) if self.each else len(self._seen)

    def __contains__(self, number: int) -> bool:
        return not self.each and number in self._seen

    def __repr__(self) -> str:
        return f"<Finished {len(self)}, {self.passed_over} passed over>"

    def add(self, number: int) -> bool:
        """Hold an identity; False for one that is held already, which a bag that counts never says."""
        if not self.each:
            return self._seen.add(number)
        self._left[number] = self._left.get(number, 0) + 1
        return True

    def take(self, number: int) -> bool:
        """Whether a target that the list has now is finished. Without ``each`` a target is asked about once."""
        if self.each:
            held = (left := self._left.get(number, 0)) > 0
            if held:
                self._left[number] = left - 1
        else:
            held = number in self._seen
        self.passed_over += held
        return held
