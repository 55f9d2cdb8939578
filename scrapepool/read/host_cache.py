"""Hosts by the ways in which lists spell them.

Decides which rows say nothing but a URL that can be taken as it stands, so that its host need not be parsed again: the
one thing that is remembered of rows. Knows no lists.
"""

from __future__ import annotations

from ..model import HostKey

CLEAN = bytes(
    byte for byte in range(0x21, 0x7F) if chr(byte) not in '"#<>\\^`{|}'
)  # what url.parse leaves as it stands in a path

SPELLINGS_KEPT = 65_536
"""Ways of writing a host that are remembered; then it starts over."""


class Spellings:
    """Used by one thread.

    known: by scheme, host and the slash that ends them, as a row has them: the host, and how they are spelled usually,
    None where that is how.
    """

    def __init__(self) -> None:
        self.known: dict[bytes, tuple[HostKey, bytes | None]] = {}

    def __repr__(self) -> str:
        return f"<Spellings {len(self.known)}>"

    def learn(self, row: bytes, host: HostKey) -> None:
        """Remember how a row spells its host, where the row is a URL without credentials."""
        spelled = row[: row.find(b"/", 8) + 1]
        if (
            not spelled[:8].lower().startswith((b"http://", b"https://"))
            or b"?" in spelled
            or spelled.translate(None, CLEAN)
        ):
            return
        if len(self.known) >= SPELLINGS_KEPT:
            self.known.clear()
        usual = f"{host.origin}/".encode()
        self.known[spelled] = host, None if spelled == usual else usual
