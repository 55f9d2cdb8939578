"""What text from outside may look like before a person, a terminal or a one-line field sees it.

Decides which characters are shown escaped, and how much of a text is shown where it is only quoted. Knows nothing of
records, terminals or markup.
"""

from __future__ import annotations

import re

_UNSAFE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1: a terminal may obey them
    "\u2028\u2029"  # line and paragraph separators: a line must stay one line
    "\u202a-\u202e\u2066-\u2069"  # bidi embeddings, overrides and isolates: text must read as it is (CVE-2021-42574)
    "\ud800-\udfff"  # lone surrogates: no encoding can write them
    "]"
)


BRIEF = 60
"""Characters of a text that a message quotes."""


def printable(text: str) -> str:
    r"""Escape, visibly, every character that could act on a terminal, end a line or reorder it: ``\x1b``, ``\u202e``.

    Idempotent, and clean text is returned as it is. Rich markup is left alone: text is never parsed as markup.
    """
    # str.isprintable() rejects a few harmless characters more (no-break space, soft hyphen): these take the slow way.
    return text if text.isprintable() else _UNSAFE.sub(_escape, text)


def brief(text: str, limit: int = BRIEF) -> str:
    """Quote the beginning of a text: ``printable``, at most ``limit`` characters, with an ellipsis where it is cut."""
    shown = printable(text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _escape(match: re.Match[str]) -> str:
    return ascii(match.group())[1:-1]
