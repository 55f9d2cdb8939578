"""Numbers many hosts, in some 40 bytes each instead of the 300 that a dict of host keys takes.

Knows nothing of what the numbers are used for. The first hosts are kept in dicts, which are quicker. Of further ones, a
hash and the number stand in a bucket of bytes, in which the hash is searched for. Names are kept elsewhere, and not
compared: two of n hosts are taken for the same with a probability of about n²/2^64, 1 in 5 million for two million
hosts. The engine would report the URLs of the second one as changed. For one thread.
"""

from __future__ import annotations

from array import array
from struct import Struct

from .host_key import DEFAULT_PORTS, HostKey

MAX_IN_DICTS = 16_384
"""Hosts that are kept in dicts."""

BUCKETS = 1 << 15
BUCKET_MASK = BUCKETS - 1
"""The lower bits of a hash say in which bucket a host is. With two million hosts, a bucket has 600 bytes. More buckets
would be smaller, and settle in the memory that those of ``read.seen.hash_tables`` leave when they grow: a quarter more
memory was taken by all of them."""

HASH_BYTES = 6
"""Bytes of a hash in its bucket: those that the bucket does not say, and one bit more."""

ENTRY_BYTES = HASH_BYTES + 4

NAMES_AT_ONCE = 32
"""Hosts whose names stand in one array: few enough to split it for one of them."""

_hash_bytes = Struct("<q").pack
_number_bytes = Struct("<I").pack
_number_at = Struct("<I").unpack_from


class HostIndex:
    """A set of hosts, each with a number, which is free again when the host is removed."""

    __slots__ = ("_buckets", "_few", "_few_hosts", "_free", "_names", "_numbers", "_used")

    def __init__(self) -> None:
        self._few: dict[HostKey, int] = {}
        self._few_hosts: dict[int, HostKey] = {}
        self._buckets: list[bytes] = []
        self._names: list[bytes] = []  # a line per number; it is empty for a free number and a host in a dict
        self._free: array[int] = array("I")
        self._numbers = 0  # those that are free, too
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def __repr__(self) -> str:
        return f"<HostIndex {self._used} hosts, {len(self._few)} of them in dicts>"

    def find(self, host: HostKey, *, add: bool = False) -> int:
        """Return the number of a host, -1 if it has none.

        add: give it one instead, which is free or one more than any other.
        """
        hashed, buckets = hash(host), self._buckets
        if buckets:
            bucket, entry = buckets[hashed & BUCKET_MASK], _hash_bytes(hashed)[-HASH_BYTES:]
            at = bucket.find(entry)
            while at > 0 and at % ENTRY_BYTES:  # these bytes also stand across two entries
                at = bucket.find(entry, at + 1)
            if at >= 0:
                number: int = _number_at(bucket, at + HASH_BYTES)[0]
                return number
        few = self._few.get(host, -1)
        if few >= 0 or not add:
            return few
        if len(self._few) < MAX_IN_DICTS:
            return self._add_to_dicts(host)
        if not buckets:
            buckets = self._buckets = [b""] * BUCKETS
        number = self._new_number(_spelled(host))
        buckets[hashed & BUCKET_MASK] += _hash_bytes(hashed)[-HASH_BYTES:] + _number_bytes(number)
        return number

    def host(self, number: int) -> HostKey:
        """Return the host with a number that is in use."""
        few = self._few_hosts.get(number)
        if few is not None:
            return few
        return _host(self._names[number // NAMES_AT_ONCE].split(b"\n")[number % NAMES_AT_ONCE].decode())

    def remove(self, number: int) -> HostKey:
        """Forget the host with a number that is in use, and return it."""
        host = self.host(number)
        if self._few_hosts.pop(number, None) is not None:
            del self._few[host]
        else:
            hashed = hash(host)
            bucket, entry = self._buckets[hashed & BUCKET_MASK], _hash_bytes(hashed)[-HASH_BYTES:]
            entry += _number_bytes(number)
            at = bucket.index(entry)
            while at % ENTRY_BYTES:
                at = bucket.index(entry, at + 1)
            self._buckets[hashed & BUCKET_MASK] = bucket[:at] + bucket[at + ENTRY_BYTES :]
            self._rename(number, b"")
        self._free.append(number)
        self._used -= 1
        return host

    def _add_to_dicts(self, host: HostKey) -> int:
        number = self._new_number(b"")
        self._few[host] = number
        self._few_hosts[number] = host
        return number

    def _new_number(self, name: bytes) -> int:
        """Return a number that is not in use, and keep the name of its host."""
        self._used += 1
        if self._free:
            number = self._free.pop()
            if name:
                self._rename(number, name)
            return number
        number = self._numbers
        self._numbers += 1
        if not number % NAMES_AT_ONCE:
            self._names.append(b"")
        self._names[-1] += b"%b\n" % name
        return number

    def _rename(self, number: int, name: bytes) -> None:
        at = number // NAMES_AT_ONCE
        names = self._names[at].split(b"\n")
        names[number % NAMES_AT_ONCE] = name
        self._names[at] = b"\n".join(names)


def _spelled(host: HostKey) -> bytes:
    scheme, name, port = host
    if port == DEFAULT_PORTS.get(scheme):
        return name.encode() if scheme == "https" else f"{name}/".encode()
    return f"{name} {scheme} {port}".encode()


def _host(text: str) -> HostKey:
    name, *rest = text.split(" ")
    if rest:
        return HostKey(rest[0], name, int(rest[1]))
    scheme = "http" if name.endswith("/") else "https"
    return HostKey(scheme, name.removesuffix("/"), DEFAULT_PORTS[scheme])
