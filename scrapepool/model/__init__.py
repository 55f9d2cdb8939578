"""The values that travel between the stages: targets, attempts, outcomes, and what went over the wire.

Decides their shape and nothing else. Knows no sockets, threads, clocks or files. A failed URL is a value here, never an
exception. Times called ``started`` are Unix seconds of the wall clock; every other time is a duration in seconds of a
monotonic clock.

Modules outside of this package import its names from here; its own modules import each other.
"""

from __future__ import annotations

from ..host_key import DEFAULT_PORTS, HostKey
from .attempts import Attempt, Earlier, Hop, Redirect, Trail
from .error_kind import ERROR_GROUPS, ErrorKind
from .history import AttemptRecord, Step, Timings, TLSFacts, Wait, WaitReason
from .outcomes import (
    Deferred,
    Failed,
    Fetched,
    Outcome,
    OutcomeBase,
    ProxyFault,
    RateLimit,
    Redirected,
    Result,
    Retryable,
    Saved,
    Serialized,
    Skipped,
    Unchanged,
)
from .targets import Apart, BodyWriter, ListTarget, OpenBody, RowRequest, Target
from .transcript import Span, Transcript, TruncationReason
from .verdict import OUTCOMES, SUCCESSES, error_of, is_repeat, verdict

__all__ = [
    "DEFAULT_PORTS",
    "ERROR_GROUPS",
    "OUTCOMES",
    "SUCCESSES",
    "Apart",
    "Attempt",
    "AttemptRecord",
    "BodyWriter",
    "Deferred",
    "Earlier",
    "ErrorKind",
    "Failed",
    "Fetched",
    "Hop",
    "HostKey",
    "ListTarget",
    "OpenBody",
    "Outcome",
    "OutcomeBase",
    "ProxyFault",
    "RateLimit",
    "Redirect",
    "Redirected",
    "Result",
    "Retryable",
    "RowRequest",
    "Saved",
    "Serialized",
    "Skipped",
    "Span",
    "Step",
    "TLSFacts",
    "Target",
    "Timings",
    "Trail",
    "Transcript",
    "TruncationReason",
    "Unchanged",
    "Wait",
    "WaitReason",
    "error_of",
    "is_repeat",
    "verdict",
]
