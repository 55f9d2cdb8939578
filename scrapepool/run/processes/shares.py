"""How a quantity per second is divided among worker processes: what one does not use goes to the others.

Decides from what each has used of its share. Knows no clocks.
"""

from __future__ import annotations

from collections.abc import Sequence

HUNGRY = 0.7
"""A process that has used this part of its share could use more."""

ROOM = 1.5
"""What a process that uses less may use at most, in parts of what it has used."""

LEAST = 0.1
"""What each gets at least, in parts of an equal share: so much at once lets it show that it needs more."""


def divide(total: float, shares: Sequence[float], used: Sequence[float]) -> list[float]:
    """Return the new shares, whose sum is ``total``. shares, used: of each process, per second, until now."""
    equal = total / len(shares)
    wanted = [
        total if spent >= HUNGRY * share else max(LEAST * equal, ROOM * spent)
        for share, spent in zip(shares, used, strict=True)
    ]
    left, found = total, [0.0] * len(shares)
    by_need = sorted(range(len(shares)), key=wanted.__getitem__)
    for done, at in enumerate(by_need):
        found[at] = min(wanted[at], left / (len(shares) - done))
        left -= found[at]
    return [share + left / len(shares) for share in found]
