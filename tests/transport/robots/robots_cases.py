"""Cases that others wrote for robots.txt: Google's robotstxt-spec-test, out of its archive, as values.

Knows the text format of protocol buffers as far as those files use it.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

ARCHIVE = Path(__file__).resolve().parents[3] / "../shared/cases/robotstxt-spec-test.tgz"

_TOKEN = re.compile(r'#[^\n]*|"((?:[^"\\]|\\.)*)"|(\w+)|([{}])')
_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|(.))")
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}


@dataclass(frozen=True, slots=True)
class Expectation:
    """One line of the suite: an agent that asks for a URL of a host with that robots.txt."""

    file: str
    robots_txt: bytes
    url: str
    agent: str
    allowed: bool
    standard: bool

    @property
    def path(self) -> str:
        """Path and query as they are sent."""
        parts = urlsplit(self.url)
        return quote(parts.path or "/", safe="/%*$!&'()+,:;=@~") + (f"?{parts.query}" if parts.query else "")


def load() -> list[Expectation]:
    """All expectations, file by file."""
    with tarfile.open(ARCHIVE) as archive:
        members = sorted((m for m in archive if m.name.endswith(".textproto")), key=lambda member: member.name)
        return [
            expectation
            for member in members
            if (opened := archive.extractfile(member)) is not None
            for expectation in _expectations(Path(member.name).stem, opened.read().decode())
        ]


def _expectations(file: str, text: str) -> Iterator[Expectation]:
    robots_txt, name, fields = b"", "", dict[str, bytes]()
    for quoted, word, brace in _TOKEN.findall(text):
        if word and word.isupper():
            fields[name] = word.encode()
        elif word:
            name = word
        elif brace == "{":
            robots_txt = fields.pop("robotstxt", robots_txt)
            fields = {}
        elif brace == "}" and "testurl" in fields:
            yield Expectation(
                file,
                robots_txt,
                fields["testurl"].decode(),
                fields["useragent"].decode(),
                fields["expected_outcome"] == b"ALLOWED",
                "test_type" not in fields,
            )
            fields = {}
        elif not brace:
            fields[name] = fields.get(name, b"") + _ESCAPE.sub(_unescaped, quoted.encode())


def _unescaped(escape: re.Match[bytes]) -> bytes:
    code, octal, letter = escape.groups()
    if code or octal:
        return bytes([int(code, 16) if code else int(octal, 8)])
    return _LETTERS.get(letter, letter)
