"""The rules of one group of a robots.txt, as protego reads its lines.

Decides nothing. protego answers for an agent, by names that ours may begin with, and has no public way to a group or
to its rules: this file alone uses private names of protego. ``pyproject.toml`` bounds the version, and
``tests/test_dependencies.py`` says what is to be done with a new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Group(NamedTuple):
    """rules: patterns, percent-encoded, each with whether it allows; the longest first. crawl_delay: seconds."""

    rules: list[tuple[str, bool]]
    crawl_delay: float | None


def group_of(text: str, names: Sequence[str]) -> Group | None:
    """The group of the first of these names that has one; None where none has. Names are lower-case letters, or *."""
    from protego import Protego  # noqa: PLC0415 - only where there is a robots.txt

    groups = Protego.parse(text)._user_agents
    found = next((groups[name] for name in names if name in groups), None)
    if found is None:
        return None
    return Group([(rule.value._pattern, rule.field == "allow") for rule in found._rules], found.crawl_delay)
