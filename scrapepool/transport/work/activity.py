"""The activity of each request in flight: what it waits for at this moment.

Decides which phase a lease is in, from the state of its connection and its exchange. Takes no lock: a lease may change
its phase meanwhile, and then the reported phase was correct shortly before. Does not format texts for people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...fallbacks import unsent
from ...named_tuple import NamedTuple
from ...running_clock import monotonic
from ..net.phase import Phase

if TYPE_CHECKING:
    from ..net.connection import Connection
    from .context import LeaseContext
    from .lease import RunningLease


class Activity(NamedTuple):
    """One request in flight.

    host: the host that is requested. url: the URL of the target, or of the redirect that led to the host.
    seconds: time since the phase began, even if bytes arrive. remote: the address, None before there is a connection.
    received: number of bytes of the body.
    """

    host: str
    url: str
    phase: Phase
    seconds: float
    remote: str | None = None
    received: int = 0


def in_flight(context: LeaseContext) -> list[Activity]:
    """Return what each lease with a connection waits for now."""
    now = monotonic()
    return [_activity(conn, run, now) for conn, run in tuple(context.state.live.items())]


def _activity(conn: Connection, run: RunningLease, now: float) -> Activity:
    attempts = run.work.attempts
    attempt = attempts[min(len(run.starts), len(attempts)) - 1]
    url = attempt.target.url if attempt.hop is None else attempt.hop.url
    exchange, opening = run.exchange, conn.opening_phase
    received = 0
    if opening is not None:
        phase, since = opening
    elif exchange is None:
        phase, since = Phase.CONNECTION, run.starts[-1]
    elif exchange.ended:
        phase, since = Phase.SILENCE, exchange.ended
    elif exchange.parser.head_done:
        phase, since = Phase.BODY, exchange.headed or exchange.sent
        received = exchange.body.wire if exchange.body is not None else 0
    elif exchange.parser.started:
        phase, since = Phase.HEAD, exchange.sent
    else:
        phase, since = Phase.SENDING if conn.sock is not None and unsent(conn.sock) else Phase.FIRST_BYTE, exchange.sent
    connected = phase not in (Phase.NAME, Phase.CONNECTION)
    return Activity(
        run.work.lease.host.netloc, url, phase, max(0.0, now - since), conn.remote if connected else None, received
    )
