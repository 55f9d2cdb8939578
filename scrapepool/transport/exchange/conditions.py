"""Conditional requests, and what a response says about the next one (RFC 9110 section 13).

Decides nothing: ``validators`` does. It is where that meets requests and responses.
"""

from __future__ import annotations

import time

from ...model import Fetched, Unchanged
from ...validators import Known, validators_of
from .exchange import Exchange
from .partial_files import Left
from .route import with_fields


def with_conditions(request: bytes, left: Left | None, known: Known | None, url: str, method: str) -> bytes:
    """A request that asks for the rest of a body, or whether a page has changed, where that can be asked.

    left: what is there of a body. known: what earlier records say, None where a 304 would not do. url: that is
    requested now.
    """
    if left is not None:
        return with_fields(request, left.fields)
    if known is None:
        return request
    fields = known.conditions(url, method, request)
    return with_fields(request, fields) if fields else request


def with_validators(outcome: Fetched | Unchanged, exchange: Exchange, request: bytes) -> Fetched | Unchanged:
    """The outcome with what its response says about asking for it again."""
    outcome.validators = validators_of(
        exchange.parser.headers,
        request,
        redirected=bool(outcome.redirects),
        now=time.time() - (exchange.ended - exchange.headed),
        delay=exchange.headed - exchange.sent,
    )
    if isinstance(outcome, Unchanged):
        known = outcome.target.known
        outcome.asked = known is not None and known.was_sent(request)
    return outcome
