"""Conditional requests, and the validators of responses (RFC 9110 section 13).

Decides nothing: ``scrapepool.validators`` does. This module applies its decisions to requests and outcomes.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ...model import Fetched, Unchanged
from ...validators import Known, validators_of
from .exchange import Exchange
from .route import with_fields

if TYPE_CHECKING:
    from .partial_files import PartialDownload


def with_conditions(request: bytes, left: PartialDownload | None, known: Known | None, url: str, method: str) -> bytes:
    """Return a request for the rest of a body, or for a page only if it has changed; else the request as it is.

    left: the partial download of the body, if there is one. known: what earlier records say of the page; None if a 304
    would not suffice. url: the URL that is requested now.
    """
    if left is not None:
        return with_fields(request, left.fields)
    if known is None:
        return request
    fields = known.conditions(url, method, request)
    return with_fields(request, fields) if fields else request


def with_validators(outcome: Fetched | Unchanged, exchange: Exchange, request: bytes) -> Fetched | Unchanged:
    """Add the validators of the response to its outcome, for the next request for the same URL."""
    outcome.validators = validators_of(
        exchange.parser.values,
        request,
        redirected=bool(outcome.redirects),
        now=time.time() - (exchange.ended - exchange.headed),
        delay=exchange.headed - exchange.sent,
    )
    if isinstance(outcome, Unchanged):
        known = outcome.target.known
        outcome.asked = known is not None and known.was_sent(request)
    return outcome
