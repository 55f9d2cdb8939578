"""The history of a target: its waits and its attempts, as a record tells them."""

from __future__ import annotations

from enum import StrEnum

from ..named_tuple import NamedTuple
from .error_kind import ErrorKind


class WaitReason(StrEnum):
    """Why a target waits before it is requested: the words of a record's ``history``."""

    TURN = "turn"
    """Other targets come first: limits on requests in flight, per host or for the run, or on requests per second."""
    DELAY = "delay"
    """The same on a host with a delay between requests: ``--delay``, a Crawl-delay, or its pace."""
    ROBOTS = "robots"
    """Its host's robots.txt is not known yet."""
    RETRY_AFTER = "retry_after"
    """The server asked for this wait."""
    PARKED = "parked"
    """Its host said that it gets too many requests (429, 503), and not for how long."""
    CIRCUIT = "circuit"
    """Its host was down, and was only probed."""
    WINDOW = "window"
    """The time of day is outside the hours in which its host may be requested."""
    BACKOFF = "backoff"
    """The pause before a retry."""
    OUTAGE = "outage"
    """The network seemed to be down."""


class Wait(NamedTuple):
    """A wait, in seconds, and its reason."""

    why: WaitReason
    seconds: float


class Timings(NamedTuple):
    """The duration of each step of one request, in seconds; None for a step that did not happen.

    dns: the name look-up.
    connect: TCP.
    tls: the handshake.
    ttfb: from the request to the first byte of the response.
    download: from there to its last byte.
    """

    dns: float | None
    connect: float | None
    tls: float | None
    ttfb: float | None
    download: float | None


class TLSFacts(NamedTuple):
    """What is known of the TLS connection that a response came over.

    The last three are None if the server's certificate was not verified, because Python reads no other one.

    version: of the protocol, as ``TLSv1.3``.
    cipher: OpenSSL's name of the cipher suite.
    issuer: who signed the server's certificate, as RFC 4514 writes a name: ``CN=R11,O=Let's Encrypt,C=US``.
    subject: whose certificate it is, in the same form; None if it has only alternative names.
    expires: Unix time at which the certificate expires.
    """

    version: str | None
    cipher: str | None
    issuer: str | None = None
    subject: str | None = None
    expires: float | None = None


class AttemptRecord(NamedTuple):
    """How one attempt ended. The fields are those of ``OutcomeBase``, except for these.

    number: 1 for the first; two records have the same number if the earlier attempt was not counted.
    url: the last one that was requested.
    started: Unix time of this attempt's own start.
    retry_after: seconds that the server asked to wait.
    redirected_to: the URL on another host at which the attempt goes on; the next record tells how it ended.
    """

    number: int
    url: str
    started: float | None
    elapsed: float
    status: int | None = None
    error: ErrorKind | None = None
    detail: str | None = None
    remote: str | None = None
    reused: bool = False
    timings: Timings | None = None
    retry_after: float | None = None
    redirected_to: str | None = None


Step = Wait | AttemptRecord
"""A step in the history of a target. Steps are in the order in which they happened."""
