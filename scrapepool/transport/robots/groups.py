"""The rules of one group of a robots.txt, as protego parses them.

Decides nothing. protego matches an agent with every group whose name the agent begins with, and has no public access to
a group or its rules. So this file uses private names of protego, and no other file does. ``pyproject.toml`` limits the
version, and ``tests/test_dependencies.py`` says how to check a new one.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...named_tuple import NamedTuple


class Group(NamedTuple):
    """A group. rules: percent-encoded patterns, each with True for Allow, the longest first. crawl_delay: seconds."""

    rules: list[tuple[str, bool]]
    crawl_delay: float | None


def group_of(text: str, names: Sequence[str]) -> Group | None:
    """Return the group of the first name that has one; None if none has. A name is ``*``, or in lower-case letters."""
    from protego import Protego  # noqa: PLC0415 - needed only if there is a robots.txt

    groups = Protego.parse(text)._user_agents
    found = next((groups[name] for name in names if name in groups), None)
    if found is None:
        return None
    return Group([(rule.value._pattern, rule.field == "allow") for rule in found._rules], found.crawl_delay)
