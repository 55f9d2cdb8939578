"""What a response must be to count as a success, as a person writes it: ``type:image/*``, ``!url:*/login*``.

Decides the grammar of ``--expect``, and whether a response is as expected by its media type, its URL and its status.
What it takes to look into the body is handed in. Knows no sockets.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .errors import UsageError
from .failure_classes import statuses
from .model import Fetched
from .named_tuple import NamedTuple
from .text import brief

KINDS = ("type", "url", "status", "css", "text")

Holds = Callable[[Fetched], bool]


class Expectation(NamedTuple):
    """One expectation. kind: one of KINDS. value: what stands behind the colon. denied: whether it must not hold."""

    kind: str
    value: str
    denied: bool

    @property
    def text(self) -> str:
        """As it was written."""
        return f"{'!' * self.denied}{self.kind}:{self.value}"

    @property
    def needs_body(self) -> bool:
        """Whether it is about the body."""
        return self.kind in ("css", "text")


def parsed(text: str) -> Expectation:
    """Read ``kind:value``, or ``!kind:value`` for what must not be. Raises UsageError."""
    denied = text.startswith("!")
    kind, colon, value = text.removeprefix("!").partition(":")
    kind = kind.strip().lower()
    if not colon or kind not in KINDS:
        raise UsageError(f"{brief(text)!r}: write KIND:VALUE, with a KIND of {', '.join(KINDS)}, as in type:image/*")
    if not value.strip():
        raise UsageError(f"{brief(text)}: there is nothing behind the colon")
    made = Expectation(kind, value.strip(), denied)
    if not made.needs_body or kind == "text":
        holds(made)  # that can be meant
    return made


def holds(expectation: Expectation) -> Holds:
    """Return the test of a response for any kind but ``css``. Raises UsageError."""
    value = expectation.value
    match expectation.kind:
        case "type":
            types = [_glob(one.strip()) for one in value.split(",")]
            return lambda response: any(one.fullmatch(_media_type(response)) for one in types)
        case "url":
            url = _glob(value)
            return lambda response: url.fullmatch(response.final_url or response.target.url) is not None
        case "status":
            named = statuses(value.split(","))
            return lambda response: named.hold(None, response.status)
        case _:
            pattern = _regular_expression(value)
            return lambda response: pattern.search(response.text or "") is not None


def got(expectation: Expectation, response: Fetched) -> str:
    """Say in a few words what came instead."""
    match expectation.kind:
        case "type":
            return f"it is {brief(response.content_type or 'of no type', 60)}"
        case "url":
            return f"it ended at {brief(response.final_url or response.target.url, 200)}"
        case "status":
            return f"the status is {response.status}"
        case _:
            return "the body has it" if expectation.denied else "the body lacks it"


def _glob(text: str) -> re.Pattern[str]:
    """Compile a pattern in which ``*`` stands for any text, also for slashes; case counts for none of the rest."""
    return re.compile(".*".join(map(re.escape, text.split("*"))), re.IGNORECASE | re.DOTALL)


def _media_type(response: Fetched) -> str:
    return (response.content_type or "").partition(";")[0].strip()


def _regular_expression(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError(f"not a regular expression: {brief(text)}: {error}") from None
