"""Which host is next, among those that may be requested now.

Decides the order between hosts and nothing else: no time, no limits, no tickets. Lanes, from the first to the last:

* hosts with a redirect's hop, or an attempt that was handed back: what was begun holds memory, and is finished first;
* *critical* hosts, longest first: those whose own work takes a good part of all that the workers have left, and those
  that may turn out to be as long, as long as little was asked of them.
  Starting the longest first is what keeps the end of a run short (Graham's LPT rule), and only they decide it;
* among all others the order does not matter for the end, so a *warm* host, one with an idle connection, goes before a
  cold one, and a *busy* one, whose connections are all in use, comes last: a host once begun is mostly run to
  completion, over few connections. Hosts that have answered nothing yet get a second request at a time last of all,
  and the first one may be kept back by who asks: they may be dead;
* hosts of which only retries are left: no retry goes before another host's first request.

Where requests run in several worker processes, a host whose process has less to do than the others goes before the rest
of its lane.

Lengths are kept as octaves, floor(log2(length)), in an ordered bucket each, with one bit a bucket that is not empty: no
call looks at all hosts. Hosts of one octave take turns. On an endless list a short host can wait as long as longer
ones keep coming; a finite list starves nobody.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from ...model import HostKey
from .host_queue import HostQueue

CANDIDATES = 8
"""Hosts of one bucket that are looked at for one that is preferred."""

OCTAVES = 32
"""Buckets per lane: they distinguish lengths up to 2^29 targets."""

LAST = 0
UNPROVEN, BUSY, NEW, COLD, WARM, DUE = (1 + lane * OCTAVES for lane in range(6))
_LANE = (1 << OCTAVES) - 1


def octave(length: float) -> int:
    """The bucket of a length, given in targets of a typical host; quarters of a target are distinguished."""
    bits = int(length * 4).bit_length()
    return bits if bits < OCTAVES else OCTAVES - 1


class Ready:
    """Begun hosts that may be asked now, each in exactly one bucket: by lane and octave, among the due, or the last.

    retriable: those of them that have a retry which may go, in the order in which they came.
    prefers: whether a host goes before others of its lane, now; None if all are alike.
    """

    def __init__(self, prefers: Callable[[HostKey], bool] | None = None) -> None:
        self._prefers = prefers
        self._buckets: list[OrderedDict[HostQueue, None]] = [OrderedDict() for _ in range(DUE + 1)]
        self._mask = 0
        self.retriable: OrderedDict[HostQueue, None] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._buckets))

    def __bool__(self) -> bool:
        return self._mask != 0

    @property
    def any_due(self) -> bool:
        """Whether a host has an attempt that may go."""
        return self._mask >> DUE != 0 or bool(self.retriable)

    def put(self, host: HostQueue, bucket: int) -> None:
        """Move a host to the end of a bucket, unless it is in that one already."""
        if host.attempts.retries:
            self.retriable[host] = None
        if host.bucket == bucket:
            return
        self._take_out(host)
        self._buckets[bucket][host] = None
        self._mask |= 1 << bucket
        host.bucket = bucket

    def remove(self, host: HostQueue) -> None:
        """Take a host out, where it is in."""
        if self.retriable:
            self.retriable.pop(host, None)
        self._take_out(host)

    def _take_out(self, host: HostQueue) -> None:
        bucket = host.bucket
        if bucket >= 0:
            hosts = self._buckets[bucket]
            del hosts[host]
            if not hosts:
                self._mask ^= 1 << bucket
            host.bucket = -1

    def first(self, bucket: int) -> HostQueue:
        """The host that has been longest in a bucket, which must not be empty; or a preferred one of its lane.

        That may be a shorter one, except where it would open a further connection: all processes busy end a run sooner
        than the order does.
        """
        host = next(iter(self._buckets[bucket]))
        if self._prefers is None or self._prefers(host.key):
            return host
        return self._preferred(self._prefers, bucket) or host

    def _preferred(self, prefers: Callable[[HostKey], bool], bucket: int) -> HostQueue | None:
        lowest = bucket if bucket < NEW or bucket == DUE else bucket - (bucket - 1) % OCTAVES
        buckets = self._mask & ((2 << bucket) - 1)
        while (at := buckets.bit_length() - 1) >= lowest:
            buckets ^= 1 << at
            hosts = self._buckets[at]
            for _ in range(min(CANDIDATES, len(hosts))):
                host = next(iter(hosts))
                if prefers(host.key):
                    return host
                hosts.move_to_end(host)
        return None

    def pop_due(self) -> HostQueue | None:
        """A host with an attempt that may go, whatever fresh targets there are; None where there is none."""
        hosts = self._buckets[DUE] or self.retriable
        if not hosts:
            return None
        host = next(iter(hosts))
        self.remove(host)
        return host

    def best(self, critical: int, unbegun: int, *, new: bool = True, due: bool = True) -> int | None:
        """The bucket to take from; None where there is none or a host of octave ``unbegun`` is to be begun instead.

        critical: the octave from which a host counts as critical. unbegun: the longest host's that is not begun, or -1.
        new: False to pass over hosts that have answered nothing yet, as long as there are others. due: False to pass
        over what is due, likewise.
        """
        mask = self._mask
        if mask >> DUE and due:
            return DUE
        warm = (mask >> WARM & _LANE).bit_length() - 1
        cold = (mask >> COLD & _LANE).bit_length() - 1
        first = (mask >> NEW & _LANE).bit_length() - 1
        busy = (mask >> BUSY & _LANE).bit_length() - 1
        if not new and max(warm, cold, busy) >= 0:
            first = unbegun = -1
        longest = max(cold, first, unbegun)
        if busy >= critical and busy > longest and busy > warm:
            return BUSY + busy
        if warm >= 0 and (longest <= warm or longest < critical):
            return WARM + warm
        if longest >= 0:
            return COLD + cold if longest == cold else NEW + first if first >= unbegun else None
        unanswered = (mask >> UNPROVEN & _LANE).bit_length() - 1
        if max(busy, unanswered) >= 0:
            return BUSY + busy if busy >= 0 else UNPROVEN + unanswered
        return DUE if mask >> DUE else LAST if mask & 1 else None
