"""From the first bytes of a row, ``https://example.org/``, to the host, without parsing the whole row.

Decides which rows are URLs that can be used unchanged. The host of a plain row is read off its bytes; any other
spelling is parsed as a URL, once, and cached. Knows nothing about lists.
"""

from __future__ import annotations

import re

from ..host_share import HostShare
from ..model import DEFAULT_PORTS, HostKey
from ..url import MAX_HOST, MAX_PORT

VERBATIM = bytes(byte for byte in range(0x21, 0x7F) if chr(byte) not in '"#<>\\^`{|}')
"""Bytes that ``url.parse`` leaves unchanged in a path."""

MAX_CACHED_HOSTS = 16_384
"""Spellings that are cached, of some 300 bytes each."""

RENEWED_AFTER = 8 * MAX_CACHED_HOSTS
"""Plain hosts that are not found in a full cache until it is emptied. To read one off costs less than to cache it, so
that a list with far more hosts than are cached should not replace them all the time."""

_NAME = rb"(?>(?:[a-z0-9_-]{1,63}+\.)*)[a-z][a-z0-9_-]{0,62}+"
_PLAIN = re.compile(rb"https?://%b/" % _NAME).fullmatch
"""Matches a URL up to its path whose host is spelled as ``url.parse`` would spell it, unless it has a Punycode label.
The last label begins with a letter, so the host is no IPv4 address."""

_BYTE = rb"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_ADDRESS_OR_PORT = re.compile(
    rb"(https?)://(%b|(?:%b\.){3}%b)(?::([1-9][0-9]{0,4}))?/" % (_NAME, _BYTE, _BYTE)
).fullmatch
"""Matches the same with an IPv4 address for the name, or with a port."""

_new_host = tuple.__new__  # as HostKey(...), at half of the time: a list may have as many hosts as lines


def plain_host(spelled: bytes) -> HostKey | None:
    """Return the host of a row up to the slash behind it, if it is plain; None if it has to be parsed."""
    if len(spelled) > MAX_HOST:
        return None
    if _PLAIN(spelled) is None:
        return _address_or_port(spelled)
    text = spelled.decode()
    if "xn--" in text:
        return None
    return _new_host(HostKey, ("https", text[8:-1], 443) if text[4] == "s" else ("http", text[7:-1], 80))


def _address_or_port(spelled: bytes) -> HostKey | None:
    found = _ADDRESS_OR_PORT(spelled)
    if found is None or b"xn--" in spelled:
        return None
    scheme, name, port = found.groups()
    known = scheme.decode()
    usual = DEFAULT_PORTS[known]
    number = usual if port is None else int(port)
    if port is not None and (number == usual or number > MAX_PORT):
        return None
    return _new_host(HostKey, (known, name.decode(), number))


class HostCache:
    """Shared by the thread that reads the lists and the one that finds rows again: each step is one of a dict's own.

    shard: the share of the hosts that is looked for, None for all hosts.
    by_prefix: the key is a row up to the slash behind its host. The value is the host, and the usual spelling of the
    key, None if the key is the usual spelling.
    others: the keys of hosts that are in the share of another process (``InputSettings.shard``).
    """

    def __init__(self, shard: HostShare | None = None) -> None:
        self._shard = shard
        self._misses = 0  # while the cache was full
        self.by_prefix: dict[bytes, tuple[HostKey, bytes | None]] = {}
        self.others: set[bytes] = set()

    def __repr__(self) -> str:
        return f"<HostCache {len(self.by_prefix)}>"

    def read(self, spelled: bytes) -> tuple[HostKey, bytes | None] | None:
        """Read the host off a row up to the slash behind it. Return its ``by_prefix`` value, if any."""
        host = plain_host(spelled)
        if host is None:
            return None
        if self._shard is not None and (spelled in self.others or not self._shard.holds(host.host)):
            self._add_other(spelled)
            return None
        if len(self.by_prefix) >= MAX_CACHED_HOSTS:
            self._misses += 1
            if self._misses < RENEWED_AFTER:
                return host, None
            self._misses = 0
            self.by_prefix.clear()
        known = self.by_prefix[spelled] = host, None
        return known

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
            self._add_other(spelled)
            return
        if len(self.by_prefix) >= MAX_CACHED_HOSTS:
            self.by_prefix.clear()
        usual = f"{host.origin}/".encode()
        self.by_prefix[spelled] = host, None if spelled == usual else usual

    def _add_other(self, spelled: bytes) -> None:
        if len(self.others) >= MAX_CACHED_HOSTS:
            self.others.clear()
        self.others.add(spelled)
