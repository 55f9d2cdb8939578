"""Numbers many hosts, in some 40 bytes each instead of the 300 that a dict of host keys takes.

Knows nothing of what the numbers are used for. The first hosts are kept in dicts, which are quicker; further ones stand
in buckets of bytes, each as its name and its number, and are found by a search for these. For one thread.
"""

from __future__ import annotations

from array import array

from .host_key import DEFAULT_PORTS, HostKey

MAX_IN_DICTS = 16_384
"""Hosts that are kept in dicts."""

FIRST_BUCKETS = 256
HOSTS_PER_BUCKET = 16
"""When there are more, one bucket is split: buckets are as short as the search in them should be, and growing never
takes long (linear hashing)."""

NUMBER_BYTES = 4
MAX_HOSTS = 1 << 7 * NUMBER_BYTES
"""268 million hosts, which would take 10 GB. A number is written in bytes above 127, which no name has."""

HASH_MASK = (1 << 32) - 1


class HostIndex:
    """A set of hosts, each with a number, which is free again when the host is removed."""

    __slots__ = ("_buckets", "_few", "_few_hosts", "_free", "_hashes", "_mask", "_used")

    def __init__(self) -> None:
        self._few: dict[HostKey, int] = {}
        self._few_hosts: dict[int, HostKey] = {}
        self._buckets: list[bytearray] = []
        self._mask = 2 * FIRST_BUCKETS - 1  # of the hashes whose buckets exist or are the next to be made
        self._hashes: array[int] = array("I")  # by number; what a free number had, and 0 for the first hosts
        self._free: array[int] = array("I")
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def __repr__(self) -> str:
        return f"<HostIndex {self._used} hosts, {len(self._few)} of them in dicts>"

    def find(self, host: HostKey) -> int:
        """Return the number of a host, -1 if it has none."""
        few = self._few.get(host)
        if few is not None:
            return few
        buckets, mask = self._buckets, self._mask
        if not buckets:
            return -1
        # What ``_spelled``, ``_bucket_of`` and ``_number`` do stands here, since lists have millions of lines.
        scheme, name, port = host
        spelled = (f"\n{name}\n" if port == 443 and scheme == "https" else _spelled(host)).encode()
        at = hash(spelled) & mask
        bucket = buckets[at if at < len(buckets) else at & mask >> 1]
        at = bucket.find(spelled)
        if at < 0:
            return -1
        at += len(spelled)
        bits = int.from_bytes(bucket[at : at + NUMBER_BYTES], "little")
        return bits & 0x7F | bits >> 1 & 0x3F80 | bits >> 2 & 0x1FC000 | bits >> 3 & 0xFE00000

    def add(self, host: HostKey) -> int:
        """Give a host that has none a number: the lowest that is free, or one more than any other."""
        if self._free:
            number = self._free.pop()
        else:
            number = len(self._hashes)
            if number >= MAX_HOSTS:
                raise MemoryError
            self._hashes.append(0)
        self._used += 1
        if len(self._few) < MAX_IN_DICTS:
            self._few[host] = number
            self._few_hosts[number] = host
            return number
        if not self._buckets:
            self._buckets = [bytearray() for _ in range(FIRST_BUCKETS)]
        elif self._used > HOSTS_PER_BUCKET * len(self._buckets):
            self._split()
        spelled = _spelled(host).encode()
        hashed = self._hashes[number] = hash(spelled) & HASH_MASK
        self._buckets[self._bucket_of(hashed)] += spelled + _encoded(number)
        return number

    def host(self, number: int) -> HostKey:
        """Return the host with a number that is in use."""
        few = self._few_hosts.get(number)
        if few is not None:
            return few
        bucket = self._buckets[self._bucket_of(self._hashes[number])]
        end = bucket.index(_encoded(number)) - 1
        return _host(bucket[bucket.rindex(b"\n", 0, end) + 1 : end].decode())

    def remove(self, number: int) -> HostKey:
        """Forget the host with a number that is in use, and return it."""
        host = self._few_hosts.pop(number, None)
        if host is not None:
            del self._few[host]
        else:
            host = self.host(number)
            bucket = self._buckets[self._bucket_of(self._hashes[number])]
            end = bucket.index(_encoded(number))
            del bucket[bucket.rindex(b"\n", 0, end - 1) : end + NUMBER_BYTES]
        self._free.append(number)
        self._used -= 1
        return host

    def _bucket_of(self, hashed: int) -> int:
        at = hashed & self._mask
        return at if at < len(self._buckets) else at & self._mask >> 1

    def _split(self) -> None:
        """Add a bucket, and move there those of the hosts of an older one that belong into it."""
        new = len(self._buckets)
        old = new & self._mask >> 1
        stay, go = bytearray(), bytearray()
        words = self._buckets[old].split(b"\n")
        for name, encoded in zip(words[1::2], words[2::2], strict=True):
            part = go if self._hashes[_number(encoded)] & self._mask == new else stay
            part += b"\n" + name + b"\n" + encoded
        self._buckets[old] = stay
        self._buckets.append(go)
        if new == self._mask:
            self._mask = 2 * self._mask + 1


def _spelled(host: HostKey) -> str:
    """Spell a host so that it is found only as a whole."""
    scheme, name, port = host
    if port == DEFAULT_PORTS.get(scheme):
        return f"\n{name}\n" if scheme == "https" else f"\n{name}/\n"
    return f"\n{name} {scheme} {port}\n"


def _host(text: str) -> HostKey:
    name, *rest = text.split(" ")
    if rest:
        return HostKey(rest[0], name, int(rest[1]))
    scheme = "http" if name.endswith("/") else "https"
    return HostKey(scheme, name.removesuffix("/"), DEFAULT_PORTS[scheme])


def _encoded(number: int) -> bytes:
    """Write a number in bytes of seven bits, the highest of each set."""
    bits = number & 0x7F | (number & 0x3F80) << 1 | (number & 0x1FC000) << 2 | (number & 0xFE00000) << 3
    return (bits | 0x80808080).to_bytes(NUMBER_BYTES, "little")


def _number(encoded: bytes | bytearray) -> int:
    bits = int.from_bytes(encoded, "little")
    return bits & 0x7F | bits >> 1 & 0x3F80 | bits >> 2 & 0x1FC000 | bits >> 3 & 0xFE00000
