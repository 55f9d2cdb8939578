"""A cache from the first bytes of a row, ``https://example.org/``, to the parsed host.

Decides which rows are URLs that can be used unchanged, so that only the host's spelling has to be parsed, once. Knows
nothing about lists.
"""

from __future__ import annotations

from ..model import HostKey

VERBATIM = bytes(byte for byte in range(0x21, 0x7F) if chr(byte) not in '"#<>\\^`{|}')
"""Bytes that ``url.parse`` leaves unchanged in a path."""

MAX_CACHED_HOSTS = 65_536
"""Spellings that are cached; the cache is emptied when it is full."""


class HostCache:
    """For one thread.

    by_prefix: the key is a row up to the slash behind its host. The value is the host, and the usual spelling of the
    key, None if the key is the usual spelling.
    others: the keys of hosts that are in the share of another process (``InputSettings.shard``).
    """

    def __init__(self) -> None:
        self.by_prefix: dict[bytes, tuple[HostKey, bytes | None]] = {}
        self.others: set[bytes] = set()

    def __repr__(self) -> str:
        return f"<HostCache {len(self.by_prefix)}>"

    def is_of_other(self, row: bytes) -> bool:
        """Whether a row is a verbatim URL of a host that is known to be in the share of another process."""
        return bool(self.others) and row[: row.find(b"/", 8) + 1] in self.others and not row.translate(None, VERBATIM)

    def learn(self, row: bytes, host: HostKey, *, other: bool = False) -> None:
        """Cache the host of a row that is a URL without credentials. other: it is in another share."""
        spelled = row[: row.find(b"/", 8) + 1]
        if (
            not spelled[:8].lower().startswith((b"http://", b"https://"))
            or b"?" in spelled
            or spelled.translate(None, VERBATIM)
        ):
            return
        if other:
            if len(self.others) >= MAX_CACHED_HOSTS:
                self.others.clear()
            self.others.add(spelled)
            return
        if len(self.by_prefix) >= MAX_CACHED_HOSTS:
            self.by_prefix.clear()
        usual = f"{host.origin}/".encode()
        self.by_prefix[spelled] = host, None if spelled == usual else usual
