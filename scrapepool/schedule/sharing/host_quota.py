"""How runs that request from the same hosts at the same time share what each host allows.

Decides how many slots of one host a run may hold, from what all of them hold and want: no more than the host's limit
together, everything where nobody else wants it, and otherwise as much as everybody. What cannot be divided, the only
slot of a host or the starts of one that wants a delay between them, goes round. Every run decides for itself, one after
another, over the same requests: nobody takes what another holds, so it does not matter how late a run learns that it
should hold less. Does not know where the requests are kept; time is an argument, in seconds of a clock that all share.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from ...model import HostKey

MIN_TURN = 10.0
"""Seconds for which a run keeps what goes round. Handing over costs two exchanges and what is in flight, about half a
second, in which the host is not asked: a twentieth."""

STARTS_PER_TURN = 2
"""Delays in a slice at least, so that a run that is given a host with a long delay has a start in it."""


class QuotaRequest(NamedTuple):
    """What one run has and wants of one host.

    most: requests in flight that it allows the host, all runs together. wants: those that it has work for.
    held: those that nobody else may use, as it may still begin that many, or has them in flight.
    delay: seconds between two starts, 0.0 for none. free_at, parked_until: no start earlier, by its own last start,
    and by what the host said.
    """

    most: int
    wants: int
    held: int
    delay: float = 0.0
    free_at: float = -inf
    parked_until: float = -inf


class QuotaAllocation(NamedTuple):
    """What a run may do at a host from now on.

    slots: requests in flight. free_at, parked_until: no start earlier, by what the other runs started and were told.
    """

    slots: int
    free_at: float = -inf
    parked_until: float = -inf


NO_ALLOCATION = QuotaAllocation(0)


class Allocations(NamedTuple):
    """What a run may do beside the others.

    alone: whether there are no others, and it may do at every host what it likes. grants: at the hosts that it has
    claimed.
    """

    alone: bool
    grants: Mapping[HostKey, QuotaAllocation]


def allocate(me: int, claims: Mapping[int, QuotaRequest], now: float) -> QuotaAllocation:
    """What run ``me`` may hold of a host on which these runs have claims, its own among them."""
    mine = claims[me]
    others = [claim for run, claim in claims.items() if run != me]
    if not others:
        return QuotaAllocation(mine.most if mine.wants else 0)
    free_at = max(claim.free_at for claim in others)
    parked_until = max(claim.parked_until for claim in others)
    most = min(claim.most for claim in claims.values())
    delay = max(claim.delay for claim in claims.values())
    taken = sum(claim.held for claim in others)
    wanting = sorted(run for run, claim in claims.items() if claim.wants)
    if not mine.wants:
        return QuotaAllocation(0, free_at, parked_until)
    turn = int(now // max(MIN_TURN, STARTS_PER_TURN * delay)) % len(wanting)
    wanting = wanting[turn:] + wanting[:turn]
    if delay:  # all or nothing: only who is alone at a host knows when it was last asked
        slots = most if wanting[0] == me and not taken else 0
    else:
        slots = min(_fair_share(me, wanting, claims, most), max(0, most - taken))
    return QuotaAllocation(slots, free_at, parked_until)


def _fair_share(me: int, order: list[int], claims: Mapping[int, QuotaRequest], slots: int) -> int:
    """What ``me`` gets where slots are dealt in turn, to nobody more than it wants."""
    left = {run: claims[run].wants for run in order}
    while left:
        each, rest = divmod(slots, len(left))
        content = [run for run, wants in left.items() if wants <= each]
        if not content:
            return each + (list(left).index(me) < rest)
        for run in content:
            if run == me:
                return claims[me].wants
            slots -= left.pop(run)
    return 0
