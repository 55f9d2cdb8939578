"""How long a connection must be silent before what came over it is believed."""

from __future__ import annotations

import pytest

from scrapepool.model import HostKey
from scrapepool.transport.work import desync
from scrapepool.transport.work.desync import MARGIN, MAX_DELAY, PROVEN, QUICK, SHARE, DesyncState, DesyncStates

WORKED = 0.02
"""Seconds that a lease is meant to take."""


def test_a_quick_response_of_an_unknown_host_is_verified_with_a_delay() -> None:
    """At least as long as a busy machine may delay a server."""
    assert DesyncState().verification_delay(0.001, WORKED) == MARGIN


def test_the_delay_follows_the_slowest_response_within_bounds() -> None:
    """A true response that is still missing takes as long as the responses of this host usually take."""
    desync = DesyncState()
    desync.took(0.2)
    assert desync.verification_delay(0.001, WORKED) == 0.2 + MARGIN
    desync.took(60.0)
    assert desync.verification_delay(0.001, WORKED) == MAX_DELAY


def test_a_distant_host_pays_nothing() -> None:
    """A slow response is verified at once if all responses of the host are slow."""
    desync = DesyncState()
    desync.took(0.1)
    assert desync.verification_delay(QUICK, WORKED) == 0.0


def test_a_near_host_is_watched_until_its_slowest_response_would_have_come() -> None:
    """Between the two limits, the rest of the slowest response time is enough."""
    desync = DesyncState()
    desync.took(0.04)
    assert desync.verification_delay(0.03, WORKED) == pytest.approx(0.04 + MARGIN - 0.03)
    assert desync.verification_delay(0.07, WORKED) == 0.0


def test_a_proven_host_costs_a_small_share() -> None:
    """After enough verified responses, the delay is limited to a share of the work that it verifies."""
    desync = DesyncState()
    desync.took(0.4)
    desync.verified = PROVEN
    assert desync.verification_delay(0.001, WORKED) <= WORKED * SHARE
    assert desync.verification_delay(0.001, 1.0) == 0.062
    assert desync.verification_delay(0.001, 0.01) == 0.0


def test_what_was_slow_once_fades() -> None:
    """One slow response does not slow a host down for ever."""
    desync = DesyncState()
    desync.took(1.0)
    for _ in range(200):
        desync.took(0.001)
    assert desync.slowest < 0.01


def test_distrust_starts_the_proof_anew() -> None:
    """A host that spoke unasked has to prove itself again, later."""
    desync = DesyncState()
    desync.verified = PROVEN
    assert not desync.distrusted
    desync.distrust()
    assert desync.distrusted
    assert desync.verified == 0


def test_the_standings_are_bounded() -> None:
    """A run over millions of hosts does not hold them all; the young ones stay."""
    states = DesyncStates()
    for n in range(desync.HOSTS_KEPT + 1):
        last = states.of(HostKey("http", f"h{n}.test", 80))
    assert len(states._states) <= desync.HOSTS_KEPT
    assert states.of(HostKey("http", f"h{n}.test", 80)) is last
