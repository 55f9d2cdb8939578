"""Keys out of the bytes that a terminal sends.

Decides which bytes are which key. Sans I/O: bytes may come in any pieces, and time is the caller's.
"""

from __future__ import annotations

import codecs
import re
from enum import StrEnum

from ...lazy_pattern import lazy_pattern

LONGEST = 32
"""Characters of the longest sequence; what is longer is no key and is dropped."""


class Key(StrEnum):
    """A key that is not a character."""

    UP = "up"
    DOWN = "down"
    PAGE_UP = "page up"
    PAGE_DOWN = "page down"
    HOME = "home"
    END = "end"
    ENTER = "enter"
    ESCAPE = "escape"
    BACKSPACE = "backspace"
    CLEAR = "clear"


# ECMA-48 control sequences, the single shifts of application mode, and a character with Alt.
_SEQUENCE = lazy_pattern(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[ -~]|[^\[O\x1b])", re.DOTALL)

_SEQUENCES = {
    "[A": Key.UP, "OA": Key.UP, "[B": Key.DOWN, "OB": Key.DOWN,
    "[5~": Key.PAGE_UP, "[6~": Key.PAGE_DOWN,
    "[H": Key.HOME, "OH": Key.HOME, "[1~": Key.HOME, "[7~": Key.HOME,
    "[F": Key.END, "OF": Key.END, "[4~": Key.END, "[8~": Key.END,
    "OM": Key.ENTER,
}  # fmt: skip

_CONTROLS = {
    "\r": Key.ENTER,
    "\n": Key.ENTER,
    "\x7f": Key.BACKSPACE,
    "\b": Key.BACKSPACE,
    "\x15": Key.CLEAR,
    "\x02": Key.PAGE_UP,
    "\x06": Key.PAGE_DOWN,
}


class KeyDecoder:
    """Turns bytes into keys: a ``Key``, or a character as itself. Unknown sequences are dropped whole."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    @property
    def pending(self) -> bool:
        """Whether what came last may be the begin of a sequence, or the Escape key: ``flush`` decides that."""
        return bool(self._rest)

    def feed(self, data: bytes) -> list[str]:
        """Return the keys that are complete with these bytes."""
        text, self._rest = self._rest + self._decoder.decode(data), ""
        keys: list[str] = []
        at = 0
        while at < len(text):
            char = text[at]
            if char == "\x1b":
                found = _SEQUENCE.match(text, at)
                if found is not None:
                    if (key := _SEQUENCES.get(found[0][1:])) is not None:
                        keys.append(key)
                    at = found.end()
                elif text.startswith("\x1b\x1b", at):
                    keys.append(Key.ESCAPE)
                    at += 1
                else:
                    self._rest = text[at:] if len(text) - at <= LONGEST else ""
                    break
                continue
            at += 1
            if char in _CONTROLS:
                keys.append(_CONTROLS[char])
            elif char.isprintable():
                keys.append(char)
        return keys

    def flush(self) -> list[str]:
        """Return the Escape key if that is what waits. Called when nothing has followed for a moment."""
        rest, self._rest = self._rest, ""
        return [Key.ESCAPE] if rest == "\x1b" else []
