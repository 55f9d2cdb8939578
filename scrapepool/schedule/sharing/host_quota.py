"""How concurrent runs that request from the same hosts share what each host allows.

Decides how many slots of one host a run may hold, given what all runs hold and want. All runs together hold at most the
host's limit. A run gets all slots if no other run wants any, and an equal share otherwise. What cannot be divided, such
as the only slot of a host or the starts at a host with a delay, is held by one run at a time, in turns. Each run
decides for itself, one after another, from the same requests. No run takes what another one holds, so it does no harm
if a run learns late that it should hold less. Does not know where the requests are kept. Time is an argument, in
seconds of a clock that all runs share.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from ...model import HostKey
from ...named_tuple import NamedTuple

MIN_TURN = 10.0
"""Minimum seconds of one turn. A handover costs two exchanges and the time of what is in flight, about half a second in
which the host gets no requests: a twentieth of a turn."""

STARTS_PER_TURN = 2
"""Minimum number of delays in a turn, so that even with a long delay a run starts a request in its turn."""


class QuotaRequest(NamedTuple):
    """What one run holds and wants of one host.

    most: maximum requests in flight on the host, over all runs, by the settings of this run. wants: requests that the
    run has work for. held: requests that it may still begin or has in flight, so that no other run may use their slots.
    delay: seconds between two starts, 0.0 for none. free_at: earliest next start by its own last start.
    parked_until: earliest next start by what the host asked for.
    """

    most: int
    wants: int
    held: int
    delay: float = 0.0
    free_at: float = -inf
    parked_until: float = -inf


class QuotaAllocation(NamedTuple):
    """What a run may use of a host from now on.

    slots: maximum requests in flight. free_at, parked_until: earliest next start, by what the other runs started, and
    by what the host asked them for.
    """

    slots: int
    free_at: float = -inf
    parked_until: float = -inf


NO_ALLOCATION = QuotaAllocation(0)


class Allocations(NamedTuple):
    """What a run may use of all hosts.

    alone: whether there are no other runs, so that nothing is limited. grants: by host that it requested.
    """

    alone: bool
    grants: Mapping[HostKey, QuotaAllocation]


def allocate(me: int, claims: Mapping[int, QuotaRequest], now: float) -> QuotaAllocation:
    """Return what run ``me`` may hold of a host, given the requests of all runs, its own included."""
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
    if delay:  # all or nothing: a run must be alone to know the last start
        slots = most if wanting[0] == me and not taken else 0
    else:
        slots = min(_fair_share(me, wanting, claims, most), max(0, most - taken))
    return QuotaAllocation(slots, free_at, parked_until)


def _fair_share(me: int, order: list[int], claims: Mapping[int, QuotaRequest], slots: int) -> int:
    """Return the share of ``me`` if slots are dealt in turn, and no run gets more than it wants."""
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
