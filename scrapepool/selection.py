"""What to extract from pages, as a person writes it: ``title=css:title``.

Decides the grammar of a selection and the keys under a record's ``data``. Does not know what an expression of any kind
means, nor whether it compiles.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .errors import SettingsError, UsageError
from .lazy_pattern import lazy_pattern
from .named_tuple import NamedTuple
from .text import brief

KINDS = ("css", "xpath", "re", "json", "meta", "jsonld")
"""The languages of expressions."""

LINKS = "links"
TEXT = "text"
"""Keys of the values that need no expression."""

_NAME = lazy_pattern(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class Selection(NamedTuple):
    """One value that is extracted from each page.

    name: its key.
    every: whether it is a list of all matches, instead of the first one.
    kind: one of KINDS.
    expression: in the language of its kind.
    """

    name: str
    every: bool
    kind: str
    expression: str


def parsed(text: str) -> Selection:
    """Read ``name=kind:expression``, or ``name[]=…`` for all matches. Raises UsageError."""
    name, equals, rest = text.partition("=")
    kind, colon, expression = rest.partition(":")
    name, kind = name.strip(), kind.strip().lower()
    every = name.endswith("[]")
    key = name.removesuffix("[]")
    if not equals:
        raise UsageError(f"{brief(text)!r} has no name; write 'title=css:title'")
    if not _NAME.fullmatch(key):
        raise UsageError(f"{brief(name)!r} is not a valid name; use letters, digits and _, as in 'title'")
    if not colon or kind not in KINDS:
        kinds = ", ".join(KINDS)
        raise UsageError(f"{brief(text)}: write {key}=KIND:EXPR, with a KIND of {kinds}")
    if not expression.strip():
        raise UsageError(f"{brief(text)}: the expression is empty")
    return Selection(key, every, kind, expression)


def keys(selections: Sequence[Selection], *, links: bool, text: bool) -> tuple[str, ...]:
    """Return the keys under ``data``, in order. Raises UsageError for a name that is taken."""
    names = [selection.name for selection in selections]
    names += [LINKS] * links + [TEXT] * text
    for place, name in enumerate(names):
        if name in names[:place]:
            by_option = f" by --{name}" if (links and name == LINKS) or (text and name == TEXT) else ""
            raise SettingsError(
                "output.select: the name {} is taken{}; give each value a different name", name, by_option
            )
    return tuple(names)
