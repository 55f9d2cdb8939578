"""Divides hosts into shares, so that several processes or machines can each fetch the URLs of one share.

Decides which share a host is in. The answer depends on nothing but the name and the number of shares, so it is the same
in every process, on every machine and in every version. Knows neither lists nor settings.
"""

from __future__ import annotations

from hashlib import blake2b

from .errors import UsageError, require
from .frozen import frozen
from .text import brief

MAX_SHARES = 1_000_000
"""More shares than this are more likely a mistake than so many processes."""

HASH_BYTES = 8
"""Bytes of the hash: with a million shares, the largest is then not larger than the smallest by more than chance."""

NO_HOST_SHARE = 0
"""The share of lines that name no host, which are rejected: exactly one of the shares reports them."""


def share_of(host_name: str, count: int) -> int:
    """Return which of ``count`` shares a host is in: a number from 0 to ``count - 1``.

    host_name: as ``HostKey.host`` has it: in lower case, without a port. A leading ``www.`` is ignored, and so are
    scheme and port, so that most redirects lead to a host of the same share. The empty name is in ``NO_HOST_SHARE``.
    """
    if not host_name:
        return NO_HOST_SHARE
    digest = blake2b(host_name.removeprefix("www.").encode(), digest_size=HASH_BYTES).digest()
    return int.from_bytes(digest, "big") % count


@frozen
class HostShare:
    """One of several shares of the hosts.

    number: which one; the first is 1.
    count: how many there are.
    packed: whether a run on a cluster has divided the hosts by their expected durations, and not by their names alone;
        the lists of a share hold its hosts only then.
    """

    number: int
    count: int
    packed: bool = False

    def __post_init__(self) -> None:
        require(1 <= self.count <= MAX_SHARES, f"there can be 1 to {MAX_SHARES:,} shards, and not {{:,}}", self.count)
        require(
            1 <= self.number <= self.count,
            "there is no shard {} of {}; the first is 1/{} and the last {}/{}",
            self.number,
            *[self.count] * 4,
        )

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    @classmethod
    def parse(cls, text: str) -> HostShare:
        """Parse ``I/N``. Raises UsageError."""
        number, slash, count = text.strip().partition("/")
        if not slash or not all(part.isascii() and part.isdigit() and len(part) < 20 for part in (number, count)):
            raise UsageError(
                f"{brief(text)} is not a shard; write which one of how many, such as 1/8 for the first of 8"
            )
        return cls(int(number), int(count))

    def holds(self, host_name: str) -> bool:
        """Whether a host is in this share. The empty name stands for lines that name no host."""
        return self.packed or share_of(host_name, self.count) == self.number - 1

    def divided(self, number: int, count: int) -> HostShare:
        """Return one of ``count`` equal parts of this share. number: which one; the first is 1.

        The parts of a share hold the same hosts as the share: the hosts of 2/4 are those of 2/12, 6/12 and 10/12.
        """
        return HostShare(self.number + self.count * (number - 1), self.count * count)
